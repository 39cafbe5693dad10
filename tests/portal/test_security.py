"""The second step and the Security pages as requests: what they ask for, what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.factories import PASSWORD
from tests.fakes.factors import STEP, App, Authenticator, authenticator
from tests.portal.words import read, text_of
from tests.workspaces.test_factors import add_passkey
from workspaces import factors
from workspaces.audit import Factors, SignIn
from workspaces.clock import database_now
from workspaces.factors import kinds, recovery
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    CodeAttempts,
    Membership,
    Role,
    User,
    Workspace,
)

SECOND_STEP = "/login/second-step/"
SECURITY = "/security/"


@pytest.fixture
def phone(alice: User, workspace: Workspace) -> App:
    return authenticator(alice)


def give_password(client: Client, email: str = "alice@acme.test", **data: str) -> Any:
    return client.post("/login/", {"username": email, "password": PASSWORD, **data})


def give_code(client: Client, app: App, code: str | None = None, **data: str) -> Any:
    given = {"factor": app.id, "code": code or app.code(), **data}
    return client.post(SECOND_STEP, given)


def is_in(client: Client) -> bool:
    return client.get("/integrations/").status_code == 200


def age_proof(client: Client, by: timedelta = timedelta(minutes=6)) -> None:
    """Let the session have proved who it is some time ago."""
    session = client.session
    proof = dict(session["proof"])
    proof["at"] = (datetime.fromisoformat(proof["at"]) - by).isoformat()
    session["proof"] = proof
    session.save()


@pytest.fixture
def signed_in(client: Client, phone: App) -> Client:
    give_password(client)
    give_code(client, phone, phone.code(database_now() - STEP))
    return client


class TestSecondStep:
    def test_password_alone_logs_nobody_in_who_has_a_factor(
        self, client: Client, phone: App
    ) -> None:
        answer = give_password(client)

        assert answer["Location"] == SECOND_STEP
        assert not is_in(client)
        assert not AuditEvent.objects.filter(action=SignIn.SIGNED_IN).exists()

    def test_code_logs_in_under_a_new_session_id(
        self, client: Client, phone: App
    ) -> None:
        """STP-19."""
        give_password(client, next="/audit/")
        before = client.session.session_key

        answer = give_code(client, phone)

        assert answer["Location"] == "/audit/"
        assert is_in(client)
        assert client.session.session_key != before
        assert AuditEvent.objects.filter(action=SignIn.SIGNED_IN).count() == 1

    def test_wrong_code_is_refused_and_recorded(
        self, client: Client, phone: App
    ) -> None:
        give_password(client)

        answer = give_code(client, phone, "000000")

        assert answer.status_code == 422
        assert "This code is wrong" in text_of(answer)
        assert not is_in(client)
        event = AuditEvent.objects.get(action=Factors.SECOND_STEP_FAILED)
        assert event.data == {"kind": "totp"}

    def test_code_that_logged_in_confirms_nothing(
        self, client: Client, phone: App
    ) -> None:
        """STP-05."""
        give_password(client)
        code = phone.code()
        give_code(client, phone, code)

        answer = client.post("/security/confirm/", {"factor": phone.id, "code": code})

        assert answer.status_code == 422

    def test_too_many_wrong_codes_get_429_in_any_session(
        self, client: Client, phone: App
    ) -> None:
        """STP-06."""
        give_password(client)
        for _ in range(3):
            give_code(client, phone, "000000")
        other = Client()
        give_password(other)

        answer = give_code(other, phone)

        assert answer.status_code == 429
        assert "Too many wrong codes" in text_of(answer)
        assert not is_in(other)

    def test_passkey_logs_in(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        device = Authenticator()
        add_passkey(alice, device)
        give_password(client)
        options = client.post(f"{SECOND_STEP}passkey/").json()

        answer = client.post(
            SECOND_STEP, {"credential": json.dumps(device.get(options))}
        )

        assert answer.status_code == 302
        assert is_in(client)

    def test_passkey_without_a_challenge_is_refused(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        """STP-13."""
        device = Authenticator()
        add_passkey(alice, device)
        give_password(client)

        for credential in ("", "{", json.dumps(device.get({"challenge": "AAAA"}))):
            answer = client.post(SECOND_STEP, {"credential": credential})
            assert answer.status_code == 422
        assert not is_in(client)

    def test_somebody_elses_factor_is_not_taken(
        self, client: Client, phone: App, bob: User
    ) -> None:
        """STP-11."""
        authenticator(bob)
        give_password(client, "bob@acme.test")

        answer = give_code(client, phone)

        assert answer.status_code == 422

    def test_it_is_not_open_for_ever(self, client: Client, phone: App) -> None:
        give_password(client)
        session = client.session
        kept = dict(session["second_step"])
        then = datetime.fromisoformat(kept["at"]) - timedelta(minutes=11)
        session["second_step"] = {**kept, "at": then.isoformat()}
        session.save()

        assert give_code(client, phone)["Location"] == "/"
        assert not is_in(client)

    @pytest.mark.parametrize("change", ["deactivated", "new password"])
    def test_it_ends_with_the_password(
        self, client: Client, phone: App, alice: User, change: str
    ) -> None:
        give_password(client)
        alice.is_active = change != "deactivated"
        alice.set_password("another correct horse")
        alice.save()

        give_code(client, phone)

        assert not is_in(client)

    def test_next_of_another_site_is_refused(self, client: Client, phone: App) -> None:
        give_password(client, next="https://evil.example/")

        answer = give_code(client, phone, next="https://evil.example/")

        assert answer["Location"] == "/"

    def test_recovery_code_lets_in(
        self, client: Client, phone: App, alice: User
    ) -> None:
        [code, *_] = recovery.generate(alice, now=database_now())
        codes = factors.usable(alice)[-1]
        give_password(client)

        client.post(SECOND_STEP, {"factor": codes.id, "code": code})

        assert is_in(client)


class TestFurtherKind:
    """A kind with a page of its own to prove it, such as a phone that is asked."""

    @pytest.fixture
    def approver(self, alice: User, workspace: Workspace) -> Iterator[App]:
        app = authenticator(alice)
        kind = kinds.Kind(
            "asked",
            "Phone",
            "smartphone",
            5,
            lambda user: [app.app] if user.pk == alice.pk else [],
            prove_url="workspaces:rename_factor",
        )
        kinds.register(kind)
        yield app
        del kinds._kinds["asked"]

    def test_leads_to_its_page_at_the_second_step(
        self, client: Client, approver: App
    ) -> None:
        give_password(client, next="/audit/")

        answer = client.get(SECOND_STEP)

        page = f"/security/factors/{approver.id}/rename/"
        assert answer["Location"] == f"{page}?purpose=log_in&next=/audit/"
        assert not is_in(client)

    def test_leads_to_its_page_to_confirm(
        self, alice_client: Client, approver: App
    ) -> None:
        answer = alice_client.get("/security/confirm/?next=/security/")

        assert "purpose=confirm&next=/security/" in answer["Location"]


class TestRequired:
    @pytest.fixture
    def required(self, workspace: Workspace) -> None:
        Workspace.objects.update(require_two_steps=True)

    def test_who_has_no_factor_is_led_to_set_one_up(
        self, client: Client, alice: User, required: None
    ) -> None:
        give_password(client)

        answer = client.get("/audit/")

        assert answer["Location"] == "/security/?next=/audit/"
        assert "Acme requires two steps" in read(client, SECURITY)
        assert client.post("/members/leave/").status_code == 302
        assert Membership.objects.exists()

    def test_running_session_is_asked_on_the_next_page(
        self, alice_client: Client, alice: User, required: None
    ) -> None:
        phone = authenticator(alice)
        answer = alice_client.get("/audit/")

        assert answer["Location"] == f"{SECOND_STEP}?next=/audit/"
        give_code(alice_client, phone)
        assert is_in(alice_client)

    def test_session_of_a_deleted_factor_is_asked_again(
        self, signed_in: Client, alice: User, phone: App, required: None
    ) -> None:
        authenticator(alice, name="Other")
        assert is_in(signed_in)

        AuthenticatorApp.objects.filter(pk=phone.app.pk).delete()

        assert not is_in(signed_in)

    def test_signing_out_is_always_possible(
        self, client: Client, alice: User, required: None
    ) -> None:
        give_password(client)

        assert client.post("/logout/")["Location"] == "/login/"


class TestProof:
    """Adding and deleting ask for proof, which is at most 5 minutes old."""

    PAGES = ("/security/passkeys/new/", "/settings/security-policy/")

    @pytest.mark.parametrize("page", PAGES)
    def test_old_login_is_asked_for_the_password(
        self, alice_client: Client, page: str
    ) -> None:
        age_proof(alice_client)

        answer = alice_client.get(page)

        assert answer["Location"] == f"/security/confirm/?next={page}"
        assert "Password" in read(alice_client, answer["Location"])

    def test_password_proves_who_has_no_factor(self, alice_client: Client) -> None:
        age_proof(alice_client)
        before = alice_client.session.session_key
        given = {"password": PASSWORD, "next": self.PAGES[0]}

        answer = alice_client.post("/security/confirm/", given)

        assert answer["Location"] == self.PAGES[0]
        assert alice_client.session.session_key != before
        assert alice_client.get(self.PAGES[0]).status_code == 200

    def test_wrong_password_is_refused_and_counted(self, alice_client: Client) -> None:
        age_proof(alice_client)

        for _ in range(9):
            answer = alice_client.post("/security/confirm/", {"password": "wrong"})
            assert answer.status_code == 422
        locked = alice_client.post("/security/confirm/", {"password": "wrong"})

        assert locked.status_code == 429
        assert alice_client.get(self.PAGES[0]).status_code == 302
        assert AuditEvent.objects.filter(action=SignIn.FAILED).exists()

    def test_password_does_not_prove_who_has_a_factor(
        self, alice_client: Client, phone: App
    ) -> None:
        """STP-14: a stolen session and the password enrol nothing."""
        answer = alice_client.post("/security/confirm/", {"password": PASSWORD})

        assert answer.status_code == 422
        assert alice_client.get(self.PAGES[0]).status_code == 302
        assert alice_client.post("/security/authenticator-app/").status_code == 302
        assert AuthenticatorApp.objects.count() == 1

    def test_factor_proves(self, signed_in: Client, phone: App) -> None:
        assert signed_in.get(self.PAGES[0]).status_code == 200
        age_proof(signed_in)
        assert signed_in.get(self.PAGES[0]).status_code == 302

        signed_in.post("/security/confirm/", {"factor": phone.id, "code": phone.code()})

        assert signed_in.get(self.PAGES[0]).status_code == 200

    @pytest.mark.parametrize("way", ["totp", "passkey", "recovery"])
    def test_any_offered_way_confirms(
        self, alice_client: Client, alice: User, phone: App, way: str
    ) -> None:
        """S0-79."""
        device = Authenticator()
        add_passkey(alice, device)
        [code, *_] = recovery.generate(alice, now=database_now())
        chosen = next(f for f in factors.usable(alice) if f.kind == way)
        given = {"factor": chosen.id, "code": phone.code() if way == "totp" else code}
        if way == "passkey":
            options = alice_client.post("/security/confirm/passkey/").json()
            given["credential"] = json.dumps(device.get(options))
        assert alice_client.get(self.PAGES[0]).status_code == 302

        answer = alice_client.post("/security/confirm/", given)

        assert answer["Location"] == SECURITY
        assert alice_client.get(self.PAGES[0]).status_code == 200

    def test_dialog_of_a_stale_session_leads_to_the_confirmation(
        self, signed_in: Client, phone: App
    ) -> None:
        age_proof(signed_in)
        path = f"/security/factors/{phone.id}/delete/"

        answer = signed_in.get(path, headers={"hx-request": "true"})

        assert answer["HX-Redirect"] == f"/security/confirm/?next={path}"

    def test_key_of_a_started_app_is_not_shown_to_a_stale_session(
        self, alice_client: Client
    ) -> None:
        page = alice_client.post("/security/authenticator-app/")["Location"]
        age_proof(alice_client)

        assert alice_client.get(page).status_code == 302

    def test_failure_is_recorded(self, signed_in: Client, phone: App) -> None:
        signed_in.post("/security/confirm/", {"factor": phone.id, "code": "000000"})

        assert AuditEvent.objects.filter(action=Factors.CONFIRMATION_FAILED).exists()
        assert CodeAttempts.objects.get(purpose="confirm").failures == 1


class TestOwnOnly:
    @pytest.mark.parametrize("what", ["rename", "delete"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_somebody_elses_factor_is_not_found(
        self, alice_client: Client, bob: User, what: str, method: str
    ) -> None:
        """TEN-01 in kind."""
        app = authenticator(bob)
        path = f"/security/factors/{app.id}/{what}/"

        answer = getattr(alice_client, method)(path, {"name": "Mine"})

        assert answer.status_code == 404
        assert [f.name for f in factors.usable(bob)] == ["Phone"]

    def test_somebody_elses_key_is_not_shown(
        self, alice_client: Client, bob: User
    ) -> None:
        from workspaces.factors import authenticator as apps  # noqa: PLC0415

        app = apps.start(bob, now=database_now())

        answer = alice_client.get(f"/security/authenticator-app/{app.public_id}/")

        assert answer.status_code == 404


class TestPages:
    def start(self, client: Client) -> str:
        return str(client.post("/security/authenticator-app/")["Location"])

    def test_app_is_set_up_by_its_first_code(
        self, alice_client: Client, alice: User
    ) -> None:
        page = self.start(alice_client)
        shown = alice_client.get(page)
        key = shown.context["key"].replace(" ", "")
        app = App(AuthenticatorApp.objects.get(), key)

        answer = alice_client.post(page, {"name": "Phone", "code": app.code()})

        assert answer["Location"] == SECURITY
        assert shown["Cache-Control"].count("no-store") == 1
        assert b"<svg" in shown.content
        assert b"style=" not in shown.content
        assert alice_client.get(page).status_code == 404
        assert "Phone" in read(alice_client, SECURITY)
        assert key not in text_of(alice_client.get(SECURITY))

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
    def test_page_is_for_every_role_but_the_policy_is_not(
        self, client: Client, bob: User, role: str
    ) -> None:
        Membership.objects.filter(user=bob).update(role=role)
        client.force_login(bob)

        assert "Security policy" not in read(client, SECURITY)
        assert client.get("/settings/security-policy/").status_code == 403

    def test_recovery_codes_are_shown_once(
        self, signed_in: Client, alice: User
    ) -> None:
        answer = signed_in.post("/security/recovery-codes/")
        shown = answer.context["codes"]
        again = signed_in.get("/security/recovery-codes/")

        assert "no-store" in answer["Cache-Control"]
        assert all(code in text_of(answer) for code in shown)
        assert not any(code in text_of(again) for code in shown)
        assert not any(code in str(dict(signed_in.session)) for code in shown)

    def test_recovery_codes_are_downloaded_as_text(self, signed_in: Client) -> None:
        shown = signed_in.post("/security/recovery-codes/").context["codes"]

        answer = signed_in.post("/security/recovery-codes/download/", {"code": shown})

        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer["Cache-Control"]
        assert all(code in answer.content.decode() for code in shown)

    @pytest.mark.parametrize("codes", [["<script>"] * 10, ["AAAA-AAAA-AAAA-AAAA"], []])
    def test_download_gives_back_codes_only(
        self, signed_in: Client, codes: list[str]
    ) -> None:
        answer = signed_in.post("/security/recovery-codes/download/", {"code": codes})

        assert answer.status_code == 302

    def test_factor_is_renamed_and_deleted(self, signed_in: Client, phone: App) -> None:
        path = f"/security/factors/{phone.id}/"
        signed_in.post(f"{path}rename/", {"name": "Old phone"})
        assert "Old phone" in read(signed_in, SECURITY)
        assert "last second factor" in read(signed_in, f"{path}delete/")

        signed_in.post(f"{path}delete/")

        assert "Old phone is deleted." in read(signed_in, SECURITY)
        assert "Factor deleted" in read(signed_in, "/audit/")
        event = AuditEvent.objects.get(action=Factors.RENAMED)
        assert event.data == {"kind": "totp", "before": "Phone", "after": "Old phone"}

    def test_last_one_stays_where_two_steps_are_required(
        self, signed_in: Client, phone: App
    ) -> None:
        Workspace.objects.update(require_two_steps=True)
        path = f"/security/factors/{phone.id}/delete/"

        assert "Set up another one first" in read(signed_in, path)
        signed_in.post(path)

        assert "Set up another one first" in read(signed_in, SECURITY)
        assert AuthenticatorApp.objects.exists()

    @pytest.mark.parametrize("minutes", ["-1", "61", "", "ten"])
    def test_policy_wants_0_to_60_minutes(
        self, alice_client: Client, minutes: str
    ) -> None:
        answer = alice_client.post(
            "/settings/security-policy/", {"confirm_minutes": minutes}
        )

        assert answer.status_code == 422

    def test_policy_is_saved(self, alice_client: Client, workspace: Workspace) -> None:
        alice_client.post(
            "/settings/security-policy/",
            {"require_two_steps": "on", "confirm_minutes": "0"},
        )

        workspace.refresh_from_db()
        assert workspace.require_two_steps
        assert workspace.confirm_minutes == 0

    def test_passkey_of_a_browser_is_added(
        self, alice_client: Client, alice: User
    ) -> None:
        options = alice_client.post("/security/passkeys/begin/").json()
        made = Authenticator().create(options)
        given = {"name": "Laptop", "credential": json.dumps(made)}

        answer = alice_client.post("/security/passkeys/new/", given)
        again = alice_client.post("/security/passkeys/new/", given)

        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["rp"]["id"] == "testserver"
        assert answer["Location"] == SECURITY
        assert again.status_code == 422
        assert [f.name for f in factors.usable(alice)] == ["Laptop"]


def test_queries_of_the_gate_do_not_grow(
    signed_in: Client,
    alice: User,
) -> None:
    """One query more where two steps are required."""
    from tests.portal.words import query_count  # noqa: PLC0415

    before = query_count(signed_in, "/audit/")
    Workspace.objects.update(require_two_steps=True)

    assert query_count(signed_in, "/audit/") == before + 1
