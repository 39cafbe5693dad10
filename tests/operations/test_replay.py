"""CRY-06: what was ended after a backup does not come alive with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from config.operations import backup, replay, restored
from tests import factories
from tokens import api_tokens, calendar_feed, credential, services
from tokens.models import AccessToken, CalendarFeed, IdpTrust, OAuthClient
from tokens.oauth import clients, endings, trusts
from tokens.oauth.clients import IssuedSecret
from tokens.oauth.trusts import Terms
from workspaces import audit_chain, invitations, members
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Directory,
    Invitation,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

KEYS = [{"kid": "one", "kty": "OKP"}]


@pytest.fixture
def now(db: None) -> datetime:
    return database_now()


@pytest.fixture
def issued(directory: Directory, alice: User, now: datetime) -> IssuedSecret:
    return clients.add_with_secret(directory, name="entra", actor=alice, now=now)


@pytest.fixture
def signing(directory: Directory, alice: User, now: datetime) -> OAuthClient:
    """A client that signs with its own key."""
    return clients.add_with_keys(
        directory, name="okta", keys=KEYS, actor=alice, now=now
    )


@pytest.fixture
def trust(directory: Directory, alice: User, now: datetime) -> IdpTrust:
    terms = Terms("https://idp.test", "keyway", "", "https://idp.test/keys")
    return trusts.add(directory, terms, name="entra", actor=alice, now=now)


@pytest.fixture
def admin(workspace: Workspace) -> Membership:
    return factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)


def access_to(client: OAuthClient) -> AccessToken:
    now = database_now()
    return AccessToken.objects.create(
        directory=client.directory,
        client=client,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        **clients.digested(credential.generate(credential.Kind.ACCESS)),
    )


@pytest.fixture
def restore_after(tmp_path: Path) -> Callable[[Callable[[], Any]], list[str]]:
    """Let something happen after a backup, restore that, and tell what is said.

    The world of the backup is the one in which the transaction was undone.
    """

    def restore(act: Callable[[], Any]) -> list[str]:
        taken_at, known = database_now(), set(AuditEvent.objects.values_list("pk"))
        log = tmp_path / "audit.jsonl"
        with transaction.atomic():
            act()
            events = [e for e in AuditEvent.objects.all() if (e.pk,) not in known]
            lines = [json.dumps(audit_chain.content(event)) for event in events]
            transaction.set_rollback(True)
        log.write_text("\n".join(lines), encoding="utf-8")
        manifest = backup.Manifest(1, "", taken_at.isoformat(), [], {}, "", {})
        told = replay.told_since([log], since=manifest.taken_at)
        assert len(told) == len(lines)
        return [
            *restored.settle(manifest, told=told, now=database_now()),
            *replay.left_to_people(told),
        ]

    return restore


Restore = Callable[[Callable[[], Any]], list[str]]


class TestTokens:
    def test_cry_06_revoked_ones_stay_revoked(
        self,
        restore_after: Restore,
        directory: Directory,
        workspace: Workspace,
        issued: IssuedSecret,
        trust: IdpTrust,
        now: datetime,
    ) -> None:
        scim = factories.issue_token(directory).token
        api = factories.issue_api_token(workspace).token

        def revoke() -> None:
            services.revoke(scim, actor=None, now=now)
            clients.revoke_secret(issued.secret, actor=None, now=now)
            for opener in (issued.secret.client, trust):
                endings.revoke(opener, actor=None, now=now)
            api_tokens.revoke(api, actor=None, now=now)

        told = restore_after(revoke)

        for one in (scim, api, issued.secret, issued.secret.client, trust):
            one.refresh_from_db()
            assert one.revoked_at is not None
        assert told[1].startswith("5 tokens and OAuth clients that were ended after")

    def test_replaced_one_stays_out(
        self, restore_after: Restore, directory: Directory, alice: User, now: datetime
    ) -> None:
        old = factories.issue_token(directory).token

        restore_after(
            lambda: services.rotate(
                directory, old, overlap=services.Overlap.WEEK, actor=alice, now=now
            )
        )

        old.refresh_from_db()
        assert old.revoked_at is not None

    def test_those_that_stopped_with_a_member_stay_stopped(
        self,
        restore_after: Restore,
        directory: Directory,
        membership: Membership,
        admin: Membership,
    ) -> None:
        scim = factories.issue_token(directory, owner=admin).token
        api = factories.issue_api_token(admin.workspace, Role.ADMIN).token

        told = restore_after(lambda: members.remove(admin, by=membership))

        for one in (scim, api):
            one.refresh_from_db()
            assert one.revoked_at is not None
        assert f"Member removed: {admin.user}" in told


class TestOAuth:
    def test_cry_06_replaced_public_keys_open_nothing(
        self, restore_after: Restore, signing: OAuthClient, now: datetime
    ) -> None:
        """The log names the new ones, and a name may be that of the former."""
        others = [{"kid": "one", "kty": "RSA"}]

        told = restore_after(
            lambda: clients.replace_keys(signing, others, actor=None, now=now)
        )

        signing.refresh_from_db()
        assert (signing.public_keys, signing.revoked_at) == ([], None)
        assert any("have none: give them theirs" in line for line in told)

    def test_cry_06_access_tokens_end_with_any_restore(
        self, restore_after: Restore, issued: IssuedSecret
    ) -> None:
        """One that leaked after the backup is among them."""
        access = access_to(issued.secret.client)

        told = restore_after(lambda: None)

        access.refresh_from_db()
        assert access.revoked_at is not None
        assert "1 access tokens are ended: OAuth clients fetch others." in told

    def test_keys_of_a_trust_are_asked_for_anew(
        self, restore_after: Restore, trust: IdpTrust
    ) -> None:
        """The IdP may have thrown one away after the backup."""
        Job.objects.filter(kind=trusts.FETCH).delete()

        restore_after(lambda: None)

        assert (
            Job.objects.get(kind=trusts.FETCH, state__in=Job.OPEN).subject == trust.key
        )


class TestLinks:
    @pytest.mark.parametrize("act", [calendar_feed.generate, calendar_feed.turn_off])
    def test_cry_06_former_address_of_the_calendar_answers_nothing(
        self,
        restore_after: Restore,
        workspace: Workspace,
        alice: User,
        now: datetime,
        act: Callable[..., Any],
    ) -> None:
        calendar_feed.generate(workspace, actor=alice, now=now)
        time = {"now": now} if act is calendar_feed.generate else {}

        told = restore_after(lambda: act(workspace, actor=alice, **time))

        assert not CalendarFeed.objects.exists()
        assert any("1 calendar feeds" in line for line in told)

    def test_cry_06_revoked_invitation_lets_nobody_in(
        self, restore_after: Restore, membership: Membership, now: datetime
    ) -> None:
        gone, stays = (
            invitations.invite(email, role=Role.ADMIN, by=membership, now=now)
            for email in ("gone@acme.test", "stays@acme.test")
        )

        told = restore_after(lambda: invitations.revoke(gone, by=membership, now=now))

        assert list(Invitation.objects.open()) == [stays]
        assert any("1 invitations" in line for line in told)


def test_what_has_no_end_to_repeat_is_named_once_and_not_without_end() -> None:
    """A list of thousands would be read by nobody."""
    action = "workspaces.member.deprovisioned"
    told = [replay.Told(action, "", str(n), f"Person {n:02}") for n in range(30)]

    (line,) = replay.left_to_people([*told, *told])

    assert line.startswith("Member deprovisioned: Person 00, Person 01")
    assert line.endswith("Person 19 and 10 more")


def test_aud_05_name_in_a_log_writes_nothing_of_its_own() -> None:
    told = [
        replay.Told(
            "workspaces.member.left", "", "1", "Ann\x1b[2J\nRestored, verified."
        ),
        replay.Told("workspaces.member.left", "", "2", "\u202egnisrever"),
    ]

    (line,) = replay.left_to_people(told)

    assert line.isprintable()
    assert "Ann\N{REPLACEMENT CHARACTER}[2J" in line
