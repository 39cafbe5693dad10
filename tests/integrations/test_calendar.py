"""The calendar feed: a private address, and what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from integrations.calendar import entries, ical, views
from integrations.models import Integration
from tests import factories
from tokens import calendar_feed, scheduled_rotation, services
from tokens.audit import Action
from tokens.oauth import clients, endings
from tokens.policy_models import CalendarFeed
from tokens.services import Overlap
from workspaces import audit, key_rotation
from workspaces.clock import database_now
from workspaces.key_ring import KeyRing
from workspaces.models import AuditEvent, Directory, User, Workspace

DAY = timedelta(days=1)
PAGE = "/settings/calendar-feed/"
_ADDRESS = re.compile(r'id="shown-value"\s+value="([^"]*)"')


@pytest.fixture(autouse=True)
def nobody_has_read_yet() -> Iterator[None]:
    views.reset()
    yield
    views.reset()


@pytest.fixture
def address(workspace: Workspace, alice: User) -> str:
    issued = calendar_feed.generate(workspace, actor=alice, now=database_now())
    return f"/calendar/{issued.feed.key}.ics?secret={issued.secret}"


def lines_of(answer: bytes) -> list[str]:
    """Return the content lines of a calendar, unfolded."""
    assert answer.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in answer.split(b"\r\n"))
    return answer.decode().replace("\r\n ", "").split("\r\n")


def summaries(answer: bytes) -> list[str]:
    return [
        line.removeprefix("SUMMARY:")
        for line in lines_of(answer)
        if line.startswith("SUMMARY:")
    ]


class TestFormat:
    """RFC 5545."""

    NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)

    def event(self, **changes: str) -> bytes:
        values = {
            "uid": "end-k@keyway.example",
            "summary": "x",
            "description": "x",
            "url": "https://keyway.example/",
        }
        event = ical.Event(**{**values, **changes}, at=self.NOW + DAY)
        return ical.calendar("Acme", [event], now=self.NOW)

    def test_event_has_what_section_3_6_1_requires(self) -> None:
        lines = lines_of(self.event())

        assert lines[0] == "BEGIN:VCALENDAR"
        assert lines[-2:] == ["END:VCALENDAR", ""]
        for line in (
            "VERSION:2.0",
            "PRODID:-//Keyway//Tokens//EN",
            "UID:end-k@keyway.example",
            "DTSTAMP:20261122T090000Z",
            "DTSTART:20261123T090000Z",
        ):
            assert lines.count(line) == 1

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("a,b;c\\d", "a\\,b\\;c\\\\d"),
            ("one\r\ntwo\u2028three", "one\\ntwo\\nthree"),
            ("x\nEND:VEVENT", "x\\nEND:VEVENT"),
            ("tab\tbell\x07", "tab bell "),
        ],
    )
    def test_name_cannot_break_out_of_its_line(self, text: str, written: str) -> None:
        assert f"SUMMARY:{written}" in lines_of(self.event(summary=text))

    def test_long_line_is_folded_between_letters(self) -> None:
        name = "Verkehrsinfrastruktur 🚀 فريق" * 12

        assert f"SUMMARY:{name}" in lines_of(self.event(summary=name))


class TestContent:
    def test_tokens_overlaps_rotations_and_api_tokens_are_in_it(
        self,
        client: Client,
        workspace: Workspace,
        integration: Integration,
        alice: User,
        address: str,
    ) -> None:
        directory, now = integration.directory, database_now()
        old = factories.issue_token(directory, name="okta", lifetime=300 * DAY).token
        services.rotate(directory, old, overlap=Overlap.DAY, actor=alice, now=now)
        scheduled_rotation.set_up(directory, every_days=30, lead_days=7, actor=alice)
        own = Directory.objects.get(workspace=workspace, kind="directory_sync")
        factories.issue_token(own, name="entra", lifetime=400 * DAY)
        factories.issue_api_token(workspace)
        gone = factories.issue_token(directory, name="gone").token
        services.revoke(gone, actor=alice, now=now)

        answer = client.get(address)

        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert "no-store" in answer["Cache-Control"]
        assert summaries(answer.content) == [
            "Old token okta of Acme Demo stops",
            "Replace token okta 2 of Acme Demo",
            "API token script expires",
            "Token entra of Directory Sync expires",
            "Token okta 2 of Acme Demo expires",
        ]
        start = f"DTSTART:{now + DAY:%Y%m%dT%H%M%SZ}"
        assert start in lines_of(answer.content)

    def test_secrets_of_oauth_clients_are_in_it(
        self, client: Client, address: str, integration: Integration
    ) -> None:
        clients.add_with_secret(
            integration.directory, name="entra", actor=None, now=database_now()
        )
        ended = clients.add_with_secret(
            integration.directory, name="okta", actor=None, now=database_now()
        )
        endings.revoke(ended.secret.client, actor=None, now=database_now())

        assert summaries(client.get(address).content) == [
            "Secret of OAuth client entra of Acme Demo expires"
        ]

    def test_uid_stays_while_the_end_moves(
        self, client: Client, directory: Directory, alice: User, address: str
    ) -> None:
        token = factories.issue_token(directory).token

        def uid_and_start() -> list[str]:
            lines = lines_of(client.get(address).content)
            return [line for line in lines if line.startswith(("UID", "DTSTART"))]

        before = uid_and_start()
        services.change(
            token, name="x", lifetime=90 * DAY, actor=alice, now=database_now()
        )
        after = uid_and_start()

        assert before[0] == after[0]
        assert before[1] != after[1]

    def test_it_holds_no_value_and_nothing_of_another_workspace(
        self, client: Client, directory: Directory, other_integration: Integration,
        address: str,
    ) -> None:  # fmt: skip
        issued = factories.issue_token(directory)
        factories.issue_token(other_integration.directory, name="theirs")

        text = client.get(address).content.decode().replace("\r\n ", "")

        assert issued.plaintext[16:] not in text
        assert issued.plaintext[-4:] not in text.replace(issued.token.key, "")
        assert "theirs" not in text
        assert "Other Demo" not in text

    def test_queries_do_not_grow_with_the_tokens(
        self, workspace: Workspace, directory: Directory
    ) -> None:
        def count() -> int:
            now = database_now()
            with CaptureQueriesContext(connection) as captured:
                entries.entries(workspace, now=now)
            return len(captured)

        factories.issue_token(directory)
        one = count()
        for _ in range(3):
            more = factories.IntegrationFactory(workspace=workspace).directory
            factories.issue_token(more)
            factories.issue_api_token(workspace)

        assert count() == one == 4


class TestAddress:
    @pytest.mark.parametrize("secret", ["", "x", "%00", "%FF", "é"])
    def test_wrong_secret_is_not_found(
        self, client: Client, address: str, secret: str
    ) -> None:
        answer = client.get(f"{address.partition('?')[0]}?secret={secret}")

        assert answer.status_code == 404
        assert answer.text == "There is no such calendar.\n"

    def test_secret_of_another_workspace_opens_nothing(
        self, client: Client, other_workspace: Workspace, charlie: User, address: str
    ) -> None:
        theirs = calendar_feed.generate(
            other_workspace, actor=charlie, now=database_now()
        )

        mine = address.partition("?")[0]
        assert client.get(f"{mine}?secret={theirs.secret}").status_code == 404

    def test_it_is_shown_once_replaced_and_turned_off(
        self, alice_client: Client, client: Client, workspace: Workspace
    ) -> None:
        def generated() -> str:
            answer = alice_client.post(PAGE)
            assert "no-store" in answer["Cache-Control"]
            [shown] = _ADDRESS.findall(answer.text)
            parts = urlsplit(shown)
            return f"{parts.path}?{parts.query}"

        first = generated()
        secret = parse_qs(urlsplit(first).query)["secret"][0]
        assert Client().get(first).status_code == 200
        again = alice_client.get(PAGE).text
        assert secret not in again
        assert "Generated by Alice" in again

        second = generated()
        assert Client().get(first).status_code == 404
        assert Client().get(second).status_code == 200

        off = alice_client.post(f"{PAGE}turn-off/", follow=True)
        assert "The calendar feed is off." in off.text
        assert Client().get(second).status_code == 404
        alice_client.post(f"{PAGE}turn-off/")
        events = AuditEvent.objects.filter(action__contains="calendar_feed")
        assert list(events.order_by("id").values_list("action", flat=True)) == [
            Action.FEED_GENERATED,
            Action.FEED_GENERATED,
            Action.FEED_TURNED_OFF,
        ]
        assert secret not in str(list(events.values()))

    def test_s0_128_only_a_keyed_digest_is_kept(
        self, workspace: Workspace, address: str
    ) -> None:
        secret = parse_qs(urlsplit(address).query)["secret"][0]
        row = CalendarFeed.objects.values_list().get(workspace=workspace)

        assert secret not in str(row)

    def test_reads_are_limited_by_address_of_the_reader(
        self, client: Client, address: str
    ) -> None:
        for _ in range(views.BURST):
            assert client.get("/calendar/unknown.ics?secret=x").status_code == 404

        answer = client.get(address)

        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0
        elsewhere = client.get(address, REMOTE_ADDR="198.51.100.7")
        assert elsewhere.status_code == 200

    def test_last_read_is_noted_once_an_hour(
        self, client: Client, workspace: Workspace, address: str
    ) -> None:
        client.get(address)
        first = CalendarFeed.objects.get().last_read_at
        client.get(address)
        assert CalendarFeed.objects.get().last_read_at == first
        CalendarFeed.objects.update(last_read_at=database_now() - DAY)

        client.get(address)

        assert CalendarFeed.objects.get().last_read_at > first

    def test_f43_it_goes_under_a_new_key_when_it_is_read(
        self, client: Client, address: str, settings: Settings
    ) -> None:
        former = dict(settings.KEYWAY_TOKEN_KEYS)
        number = max(former)
        settings.KEYWAY_TOKEN_KEYS = {**former, number + 1: b"n" * 32}
        audit.record(
            audit.Keys.IN_USE,
            workspace=None,
            actor=None,
            data={"ring": key_rotation.TOKENS, "key": number + 1},
        )

        def reasons() -> list[str]:
            return key_rotation.reasons_to_keep(
                key_rotation.TOKENS, number, now=database_now() + DAY
            )

        assert any("1 calendar feed" in reason for reason in reasons())
        assert client.get(address).status_code == 200
        assert not any("calendar" in reason for reason in reasons())
        settings.KEYWAY_TOKEN_KEYS = {number + 1: b"n" * 32}
        assert client.get(address).status_code == 200
        settings.KEYWAY_TOKEN_KEYS = KeyRing(former, marked=None)
        assert client.get(address).status_code == 404
