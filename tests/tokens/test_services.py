"""The life of a token: issued, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tests.conftest import ScimClient
from tokens import credential, services, token_format
from tokens.errors import TokenExists, TokenNotActive
from tokens.models import ScimToken, TokenState
from workspaces import secrets
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Directory,
    Membership,
    Role,
    User,
    Workspace,
)

NOW = timezone.now()


@pytest.fixture
def sync_directory(workspace: Workspace) -> Directory:
    return Directory.objects.get(workspace=workspace, kind="directory_sync")


def everything_stored() -> str:
    """Return every value of every table as one text."""
    return "\n".join(
        str(row)
        for model in apps.get_models()
        for row in model._default_manager.values_list()
    )


def test_issued_token_opens_its_directory(directory: Directory) -> None:
    issued = factories.issue_token(directory)

    assert ScimClient(directory, issued.plaintext).get("/Users").status == 200


@pytest.mark.parametrize("kind", ["gateway", "directory_sync"])
def test_token_names_the_kind_of_its_directory(
    kind: str, directory: Directory, sync_directory: Directory
) -> None:
    of_kind = {"gateway": directory, "directory_sync": sync_directory}[kind]

    issued = factories.issue_token(of_kind)

    assert issued.plaintext.startswith({"gateway": "kwg_"}.get(kind, "kwd_"))


@pytest.mark.parametrize("kind", ["gateway", "directory_sync"])
def test_value_is_nowhere_in_the_database(
    kind: str, directory: Directory, sync_directory: Directory
) -> None:  # TOK-02, TOK-08
    of_kind = {"gateway": directory, "directory_sync": sync_directory}[kind]

    issued = factories.issue_token(of_kind)
    ScimClient(of_kind, issued.plaintext).get("/Users")

    made = credential.parse(issued.plaintext)
    assert made is not None
    stored = everything_stored()
    assert made.key in stored
    assert made.secret not in stored


def test_value_shows_in_no_representation(directory: Directory) -> None:
    issued = factories.issue_token(directory)

    assert issued.plaintext not in f"{issued!r} {issued.token} {issued.token!r}"


def test_gateway_token_is_kept_as_a_digest_alone(directory: Directory) -> None:
    assert factories.issue_token(directory).token.sealed_value == ""


def test_directory_sync_token_is_kept_encrypted_besides(
    sync_directory: Directory,
) -> None:
    issued = factories.issue_token(sync_directory)

    opened = secrets.decrypt(
        issued.token.sealed_value, services.value_address(issued.token)
    )
    assert opened == issued.plaintext


def test_sealed_value_moved_to_another_token_does_not_open(
    sync_directory: Directory,
) -> None:  # CRY-01
    one = factories.issue_token(sync_directory).token
    two = factories.issue_token(sync_directory).token

    with pytest.raises(secrets.UnreadableSecret):
        secrets.decrypt(one.sealed_value, services.value_address(two))


def test_token_lives_two_years(directory: Directory) -> None:
    token = factories.issue_token(directory, now=NOW).token

    assert token.expires_at == NOW + timedelta(days=730)


def test_issue_is_audited_with_key_and_directory(
    directory: Directory, alice: User
) -> None:
    token = factories.issue_token(directory, actor=alice).token

    event = AuditEvent.objects.get(action="tokens.scim_token.generated")
    assert (event.actor, event.target_id) == (alice, token.key)
    assert event.data == {"directory": directory.key}


def test_generate_first_refuses_beside_a_live_token(
    directory: Directory, alice: User
) -> None:
    first = services.generate_first(directory, actor=alice, now=database_now())

    with pytest.raises(TokenExists) as refused:
        services.generate_first(directory, actor=alice, now=database_now())

    assert refused.value.existing == first.token
    assert ScimToken.objects.of_directory(directory).count() == 1


def test_generate_first_works_again_after_a_revocation(
    directory: Directory, alice: User
) -> None:
    first = services.generate_first(directory, actor=alice, now=database_now())
    services.revoke(first.token, actor=alice, now=database_now())

    second = services.generate_first(directory, actor=alice, now=database_now())

    assert second.token.state(database_now()) == TokenState.ACTIVE


def test_generate_first_works_again_after_expiry(
    directory: Directory, alice: User
) -> None:
    factories.issue_token(directory, lifetime=timedelta(seconds=-1))

    assert services.generate_first(directory, actor=alice, now=database_now()).token


def test_generating_twice_in_the_browser_shows_the_value_once(
    alice_client: Client, directory: Directory
) -> None:  # TOK-09, TOK-10
    url = reverse("tokens:generate", args=[directory.key])

    first = alice_client.post(url)
    second = alice_client.post(url)

    assert (first.status_code, second.status_code) == (200, 409)
    assert token_format.PATTERN.search(first.content.decode())
    assert not token_format.PATTERN.search(second.content.decode())


def test_revoked_token_is_refused_on_the_next_request(
    directory: Directory, alice: User
) -> None:  # TOK-13
    issued = factories.issue_token(directory)
    client = ScimClient(directory, issued.plaintext)
    assert client.get("/Users").status == 200

    services.revoke(issued.token, actor=alice, now=database_now())

    assert client.get("/Users").status == 401


def test_revocation_destroys_the_sealed_value(sync_directory: Directory) -> None:
    token = factories.issue_token(sync_directory).token

    assert services.revoke(token, actor=None, now=NOW).sealed_value == ""


def test_revocation_is_audited(directory: Directory, alice: User) -> None:
    token = factories.issue_token(directory).token

    services.revoke(token, actor=alice, now=NOW)

    event = AuditEvent.objects.get(action="tokens.scim_token.revoked")
    assert (event.actor, event.target_id) == (alice, token.key)


def test_revoking_twice_is_refused_and_keeps_the_first_time(
    directory: Directory,
) -> None:
    token = factories.issue_token(directory).token
    services.revoke(token, actor=None, now=NOW)

    with pytest.raises(TokenNotActive):
        services.revoke(token, actor=None, now=NOW + timedelta(days=1))

    token.refresh_from_db()
    assert token.revoked_at == NOW


DAY = timedelta(days=1)
STATES = [
    pytest.param({}, TokenState.ACTIVE, id="as issued"),
    pytest.param({"expires_at": None}, TokenState.ACTIVE, id="without an end"),
    pytest.param({"expires_at": NOW + 29 * DAY}, TokenState.EXPIRING, id="29 days"),
    pytest.param({"expires_at": NOW + 30 * DAY}, TokenState.ACTIVE, id="30 days"),
    pytest.param({"expires_at": NOW}, TokenState.EXPIRED, id="at its end"),
    pytest.param({"expires_at": NOW - DAY}, TokenState.EXPIRED, id="after its end"),
    pytest.param({"revoked_at": NOW - DAY}, TokenState.REVOKED, id="revoked"),
    pytest.param(
        {"revoked_at": NOW - DAY, "expires_at": NOW - DAY},
        TokenState.REVOKED,
        id="revoked and expired",
    ),
    pytest.param({"replaced": True}, TokenState.REPLACED, id="replaced at once"),
    pytest.param(
        {"replaced": True, "overlap_ends_at": NOW},
        TokenState.REPLACED,
        id="overlap over",
    ),
    pytest.param(
        {"replaced": True, "overlap_ends_at": NOW + DAY},
        TokenState.EXPIRING,
        id="in overlap",
    ),
    pytest.param({"owner_active": True}, TokenState.ACTIVE, id="owner active"),
    pytest.param(
        {"owner_active": False}, TokenState.OWNER_INACTIVE, id="owner inactive"
    ),
]


@pytest.mark.parametrize(("changes", "state"), STATES)
def test_state_follows_from_the_columns(
    changes: dict[str, object],
    state: TokenState,
    directory: Directory,
    bob: User,
    workspace: Workspace,
) -> None:
    """S0-126: only active and overlapping tokens open anything."""
    token = factories.issue_token(directory, now=NOW).token
    columns = dict(changes)
    if columns.pop("replaced", False):
        token.replaced_by = factories.issue_token(directory, now=NOW).token
    if "owner_active" in columns:
        bob.is_active = bool(columns.pop("owner_active"))
        bob.save(update_fields=["is_active"])
        token.owner = Membership.objects.get(user=bob, workspace=workspace)
        Membership.objects.filter(pk=token.owner.pk).update(role=Role.ADMIN)
        token.owner_label = "Bob"
    for name, value in columns.items():
        setattr(token, name, value)
    token.save()
    token = ScimToken.objects.get(pk=token.pk)

    assert token.state(NOW) == state
    # The SQL twin says the same.
    assert ScimToken.objects.live(NOW).filter(pk=token.pk).exists() == state.is_live


@pytest.mark.parametrize("form", ["key", "hint"])
def test_command_revokes_by_key_or_hint(form: str, directory: Directory) -> None:
    token = factories.issue_token(directory).token

    call_command("revoke_token", getattr(token, form), stdout=StringIO())

    token.refresh_from_db()
    assert token.revoked_at is not None


def test_command_refuses_a_key_that_no_token_has(db: None) -> None:
    with pytest.raises(CommandError, match="no token with this key"):
        call_command("revoke_token", "A" * 12)


def test_command_refuses_to_revoke_twice(directory: Directory) -> None:
    token = factories.issue_token(directory).token
    call_command("revoke_token", token.key, stdout=StringIO())

    with pytest.raises(CommandError, match="revoked already"):
        call_command("revoke_token", token.key)
