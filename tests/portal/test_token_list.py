"""The list of tokens: state, key, creator, creation, last use and end of each.

S0-126 and S0-127.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from tests import factories
from tests.integrations.test_pages import get
from tokens import services
from tokens.models import ScimToken
from tokens.services import Overlap
from workspaces.clock import database_now
from workspaces.models import User, Workspace

DAY = timedelta(days=1)


@pytest.fixture
def page(integration: Integration) -> str:
    key = integration.directory.key
    return f"/integrations/{key}/settings/connected-services/"


def test_s0_127_says_of_each_token_what_there_is_to_know(
    alice_client: Client, alice: User, integration: Integration, page: str
) -> None:
    token = factories.issue_token(
        integration.directory, name="okta-prod", actor=alice
    ).token
    ScimToken.objects.update(
        last_used_at=database_now(),
        last_used_address="203.0.113.7",
        last_used_client="Okta SCIM Client 1.0.0",
    )

    text = get(alice_client, page)

    for part in (
        *("okta-prod", token.hint, "by Alice", "Active"),
        "203.0.113.7 · Okta SCIM Client 1.0.0",
    ):
        assert part in text
    assert token.expires_at is not None
    assert f"{token.expires_at:%Y-%m-%d}" in alice_client.get(page).content.decode()


def test_s0_126_each_state_has_its_word(
    alice_client: Client, alice: User, integration: Integration, page: str
) -> None:
    directory, now = integration.directory, database_now()
    factories.issue_token(directory, name="a")
    factories.issue_token(directory, name="b", lifetime=5 * DAY)
    factories.issue_token(directory, name="c", lifetime=-DAY)
    services.revoke(
        factories.issue_token(directory, name="d").token, actor=alice, now=now
    )
    old = factories.issue_token(directory, name="e").token
    services.rotate(directory, old, overlap=Overlap.NOW, actor=alice, now=now)
    ending = factories.issue_token(directory, name="f").token
    services.rotate(directory, ending, overlap=Overlap.DAY, actor=alice, now=now)

    panel = alice_client.get(page).context["panel"]

    rows = {row["name"]: row["state"].label for row in panel["tokens"]}
    inactive = {row["name"]: row["state"].label for row in panel["inactive"]}
    assert rows == {
        "a": "Active",
        "b": "Expiring",
        "e 2": "Active",
        "f": "Expiring",
        "f 2": "Active",
    }
    assert inactive == {"c": "Expired", "d": "Revoked", "e": "Replaced"}
    assert "Show 3 inactive" in get(alice_client, page)


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (91.5 * DAY, None),
        (89.5 * DAY, "in 89 days"),
        (1.5 * DAY, "in 1 day"),
        (DAY / 2, "within a day"),
    ],
)
def test_s0_108_page_counts_the_days_from_the_first_reminder_on(
    alice_client: Client,
    integration: Integration,
    page: str,
    lifetime: timedelta,
    words: str | None,
) -> None:
    factories.issue_token(integration.directory, lifetime=lifetime)

    text = get(alice_client, page)

    if words:
        assert words in text
    else:
        assert "in 91 days" not in text


def test_token_in_its_overlap_shows_the_nearer_end(
    alice_client: Client, alice: User, integration: Integration, page: str
) -> None:
    old = factories.issue_token(integration.directory, name="f").token
    services.rotate(
        integration.directory,
        old,
        overlap=Overlap.DAY,
        actor=alice,
        now=database_now(),
    )

    [_, row] = alice_client.get(page).context["panel"]["tokens"]

    old.refresh_from_db()
    assert row["ends_at"] == old.overlap_ends_at
    assert row["replaced_by"] == "f 2"


def test_ended_token_offers_nothing(
    alice_client: Client, integration: Integration, page: str
) -> None:
    factories.issue_token(integration.directory, lifetime=-DAY)

    [row] = alice_client.get(page).context["panel"]["inactive"]

    assert row["rotate_url"] is row["edit_url"] is row["revoke_url"] is None


def test_cut_off_successor_leaves_the_old_token_replaceable(
    alice_client: Client, alice: User, integration: Integration, page: str
) -> None:
    """Else there would be no way on until the overlap ends."""
    directory = integration.directory
    old = factories.issue_token(directory, name="f").token
    lost = services.rotate(
        directory, old, overlap=Overlap.DAY, actor=alice, now=database_now()
    )
    services.revoke(lost.token, actor=alice, now=database_now())

    panel = alice_client.get(page).context["panel"]

    assert panel["current"]["key"] == old.key
    assert panel["current"]["rotate_url"]


def test_costs_the_same_for_one_and_for_twenty(
    alice_client: Client, workspace: Workspace, integration: Integration, page: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alice_client.get(page).status_code == 200
        return len(captured)

    factories.issue_token(integration.directory)
    queries()
    one = queries()
    for _ in range(19):
        factories.issue_token(integration.directory)

    assert queries() == one
    assert one <= 19
