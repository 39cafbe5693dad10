"""Token policy, scheduled rotation and the calendar feed by API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from integrations.models import IdempotencyRecord, Integration
from tests import factories
from tests.api.conftest import ApiClient
from tokens.audit import Action
from tokens.policy_models import RotationSchedule, TokenPolicy
from workspaces.models import AuditEvent, Role, Workspace

POLICY = "/v1/token-policy"
FEED = "/v1/calendar-feed"


class TestTokenPolicy:
    def test_presets_are_read_and_one_value_is_changed(self, api: ApiClient) -> None:
        before = api.get(POLICY).body
        answer = api.patch(POLICY, {"longestDays": 365, "defaultDays": 90})

        assert before == {
            "defaultDays": 730,
            "longestDays": 730,
            "longestOverlapHours": 168,
            "remindDays": [90, 30, 7, 1],
        }
        assert answer.body == before | {"longestDays": 365, "defaultDays": 90}
        assert api.get(POLICY).body == answer.body
        assert AuditEvent.objects.filter(action=Action.POLICY_CHANGED).count() == 1

    def test_reminders_are_sorted(self, api: ApiClient) -> None:
        assert api.patch(POLICY, {"remindDays": [1, 60, 1]}).body["remindDays"] == [
            60,
            1,
        ]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"longestDays": 800}, "longestDays"),
            ({"longestDays": 30}, "defaultDays"),
            ({"longestOverlapHours": 2}, "longestOverlapHours"),
            ({"remindDays": []}, "remindDays"),
            ({"remindDays": [400]}, "remindDays"),
            ({"remindDays": list(range(1, 90))}, "remindDays"),
            ({"defaultDays": "soon"}, "defaultDays"),
        ],
        ids=str,
    )
    def test_the_rules_are_those_of_the_page(
        self, api: ApiClient, body: dict[str, Any], field: str
    ) -> None:
        answer = api.patch(POLICY, body)

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == f"#/{field}"
        assert not TokenPolicy.objects.exists()

    def test_only_owners_have_the_scope(self, workspace: Workspace) -> None:
        admin = factories.issue_api_token(workspace, Role.SUPER_ADMIN)

        assert "manage_policy" not in admin.token.scopes
        assert ApiClient(admin.plaintext).get(POLICY).status == 403


class TestRotationSchedule:
    @pytest.fixture(params=["integration", "directory sync"])
    def path(self, request: Any, integration: Integration) -> str:
        if request.param == "integration":
            return f"/v1/integrations/{integration.directory.key}/rotation-schedule"
        return "/v1/directory-sync/rotation-schedule"

    def test_s0_108_schedule_is_set_and_ended(self, api: ApiClient, path: str) -> None:
        without = api.get(path)
        made = api.call("PUT", path, {"everyDays": 90})
        changed = api.call("PUT", path, {"everyDays": 90, "leadDays": 30})
        ended = [api.delete(path).status for _ in range(2)]

        assert (without.status, made.body["leadDays"]) == (404, 14)
        assert changed.body == {"everyDays": 90, "leadDays": 30}
        assert ended == [204, 204]
        assert not RotationSchedule.objects.exists()
        told = AuditEvent.objects.filter(action=Action.ROTATION_UNSCHEDULED)
        assert told.count() == 1

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "everyDays"),
            ({"everyDays": 6}, "everyDays"),
            ({"everyDays": 7, "leadDays": 7}, "leadDays"),
            ({"everyDays": 90, "leadDays": 0}, "leadDays"),
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused(
        self, api: ApiClient, body: dict[str, int], field: str
    ) -> None:
        answer = api.call("PUT", "/v1/directory-sync/rotation-schedule", body)

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == f"#/{field}"


class TestCalendarFeed:
    def test_address_is_told_once_and_a_new_one_ends_it(
        self, api: ApiClient, client: Client
    ) -> None:
        off = api.get(FEED).status
        first = api.post(FEED, idempotency_key="a")
        again = api.post(FEED, idempotency_key="a")
        shown = api.get(FEED).body
        second = api.post(FEED)

        def reads(made: Any) -> int:
            url = urlsplit(made.body["address"])
            return client.get(f"{url.path}?{url.query}").status_code

        assert (off, first.status, again.status) == (404, 201, 409)
        assert shown == {k: v for k, v in first.body.items() if k != "address"}
        assert (reads(first), reads(second)) == (404, 200)
        secret = first.body["address"].partition("secret=")[2]
        kept = [*IdempotencyRecord.objects.values(), *AuditEvent.objects.values()]
        assert secret not in str(kept)
        assert [api.delete(FEED).status for _ in range(2)] == [204, 204]
        assert reads(second) == 404
