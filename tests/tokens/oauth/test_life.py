"""What becomes of clients and trust by time, by a mail, and by turning sync off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from integrations.directory_sync import provisioning
from tests import factories
from tests.tokens.oauth.conftest import ask
from tokens.models import ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, expiry, notices, trusts
from tokens.oauth.clients import IssuedSecret
from workspaces import directory_sync, jobs
from workspaces.clock import database_now
from workspaces.models import Directory, Job, Membership, Role, User, Workspace
from workspaces.sync_ending import Fate

TERMS = trusts.Terms("https://idp.example/", "aud", "", "https://idp.example/keys")


def mails(workspace: Workspace) -> list[str]:
    """Send what waits, as the worker does."""
    for job in Job.objects.filter(kind=notices.JOB, workspace=workspace).order_by("id"):
        jobs.carrier(job.kind)(job)
    return [f"{sent.subject}\n{sent.body}" for sent in mail.outbox]


@pytest.fixture
def other_admin(workspace: Workspace) -> User:
    return factories.MembershipFactory(workspace=workspace, role=Role.ADMIN).user


def test_other_administrators_hear_of_what_was_let_in(
    directory: Directory, issued: IssuedSecret, alice: User, workspace: Workspace
) -> None:
    """S0-130."""
    factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    now = database_now()
    second = clients.new_secret(issued.secret.client, actor=alice, now=now)
    trusts.add(directory, TERMS, name="Entra", actor=alice, now=now)

    sent = mails(workspace)

    assert [text.split("\n")[0] for text in sent] == [
        "Alice generated a client secret for Acme Demo",
        "Alice lets an IdP sign its own tokens for Acme Demo",
    ]
    assert second.plaintext not in str(sent)


@pytest.mark.usefixtures("other_admin")
def test_leak_is_told_to_everyone(issued: IssuedSecret, workspace: Workspace) -> None:
    assert clients.end_leaked_secret(issued.secret, now=database_now())

    *_, text = mails(workspace)

    assert "leaked and is revoked" in text
    assert issued.secret.hint in text


def test_secret_that_expires_is_reminded_of_once_a_step(
    issued: IssuedSecret, workspace: Workspace
) -> None:
    """S0-108."""
    job = Job(workspace=workspace)
    ClientSecret.objects.update(created_at=database_now() - timedelta(days=600))
    done = []
    for days in (100, 29, 29, 6):
        end = database_now() + timedelta(days=days)
        ClientSecret.objects.update(expires_at=end)
        done.append(expiry.watch(job)["reminded"])

    assert done == [0, 1, 0, 1]
    (text, *_) = mails(workspace)
    assert "A client secret of Acme Demo expires soon" in text


def test_new_secret_that_lives_short_is_not_reminded_of_at_once(
    issued: IssuedSecret, workspace: Workspace
) -> None:
    """S0-108."""
    ClientSecret.objects.update(expires_at=database_now() + timedelta(days=20))
    job = Job(workspace=workspace)
    new = expiry.watch(job)["reminded"]

    ClientSecret.objects.update(expires_at=database_now() + timedelta(days=5))
    ClientSecret.objects.update(created_at=database_now() - timedelta(days=15))

    assert (new, expiry.watch(job)["reminded"]) == (0, 1)


def test_secret_with_a_younger_one_beside_it_needs_no_reminder(
    issued: IssuedSecret, alice: User, workspace: Workspace
) -> None:
    clients.new_secret(issued.secret.client, actor=alice, now=database_now())
    ClientSecret.objects.filter(pk=issued.secret.pk).update(
        expires_at=database_now() + timedelta(days=5)
    )

    assert expiry.watch(Job(workspace=workspace)) == {"ended": 0, "reminded": 0}


@pytest.mark.django_db(transaction=True)
def test_turning_directory_sync_off_ends_what_came_in_by_oauth(
    workspace: Workspace, alice: User, membership: Membership
) -> None:
    now = database_now()
    directory_sync.turn_on(workspace, actor=alice, now=now)
    directory = directory_sync.directory_of(workspace)
    issued = clients.add_with_secret(directory, name="entra", actor=alice, now=now)
    trusts.add(directory, TERMS, name="Entra", actor=alice, now=now)

    provisioning.turn_off(workspace, fate=Fate.STAY, by=membership, now=now)

    assert not OAuthClient.objects.live().exists()
    assert not IdpTrust.objects.live().exists()
    answer = ask(directory, basic=(issued.secret.client.key, issued.plaintext))
    assert answer.status == 401
