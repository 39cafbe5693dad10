"""The one e-mail that a created user gets, through a real SMTP server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.conftest import ScimClient
from tests.directory_sync.conftest import member
from tests.fakes.mail_server import FakeMail, mail_server
from tests.portal.words import text_of
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import DirectorySync, Invitation, Job, User

ANN = "ann@acme.test"
NEW_PASSWORD = "nine green hedgehogs"


@pytest.fixture
def post(settings: object) -> Iterator[FakeMail]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port  # type: ignore[attr-defined]
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""  # type: ignore[attr-defined]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False  # type: ignore[attr-defined]
        yield server


def work() -> None:
    Job.objects.filter(state__in=Job.WAITING).update(due_at=database_now())
    Worker(threads=1).drain()


def activity(*, on: bool) -> dict[str, object]:
    return {"op": "replace", "path": "active", "value": on}


def link(post: FakeMail) -> str:
    found = re.search(r"(/invitations/\S+/)", post.taken[-1].get_content())
    assert found
    return found[1]


def test_exactly_one_invite_goes_out_per_created_user(
    idp: ScimClient, post: FakeMail
) -> None:
    """S0-116: none for an update, a reactivation or a repeated create."""
    made = idp.add_user(ANN)
    path = f"/Users/{made['id']}"
    work()
    idp.put(path, {"userName": ANN, "displayName": "Ann Lee"})
    idp.patch(path, activity(on=False))
    idp.patch(path, activity(on=True))
    assert idp.post("/Users", {"userName": ANN}).status == 409
    idp.patch(path, activity(on=False))
    idp.add_user(ANN)
    work()

    assert [mail["To"] for mail in post.taken] == [ANN]


def test_toggle_that_is_off_sends_none_then_or_later(
    idp: ScimClient, sync: DirectorySync, alice: User, post: FakeMail
) -> None:
    """S0-111."""
    directory_sync.send_invites(sync, on=False, actor=alice)
    path = f"/Users/{idp.add_user(ANN)['id']}"
    directory_sync.send_invites(sync, on=True, actor=alice)
    idp.patch(path, activity(on=False))
    idp.patch(path, activity(on=True))
    work()

    assert post.taken == []


def test_user_who_is_created_inactive_is_invited_when_first_let_in(
    idp: ScimClient, post: FakeMail
) -> None:
    path = f"/Users/{idp.add_user(ANN, active=False)['id']}"
    work()
    assert post.taken == []

    for on in (True, False, True):
        idp.patch(path, activity(on=on))
    work()

    assert len(post.taken) == 1


def test_mail_server_that_is_down_fails_no_request_and_loses_no_invite(
    idp: ScimClient, post: FakeMail
) -> None:
    """S0-116."""
    post.is_down = True
    idp.add_user(ANN)
    for _ in range(12):
        work()
    assert (post.refused, post.taken) == (12, [])
    assert Invitation.objects.get().sent_at is None

    post.is_down = False
    work()
    work()

    assert len(post.taken) == 1
    assert Invitation.objects.get().sent_at is not None


def test_link_lets_the_member_set_a_password_once(
    idp: ScimClient, post: FakeMail
) -> None:
    idp.add_user(ANN, displayName="Ann")
    work()
    client, path = Client(), link(post)

    page = client.get(path)
    weak = client.post(path, {"password": "12345678"})
    done = client.post(path, {"password": NEW_PASSWORD})

    assert "Your name" not in text_of(page)
    assert weak.status_code == 422
    assert done.status_code == 302
    assert client.session["_auth_user_id"] == str(member(ANN).user_id)
    assert member(ANN).user.check_password(NEW_PASSWORD)
    assert Client().get(path).status_code == 404
    again = Client().post(path, {"password": "another good password"})
    assert again.status_code == 404
    assert member(ANN).user.check_password(NEW_PASSWORD)


@pytest.mark.parametrize("change", ["deactivate", "delete", "address"])
def test_link_opens_nothing_after_the_idp_thought_otherwise(
    idp: ScimClient, post: FakeMail, change: str
) -> None:
    path = f"/Users/{idp.add_user(ANN)['id']}"
    work()
    if change == "deactivate":
        idp.patch(path, activity(on=False))
    elif change == "delete":
        idp.delete(path)
    else:
        idp.put(path, {"userName": "new@acme.test"})

    answer = Client().post(link(post), {"password": NEW_PASSWORD})

    assert answer.status_code == 404
    assert len(post.taken) == 1


def test_administrator_sends_the_link_where_invites_are_off(
    idp: ScimClient,
    sync: DirectorySync,
    alice: User,
    alice_client: Client,
    post: FakeMail,
) -> None:
    directory_sync.send_invites(sync, on=False, actor=alice)
    idp.add_user(ANN)
    path = f"/members/{member(ANN).pk}/invite/"
    assert path in alice_client.get("/members/").content.decode()

    alice_client.post(path)
    work()

    assert [mail["To"] for mail in post.taken] == [ANN]


def test_member_with_a_password_gets_no_other_link(
    idp: ScimClient, post: FakeMail, alice_client: Client
) -> None:
    idp.add_user(ANN)
    work()
    Client().post(link(post), {"password": NEW_PASSWORD})

    alice_client.post(f"/members/{member(ANN).pk}/invite/")
    work()

    assert len(post.taken) == 1
