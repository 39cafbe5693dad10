"""The door: who gets in, who is kept out, and what the answer gives away."""

from __future__ import annotations

import re
import time

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from tests.factories import PASSWORD
from workspaces.audit import SignIn
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Membership, Role, User, Workspace
from workspaces.sign_in import SIGNED_IN_AT

LOGIN = "/login/"
_CHANGES_EACH_TIME = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|value="[^"@]*@[^"]*"'
)


def log_in(
    client: Client,
    email: str = "alice@acme.test",
    password: str = PASSWORD,
    **extra: object,
):
    return client.post(LOGIN, {"username": email, "password": password}, **extra)


def is_logged_in(client: Client) -> bool:
    return client.get("/integrations/").status_code != 302


@pytest.mark.parametrize(
    "typed",
    ["alice@acme.test", "ALICE@ACME.TEST", "Alice@Acme.Test", "  alice@acme.test "],
)
def test_address_is_accepted_in_any_case(
    client: Client, workspace: Workspace, typed: str
) -> None:
    answer = log_in(client, typed)

    assert answer.status_code == 302
    assert is_logged_in(client)


def test_unknown_address_and_wrong_password_get_the_same_answer(
    client: Client, workspace: Workspace
) -> None:
    wrong = log_in(client, "alice@acme.test", "not the password")
    unknown = log_in(client, "nobody@acme.test", "not the password")

    assert wrong.status_code == unknown.status_code == 422
    assert _comparable(wrong.content) == _comparable(unknown.content)


def test_deactivated_person_gets_the_answer_of_a_wrong_password(
    client: Client, alice: User, workspace: Workspace
) -> None:
    alice.is_active = False
    alice.save()

    right = log_in(client)
    wrong = log_in(client, password="not the password")

    assert right.status_code == wrong.status_code == 422
    assert _comparable(right.content) == _comparable(wrong.content)
    assert not is_logged_in(client)


def test_password_is_not_in_the_answer(client: Client, workspace: Workspace) -> None:
    answer = log_in(client, password="canary-9d1f")

    assert b"canary-9d1f" not in answer.content


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("", ""),
        ("alice", "x"),
        ("a" * 300 + "@acme.test", "x"),
        ("alice@acme.test", ""),
        ("alice\x00@acme.test", "x"),
        ("alice@acme.test", "x\x00y"),
    ],
    ids=["empty", "no address", "long", "no password", "NUL", "NUL in password"],
)
def test_nonsense_gets_422(
    client: Client, workspace: Workspace, email: str, password: str
) -> None:
    answer = log_in(client, email, password)

    assert answer.status_code == 422


class TestLockOut:
    def fail(self, client: Client, times: int, email: str = "alice@acme.test") -> None:
        for _ in range(times):
            log_in(client, email, "not the password")

    def test_ten_failures_lock_the_person_out_from_this_address(
        self, client: Client, workspace: Workspace
    ) -> None:
        self.fail(client, 9)
        ninth = log_in(client, password="not the password, for the tenth time")
        after = log_in(client)

        assert ninth.status_code == 429
        assert after.status_code == 429
        assert b"Too many attempts to sign in" in after.content
        assert not is_logged_in(client)

    def test_nine_failures_do_not(self, client: Client, workspace: Workspace) -> None:
        self.fail(client, 9)

        assert log_in(client).status_code == 302

    def test_success_forgets_the_failures(
        self, client: Client, workspace: Workspace
    ) -> None:
        self.fail(client, 9)
        log_in(client)
        client.post("/logout/")
        self.fail(client, 9)

        assert log_in(client).status_code == 302

    def test_case_of_the_address_does_not_win_more_tries(
        self, client: Client, workspace: Workspace
    ) -> None:
        for typed in ("alice@acme.test", "Alice@acme.test", "ALICE@ACME.TEST"):
            self.fail(client, 4, typed)

        assert log_in(client).status_code == 429

    def test_another_browser_does_not_win_more_tries(
        self, client: Client, workspace: Workspace
    ) -> None:
        for number in range(10):
            log_in(client, password="wrong", headers={"user-agent": f"b/{number}"})

        assert log_in(client).status_code == 429

    def test_others_behind_the_same_address_are_not_locked_out(
        self, client: Client, bob: User
    ) -> None:
        self.fail(client, 10)

        assert log_in(client, "bob@acme.test").status_code == 302

    def test_same_person_from_elsewhere_is_not_locked_out(
        self, client: Client, workspace: Workspace
    ) -> None:
        self.fail(client, 10)

        assert log_in(client, REMOTE_ADDR="192.0.2.7").status_code == 302

    def test_unknown_person_is_locked_out_in_the_same_way(
        self, client: Client, workspace: Workspace
    ) -> None:
        self.fail(client, 10, "nobody@acme.test")

        assert log_in(client, "nobody@acme.test").status_code == 429

    def test_typed_passwords_are_not_kept(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(client, password="canary-of-lockout")

        kept = str(list(AccessAttempt.objects.values()))

        assert "canary-of-lockout" not in kept


class TestSession:
    def test_id_changes_at_login(self, client: Client, workspace: Workspace) -> None:
        client.get(LOGIN)
        session = client.session
        session["planted"] = True
        session.save()
        client.cookies["keyway_session"] = session.session_key
        before = session.session_key

        log_in(client)

        assert client.session.session_key != before
        assert client.session.session_key == client.cookies["keyway_session"].value

    def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(client)

        cookie = client.cookies["keyway_session"]

        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert client.get(LOGIN)
        assert client.cookies["keyway_csrf"]["samesite"] == "Lax"

    def test_ends_when_the_person_is_deactivated(
        self, alice_client: Client, alice: User
    ) -> None:
        assert is_logged_in(alice_client)
        alice.is_active = False
        alice.save()

        assert not is_logged_in(alice_client)

    def test_ends_when_the_password_changes(
        self, alice_client: Client, alice: User
    ) -> None:
        assert is_logged_in(alice_client)
        alice.set_password("another correct horse")
        alice.save()

        assert not is_logged_in(alice_client)

    def test_is_dead_after_logout(self, alice_client: Client) -> None:
        stolen = alice_client.cookies["keyway_session"].value
        alice_client.post("/logout/")
        thief = Client()
        thief.cookies["keyway_session"] = stolen

        assert not is_logged_in(thief)


class TestLogout:
    def test_needs_a_post(self, alice_client: Client) -> None:
        assert alice_client.get("/logout/").status_code == 405
        assert is_logged_in(alice_client)

    def test_leads_to_the_login_page(self, alice_client: Client) -> None:
        answer = alice_client.post("/logout/")

        assert answer.status_code == 302
        assert answer["Location"] == LOGIN
        assert not is_logged_in(alice_client)


class TestNext:
    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "http://testserver.evil.example/",
            "http://testserver@evil.example/",
        ],
    )
    def test_other_sites_are_refused(
        self, client: Client, workspace: Workspace, target: str
    ) -> None:
        form = {"username": "alice@acme.test", "password": PASSWORD, "next": target}

        answer = client.post(LOGIN, form)

        assert answer.status_code == 302
        assert answer["Location"] == "/"

    def test_own_pages_are_kept(self, client: Client, workspace: Workspace) -> None:
        wanted = client.get("/integrations/?q=x")["Location"]

        answer = client.post(
            wanted, {"username": "alice@acme.test", "password": PASSWORD}
        )

        assert wanted == "/login/?next=/integrations/%3Fq%3Dx"
        assert answer["Location"] == "/integrations/?q=x"

    def test_who_is_logged_in_already_is_not_led_away(
        self, alice_client: Client
    ) -> None:
        answer = alice_client.get(f"{LOGIN}?next=https://evil.example/")

        assert answer.status_code == 302
        assert answer["Location"] == "/"


class TestCrossSite:
    @pytest.mark.parametrize("path", [LOGIN, "/logout/"])
    @pytest.mark.parametrize(
        "content_type",
        ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"],
    )
    def test_post_without_the_form_of_ours_is_refused(
        self, workspace: Workspace, alice: User, path: str, content_type: str
    ) -> None:
        client = Client(enforce_csrf_checks=True)
        if path != LOGIN:
            client.force_login(alice)

        answer = client.post(path, "username=alice", content_type=content_type)

        assert answer.status_code == 403
        assert b"This form is too old" in answer.content


class TestRecord:
    def test_login_and_logout_are_recorded(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        log_in(client)
        client.post("/logout/")

        events = list(
            AuditEvent.objects.filter(workspace=workspace, actor=alice)
            .order_by("id")
            .values_list("action", "address")
        )

        assert events == [
            (SignIn.SIGNED_IN, "127.0.0.1"),
            (SignIn.SIGNED_OUT, "127.0.0.1"),
        ]

    def test_failure_is_recorded_without_what_was_typed(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(client, "typed-password@acme.test", "typed-password")

        event = AuditEvent.objects.get()

        assert event.action == SignIn.FAILED
        assert event.actor is None
        assert "typed-password" not in str(list(AuditEvent.objects.values()))


def test_person_without_a_workspace_is_told_so(client: Client, alice: User) -> None:
    log_in(client)

    answer = client.get("/integrations/")

    assert answer.status_code == 403
    assert b"You are in no workspace" in answer.content


def test_chosen_workspace_of_another_tenant_is_not_entered(
    alice_client: Client, other_workspace: Workspace
) -> None:
    session = alice_client.session
    session["workspace"] = other_workspace.slug
    session.save()

    answer = alice_client.get("/integrations/")

    assert answer.context["workspace"].slug == "acme"


def test_member_of_two_workspaces_is_in_the_chosen_one(
    alice: User, alice_client: Client, other_workspace: Workspace
) -> None:
    Membership.objects.create(workspace=other_workspace, user=alice, role=Role.ADMIN)
    session = alice_client.session
    session["workspace"] = other_workspace.slug
    session.save()

    answer = alice_client.get("/integrations/")

    assert answer.context["workspace"].slug == "other"


def _comparable(page: bytes) -> bytes:
    return _CHANGES_EACH_TIME.sub(b"", page)


def test_late_answer_leaves_the_newer_session_alone(
    alice_client: Client, alice: User
) -> None:
    """A poll that was sent before the id of the session changed comes after it."""
    cookie = settings.SESSION_COOKIE_NAME
    before = alice_client.cookies[cookie].value
    session = alice_client.session
    session.cycle_key()
    alice_client.cookies[cookie] = before

    late = alice_client.get("/integrations/")

    assert late.status_code == 302
    assert cookie not in late.cookies
    assert Session.objects.count() == 1
    alice_client.cookies[cookie] = session.session_key
    assert is_logged_in(alice_client)


def test_signing_in_replaces_a_session_that_is_gone(
    client: Client, workspace: Workspace
) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = "gone" * 8

    log_in(client)

    assert is_logged_in(client)


class TestEndOfSession:
    """UI-07: it ends a day after the log-in, however busy it is."""

    def test_ends_a_day_after_the_log_in(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(client)
        assert abs(client.session[SIGNED_IN_AT] - time.time()) < 60
        began(client, seconds_ago=24 * 60 * 60 - 60)
        assert is_logged_in(client)

        began(client, seconds_ago=24 * 60 * 60)

        assert not is_logged_in(client)
        assert not Session.objects.exists()

    def test_one_of_an_earlier_release_begins_now(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(client)
        session = client.session
        del session[SIGNED_IN_AT]
        session.save()

        assert is_logged_in(client)
        assert SIGNED_IN_AT in client.session

    def test_expired_ones_go_with_the_next_log_in(
        self, client: Client, workspace: Workspace
    ) -> None:
        log_in(Client())
        Session.objects.update(expire_date=database_now())

        log_in(client)

        assert Session.objects.count() == 1


def began(client: Client, *, seconds_ago: int) -> None:
    session = client.session
    session[SIGNED_IN_AT] = int(time.time()) - seconds_ago
    session.save()
