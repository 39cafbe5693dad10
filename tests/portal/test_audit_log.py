"""The **Audit log**: filters in the address, pages, details, export."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.audit_log import as_its_owner
from tests.portal.words import query_count, read, text_of
from tokens.audit import Action
from workspaces import audit
from workspaces.clock import database_now
from workspaces.csv_export import safe_cell
from workspaces.models import AuditEvent, User, Workspace

PATH = "/audit/"
EVERYTHING = {"Member invited", "Member left", "Audit log exported"}


@pytest.fixture
def events(workspace: Workspace, alice: User, bob: User) -> None:
    with as_its_owner():
        AuditEvent.sealing.all().delete()
    audit.record(audit.Members.INVITED, workspace=workspace, actor=alice)
    audit.record(audit.Members.LEFT, workspace=workspace, actor=bob)


def add(workspace: Workspace, count: int) -> None:
    with as_its_owner():
        for number in range(count):
            event = audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
            AuditEvent.sealing.filter(pk=event.pk).update(
                target_label=f"Person {number:03}"
            )


def exported(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"/audit/export/{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer).decode()
    return list(csv.reader(io.StringIO(text)))[1:]


def test_says_who_did_what_in_words(
    alice_client: Client, integration: Integration
) -> None:
    factories.issue_token(integration.directory, name="okta-prod")

    page = read(alice_client, PATH)

    assert "SCIM token generated" in page
    assert "okta-prod" in page


def test_shows_nothing_of_another_workspace(
    alice_client: Client, other_integration: Integration
) -> None:
    event = AuditEvent.objects.filter(workspace=other_integration.workspace)[0]

    assert "Other Demo" not in read(alice_client, PATH)
    assert alice_client.get(f"/audit/{event.public_id}/").status_code == 404
    assert not any("Other Demo" in str(row) for row in exported(alice_client))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", EVERYTHING),
        ("?who=BOB", {"Member left"}),
        ("?who=alice@acme.test", {"Member invited", "Audit log exported"}),
        ("?what=workspaces.member.left", {"Member left"}),
        ("?object=nothing", set()),
        ("?from=2999-01-01", set()),
        ("?to=2001-01-01", set()),
        ("?from=not-a-day", EVERYTHING),
        ("?from=0001-01-01", EVERYTHING),
        ("?who=%00", EVERYTHING),
    ],
)
def test_filters_are_in_the_address(
    alice_client: Client, events: None, query: str, found: set[str]
) -> None:
    assert alice_client.get(PATH + query).status_code == 200
    assert {row[2] for row in exported(alice_client, query)} == found


def test_to_includes_the_day(alice_client: Client, events: None) -> None:
    today = database_now().date()
    yesterday = today - timedelta(days=1)

    assert "Member left" in [r[2] for r in exported(alice_client, f"?to={today}")]
    assert exported(alice_client, f"?to={yesterday}") == []


def test_pages_lead_there_and_back(alice_client: Client, workspace: Workspace) -> None:
    with as_its_owner():
        AuditEvent.sealing.all().delete()
    add(workspace, 120)

    first = alice_client.get(f"{PATH}?what=workspaces.member.left")
    second_url = f"{PATH}{link(first, 'next')}"
    second = alice_client.get(second_url)
    third = alice_client.get(f"{PATH}{link(second, 'next')}")
    back = alice_client.get(f"{PATH}{link(third, 'prev')}")

    assert "what=workspaces.member.left" in second_url
    assert names(first) == [f"Person {n:03}" for n in range(119, 69, -1)]
    assert names(second) == [f"Person {n:03}" for n in range(69, 19, -1)]
    assert names(third) == [f"Person {n:03}" for n in range(19, -1, -1)]
    assert link(third, "next") is None
    assert names(back) == names(second)


def test_page_costs_the_same_however_long_the_log_is(
    alice_client: Client, workspace: Workspace
) -> None:
    few = query_count(alice_client, PATH)
    add(workspace, 60)

    assert query_count(alice_client, PATH) == few <= 8


def test_event_shows_all_that_is_known(
    alice_client: Client, integration: Integration
) -> None:
    alice_client.post(f"/tokens/{integration.directory.key}/generate/")
    event = AuditEvent.objects.get(action=Action.GENERATED)

    page = read(alice_client, f"/audit/{event.public_id}/")
    part = alice_client.get(
        f"/audit/{event.public_id}/", headers={"hx-request": "true"}
    )

    for part_of in (event.action, event.request_id, event.target_id, "127.0.0.1"):
        assert part_of in page
    assert part.content.strip().startswith(b"<dialog")


def test_export_is_itself_in_the_log(alice_client: Client, alice: User) -> None:
    exported(alice_client, "?who=ana")

    event = AuditEvent.objects.get(action=audit.Log.EXPORTED)
    assert event.actor == alice
    assert event.data == {"filters": "who=ana", "form": "CSV"}
    assert "Audit log exported" in read(alice_client, PATH)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\uff1d"])
def test_cell_is_never_a_formula(start: str) -> None:
    assert safe_cell(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_export_of_a_dangerous_name_is_safe(
    alice_client: Client, workspace: Workspace
) -> None:
    eve = factories.UserFactory(name='=HYPERLINK("http://evil.example")')
    audit.record(audit.Members.LEFT, workspace=workspace, actor=eve)

    cells = [row[1] for row in exported(alice_client)]

    assert '\'=HYPERLINK("http://evil.example")' in cells


def names(answer: object) -> list[str]:
    words = text_of(answer).split("Person ")
    return [f"Person {part[:3]}" for part in words[1:]]


def link(answer: object, rel: str) -> str | None:
    content = answer.content.decode()  # type: ignore[attr-defined]
    _, found, rest = content.partition(f'rel="{rel}" href="')
    return rest.partition('"')[0].replace("&amp;", "&") if found else None
