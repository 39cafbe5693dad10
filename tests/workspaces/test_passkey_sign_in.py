"""A passkey as the whole way in: for who joins with one, and on the login page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.fakes.factors import Authenticator, authenticator
from tests.workspaces.test_factors import add_passkey
from tests.workspaces.test_invitations import INA, invite, link
from workspaces import audit, invitations
from workspaces.clock import database_now
from workspaces.errors import LastWayIn
from workspaces.factors import changes, passkeys, usable
from workspaces.models import (
    AuditEvent,
    Membership,
    Passkey,
    PasskeyChallenge,
    User,
    Workspace,
)


def begin(client: Client, path: str) -> dict[str, Any]:
    answer = client.post(path)
    assert answer.status_code == 200, answer.content
    options: dict[str, Any] = answer.json()
    return options


def join(client: Client, path: str, device: Authenticator, **data: str) -> Any:
    """Join by the link with a passkey, as the page's script does."""
    options = begin(client, f"{path}passkey/")
    credential = json.dumps(device.create(options))
    return client.post(f"{path}?with=passkey", {"credential": credential, **data})


def sign_in(client: Client, device: Authenticator, **data: str) -> Any:
    """Press **Sign in with a passkey**."""
    options = begin(client, "/login/passkey/begin/")
    credential = json.dumps(device.get(options))
    return client.post("/login/passkey/", {"credential": credential, **data})


class TestJoin:
    def test_new_person_has_a_passkey_and_no_password(
        self, client: Client, membership: Membership
    ) -> None:
        invite(membership)

        answer = join(client, link(), Authenticator(), name="Ina")

        assert (answer.status_code, answer["Location"]) == (302, "/")
        ina = User.objects.get(email_key=INA.lower())
        assert not ina.has_usable_password()
        [factor] = usable(ina)
        assert factor.kind == "passkey"
        assert factor.may_confirm
        assert client.get("/members/").status_code == 200
        added = AuditEvent.objects.get(action=audit.Factors.ADDED)
        assert (added.actor, added.workspace) == (ina, membership.workspace)

    def test_device_has_to_keep_it_and_to_verify_the_person(
        self, client: Client, membership: Membership
    ) -> None:
        """Without a key that the device can find, nobody signs in with it alone."""
        invite(membership)

        options = begin(client, f"{link()}passkey/")

        assert options["authenticatorSelection"]["residentKey"] == "required"
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["user"]["name"] == INA

    def test_sign_in_afterwards_counts_as_both_steps(
        self, client: Client, membership: Membership
    ) -> None:
        Workspace.objects.update(require_two_steps=True)
        device = Authenticator()
        invite(membership)
        join(client, link(), device, name="Ina")
        elsewhere = Client()

        answer = sign_in(elsewhere, device, next="/members/")

        assert (answer.status_code, answer["Location"]) == (302, "/members/")
        assert elsewhere.get("/members/").status_code == 200

    @pytest.mark.parametrize("wrong", [{"verifies": False}, {"origin": "http://evil"}])
    def test_wrong_ceremony_makes_nobody(
        self, client: Client, membership: Membership, wrong: dict[str, Any]
    ) -> None:
        """STP-13, at the door."""
        invite(membership)
        path = link()

        answer = join(client, path, Authenticator(**wrong), name="Ina")

        assert answer.status_code == 422
        assert b"Your browser made no passkey" in answer.content
        assert not User.objects.filter(email_key=INA.lower()).exists()
        assert client.get(path).status_code == 200

    def test_challenge_of_another_invitation_is_refused(
        self, client: Client, membership: Membership
    ) -> None:
        """STP-13."""
        invite(membership, email="bo@acme.test")
        options = begin(client, f"{link()}passkey/")
        invite(membership)
        credential = json.dumps(Authenticator().create(options))

        answer = client.post(
            f"{link()}?with=passkey", {"name": "Ina", "credential": credential}
        )

        assert answer.status_code == 422
        assert not Passkey.objects.exists()

    def test_name_is_asked_for(self, client: Client, membership: Membership) -> None:
        invite(membership)

        answer = join(client, link(), Authenticator())

        assert answer.status_code == 422
        assert b"Enter your name." in answer.content

    def test_link_lets_nobody_in_beside_a_passkey(
        self, client: Client, membership: Membership
    ) -> None:
        """STP-14: whoever reads the mailbox gets no second way in."""
        device = Authenticator()
        invite(membership)
        join(client, link(), device, name="Ina")
        ina = Membership.objects.get(user__email_key=INA.lower())
        invitations.invite_provisioned(ina, now=database_now())
        path, thief = link(), Client()

        shown = thief.get(path)
        posted = thief.post(path, {"password": "nine green hedgehogs"})

        assert b"You have an account with this address." in shown.content
        assert b"You have an account with this address." in posted.content
        ina.user.refresh_from_db()
        assert not ina.user.has_usable_password()

    def test_last_passkey_of_who_has_no_password_stays(
        self, client: Client, membership: Membership
    ) -> None:
        invite(membership)
        join(client, link(), Authenticator(), name="Ina")
        ina = User.objects.get(email_key=INA.lower())
        authenticator(ina)
        key = next(f for f in usable(ina) if f.kind == "passkey")

        page = client.get(f"/security/factors/{key.id}/delete/")
        with pytest.raises(LastWayIn):
            changes.delete(ina, key.id, now=database_now())

        assert b"this is your last passkey" in page.content
        assert b'class="button danger' not in page.content
        assert Passkey.objects.filter(user=ina).exists()


class TestSignIn:
    def test_passkey_says_who_is_there(self, client: Client, alice: User) -> None:
        factories.WorkspaceFactory(owner=alice)
        device = Authenticator()
        add_passkey(alice, device)

        answer = sign_in(client, device)

        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(alice.pk)
        assert AuditEvent.objects.filter(
            action=audit.SignIn.SIGNED_IN, actor=alice
        ).exists()

    def test_options_name_nobody(self, client: Client, alice: User) -> None:
        """UI-12."""
        add_passkey(alice, Authenticator())

        options = begin(client, "/login/passkey/begin/")

        assert options["allowCredentials"] == []
        assert options["userVerification"] == "required"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://evil.example"},
            {"rp_id": "evil.example"},
            {"verifies": False},
        ],
    )
    def test_wrong_ceremony_is_refused(
        self, client: Client, alice: User, wrong: dict[str, Any]
    ) -> None:
        """STP-13."""
        device = Authenticator()
        add_passkey(alice, device)
        for name, value in wrong.items():
            setattr(device, name, value)

        answer = sign_in(client, device)

        self.is_refused(client, answer)

    def test_unknown_deactivated_and_shut_out_get_one_answer(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        """UI-12."""
        device = Authenticator()
        add_passkey(alice, device)
        self.is_refused(client, sign_in(client, Authenticator()))

        Membership.objects.filter(user=alice).update(is_active=False)
        self.is_refused(client, sign_in(client, device))

        Membership.objects.filter(user=alice).update(is_active=True)
        User.objects.filter(pk=alice.pk).update(is_active=False)
        self.is_refused(client, sign_in(client, device))

    def test_challenge_is_good_once_and_in_its_session(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        """STP-13."""
        device, elsewhere = Authenticator(), Client()
        add_passkey(alice, device)
        options = begin(client, "/login/passkey/begin/")
        credential = {"credential": json.dumps(device.get(options))}

        self.is_refused(elsewhere, elsewhere.post("/login/passkey/", credential))
        assert client.post("/login/passkey/", credential)["Location"] == "/"
        client.post("/logout/")
        self.is_refused(client, client.post("/login/passkey/", credential))
        assert not PasskeyChallenge.objects.exists()

    @pytest.mark.parametrize("credential", ["", "no json", "[]", "null", '{"id": 1}'])
    def test_nonsense_is_refused(
        self, client: Client, workspace: Workspace, credential: str
    ) -> None:
        begin(client, "/login/passkey/begin/")

        answer = client.post("/login/passkey/", {"credential": credential})

        self.is_refused(client, answer)

    def test_it_leads_only_to_own_pages(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        """UI-11."""
        device = Authenticator()
        add_passkey(alice, device)

        answer = sign_in(client, device, next="https://evil.example/")

        assert answer["Location"] == "/"

    def test_purpose_of_the_login_serves_nothing_else(
        self, alice: User, workspace: Workspace
    ) -> None:
        device = Authenticator()
        add_passkey(alice, device)
        ceremony = passkeys.begin_sign_in(now=database_now())

        with pytest.raises(passkeys.PasskeyRefused):
            passkeys.complete(
                alice,
                ceremony.challenge_id,
                device.get(ceremony.options),
                purpose=passkeys.SIGN_IN,
                now=database_now(),
            )

    @staticmethod
    def is_refused(client: Client, answer: Any) -> None:
        assert (answer.status_code, answer["Location"]) == (302, "/login/")
        assert "_auth_user_id" not in client.session
        page = client.get("/login/")
        assert b"This passkey was not accepted." in page.content
