"""The management API does what the portal does, by the same services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from integrations.api.base import RATE_LIMIT
from integrations.models import IdempotencyRecord, Integration, ServiceAccount
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tokens.models import ScimToken
from workspaces.models import AuditEvent, Job, User, Workspace

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
SECRET = "correct-horse-in-the-app"
ACCOUNT = {
    "app": "demo-app",
    "name": "svc-api",
    "baseUrl": "http://127.0.0.1:9",
    "loginWorkflow": "password",
    "username": "svc",
    "password": SECRET,
}


@pytest.fixture
def account(workspace: Workspace) -> ServiceAccount:
    return factories.ServiceAccountFactory(
        workspace=workspace, base_url="http://127.0.0.1:9"
    )


def wish(account: ServiceAccount, **changed: Any) -> dict[str, Any]:
    body = {
        "app": account.app.slug,
        "serviceAccountId": str(account.public_id),
        "name": "By API",
        "baseUrl": "http://127.0.0.1:9",
    }
    return body | changed


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


class TestIntegrations:
    def test_life_from_creation_to_deletion(
        self, api: ApiClient, account: ServiceAccount
    ) -> None:
        made = api.post("/v1/integrations", wish(account))
        one = f"/v1/integrations/{made.body['key']}"

        changed = api.patch(
            one,
            {"name": "Renamed", "syncSchedule": "0 */6 * * *", "groupPrefix": "APP "},
        )
        paused = api.post(f"{one}/pause")
        resumed = api.post(f"{one}/resume")
        unsure = api.delete(one)
        gone = api.call("DELETE", f"{one}?name=Renamed")

        assert (made.status, made.body["name"]) == (201, "By API")
        assert (changed.body["name"], changed.body["syncSchedule"]) == (
            "Renamed",
            "0 */6 * * *",
        )
        assert changed.body["groupPrefix"] == "APP "
        assert paused.body["pausedAt"]
        assert resumed.body["pausedAt"] is None
        assert (unsure.status, gone.status, api.get(one).status) == (422, 204, 404)
        assert actions()[-5:] == [
            "integrations.integration.created",
            "integrations.integration.settings_changed",
            "integrations.integration.paused",
            "integrations.integration.resumed",
            "integrations.integration.deleted",
        ]

    @pytest.mark.parametrize(
        ("changed", "pointer", "said"),
        [
            ({"app": "no-such"}, "app", "catalog"),
            ({"serviceAccountId": "x"}, "serviceAccountId", "UUID"),
            ({"baseUrl": "http://169.254.169.254"}, "baseUrl", "not allowed"),
            ({"syncSchedule": "* * * * *"}, "syncSchedule", "every 15 minutes"),
            ({"syncSchedule": "soon"}, "syncSchedule", "five fields"),
            ({"name": ""}, "name", "blank"),
        ],
    )
    def test_bad_input_says_what_would_be_right(
        self,
        api: ApiClient,
        account: ServiceAccount,
        changed: dict[str, Any],
        pointer: str,
        said: str,
    ) -> None:
        answer = api.post("/v1/integrations", wish(account, **changed))

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == f"#/{pointer}"
        assert said in answer.body["errors"][0]["detail"]
        assert not Integration.objects.exists()

    def test_account_of_another_tenant_is_unknown(
        self, api: ApiClient, other_integration: Integration
    ) -> None:
        answer = api.post("/v1/integrations", wish(other_integration.service_account))

        assert answer.status == 422
        assert Integration.objects.count() == 1

    def test_name_that_is_taken_is_a_conflict(
        self, api: ApiClient, account: ServiceAccount
    ) -> None:
        api.post("/v1/integrations", wish(account))
        again = api.post("/v1/integrations", wish(account))

        assert again.status == 409
        assert "is called By API" in again.body["detail"]

    def test_another_address_needs_the_password(
        self, api: ApiClient, integration: Integration
    ) -> None:
        one = f"/v1/integrations/{integration.directory.key}"
        address = {"baseUrl": "http://127.0.0.1:10"}

        without = api.patch(one, address)
        wrong = api.patch(one, address | {"password": "guess"})
        right = api.patch(one, address | {"password": factories.SERVICE_PASSWORD})

        assert (without.status, wrong.status, right.status) == (409, 422, 200)

    def test_list_takes_as_many_queries_for_many_as_for_one(
        self,
        api: ApiClient,
        integration: Integration,
        django_assert_num_queries: Any,
    ) -> None:
        for _ in range(3):
            factories.IntegrationFactory(
                workspace=integration.workspace,
                service_account=integration.service_account,
            )
        api.get("/v1/integrations")

        with django_assert_num_queries(4):
            api.get("/v1/integrations")

    @pytest.mark.parametrize("name", ["identifier", "groupPrefix"])
    def test_setting_that_the_app_does_not_have_is_refused(
        self, api: ApiClient, integration: Integration, name: str
    ) -> None:
        app = integration.app
        app.manifest["identifier"] = None
        app.manifest["capabilities"]["entitlements"] = []
        app.save()

        answer = api.patch(f"/v1/integrations/{integration.directory.key}", {name: "x"})

        assert answer.status == 422
        assert answer.body["errors"] == [
            {"pointer": f"#/{name}", "detail": "This app has no such setting."}
        ]

    @pytest.mark.parametrize(
        ("columns", "status"),
        [
            ({}, "active"),
            ({"calls_stopped_at": AN_HOUR_AGO}, "waiting"),
            (
                {"calls_stopped_at": AN_HOUR_AGO, "status": "needs_attention"},
                "needs_attention",
            ),
        ],
    )
    def test_status_says_how_the_app_does(
        self,
        api: ApiClient,
        integration: Integration,
        columns: dict[str, Any],
        status: str,
    ) -> None:
        Integration.objects.update(**columns)

        found = api.get(f"/v1/integrations/{integration.directory.key}").body

        assert found["status"] == status
        assert (found["callsStoppedAt"] is None) is (not columns)


class TestTokens:
    def test_generate_rotate_revoke(
        self, api: ApiClient, integration: Integration
    ) -> None:
        tokens = f"/v1/integrations/{integration.directory.key}/tokens"
        first = api.post(tokens).body
        again = api.post(tokens)
        second = api.post(f"{tokens}/{first['id']}/rotate", {"overlap": "1h"}).body

        def opens(value: str) -> bool:
            return ScimClient(integration.directory, value).get("/Users").status == 200

        assert again.status == 409
        assert opens(first["token"])
        assert opens(second["token"])
        assert api.delete(f"{tokens}/{second['id']}").status == 204
        assert not opens(second["token"])
        listed = api.get(tokens).body["data"]
        assert [row["state"] for row in listed] == ["revoked", "expiring"]
        assert first["token"] not in str(listed)


class TestServiceAccounts:
    def test_password_goes_in_and_never_comes_out(self, api: ApiClient, db) -> None:
        factories.AppFactory()
        made = api.post("/v1/service-accounts", ACCOUNT, idempotency_key="a")

        kept = [
            made.body,
            api.get("/v1/service-accounts").body,
            *AuditEvent.objects.values(),
            *IdempotencyRecord.objects.values(),
        ]
        assert made.status == 201
        assert SECRET not in str(kept)
        assert api.delete(f"/v1/service-accounts/{made.body['id']}").status == 204

    def test_fields_are_checked_as_in_the_portal(self, api: ApiClient) -> None:
        factories.AppFactory()
        unknown = api.post("/v1/service-accounts", ACCOUNT | {"secret": "x"})
        missing = api.post("/v1/service-accounts", ACCOUNT | {"password": ""})

        assert unknown.body["errors"][0]["pointer"] == "#/secret"
        assert missing.body["errors"] == [
            {"pointer": "#/password", "detail": "Enter the password of the account."}
        ]

    def test_one_in_use_stays(self, api: ApiClient, integration: Integration) -> None:
        account = integration.service_account.public_id

        assert api.delete(f"/v1/service-accounts/{account}").status == 409


class TestWork:
    def test_sync_is_started_seen_and_cancelled(
        self, api: ApiClient, integration: Integration
    ) -> None:
        syncs = f"/v1/integrations/{integration.directory.key}/syncs"
        job = api.post(syncs).body
        again = api.post(syncs).body

        assert (job["state"], again["id"]) == ("queued", job["id"])
        assert api.get(f"/v1/jobs/{job['id']}").body == job
        cancelled = api.post(f"/v1/jobs/{job['id']}/cancel")
        assert cancelled.body["state"] == "not_completed"
        assert api.post(f"/v1/jobs/{job['id']}/cancel").status == 409
        assert [row["id"] for row in api.get(syncs).body["data"]] == [job["id"]]
        assert api.get("/v1/activity").body["data"]

    def test_failed_provisioning_is_retried(
        self, api: ApiClient, integration: Integration, scim: ScimClient
    ) -> None:
        user = scim.add_user()["id"]
        job = Job.objects.get(subject=user)
        one = f"/v1/jobs/{job.public_id}"
        assert api.post(f"{one}/retry").status == 409

        integration.provisionings.update(last_error="The app answered 500.")
        again = api.post(f"{one}/retry")

        assert (again.status, again.body["subject"]) == (200, user)

    def test_pages_follow_each_other_without_gap_or_repeat(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        for _ in range(7):
            factories.MembershipFactory(workspace=workspace)
        seen, cursor, pages = [], "", 0
        while cursor is not None:
            query = f"?limit=3{f'&cursor={cursor}' if cursor else ''}"
            page = api.get(f"/v1/members{query}").body
            seen += [row["id"] for row in page["data"]]
            cursor, pages = page["nextCursor"], pages + 1

        assert pages == 3
        own = workspace.memberships.order_by("-id").values_list("id", flat=True)
        assert seen == list(own)

    @pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=²", "cursor=x"])
    def test_bad_page_is_refused(self, api: ApiClient, query: str) -> None:
        assert api.get(f"/v1/members?{query}").status == 400
        assert api.get(f"/v1/activity?{query}").status == 400


def test_id_of_a_user_is_found_by_email(
    api: ApiClient, workspace: Workspace, bob: User
) -> None:
    """S0-94."""
    found = api.get("/v1/members?email=BOB@acme.test").body["data"]

    assert [row["userId"] for row in found] == [bob.pk]


class TestIdempotency:
    def test_same_request_again_makes_nothing_and_says_the_same(
        self, api: ApiClient, account: ServiceAccount
    ) -> None:
        first = api.post("/v1/integrations", wish(account), idempotency_key="k")
        again = api.post("/v1/integrations", wish(account), idempotency_key="k")

        assert again.body == first.body
        assert again.headers["Idempotency-Replayed"] == "true"
        assert Integration.objects.count() == 1

    def test_other_request_with_the_key_is_refused(
        self, api: ApiClient, account: ServiceAccount
    ) -> None:
        api.post("/v1/integrations", wish(account), idempotency_key="k")
        other = wish(account, name="Other")

        assert api.post("/v1/integrations", other, idempotency_key="k").status == 422

    def test_refused_request_can_be_sent_again(
        self, api: ApiClient, account: ServiceAccount
    ) -> None:
        bad = wish(account, app="no-such")
        assert api.post("/v1/integrations", bad, idempotency_key="k").status == 422

        good = api.post("/v1/integrations", wish(account), idempotency_key="k")

        assert good.status == 201

    def test_value_is_not_kept_for_a_replay(
        self, api: ApiClient, integration: Integration
    ) -> None:
        tokens = f"/v1/integrations/{integration.directory.key}/tokens"
        made = api.post(tokens, idempotency_key="t").body
        again = api.post(tokens, idempotency_key="t")

        assert again.status == 409
        assert f"Already made, with the id {made['id']}" in again.body["detail"]
        assert made["token"] not in str(IdempotencyRecord.objects.values())
        assert ScimToken.objects.count() == 1


def test_limit_is_told_and_kept(api: ApiClient, settings: Any) -> None:
    settings.KEYWAY_API_RATE, settings.KEYWAY_API_BURST = 1, 3
    RATE_LIMIT.reset()

    answers = [api.get("/user/users/me") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=3'
    assert answers[0].headers["RateLimit"] == '"default";r=2;t=1'
    assert int(answers[3].headers["Retry-After"]) >= 1
    assert answers[3].body["status"] == 429


def test_plain_http_is_refused(api: ApiClient, settings: Any) -> None:
    settings.HTTPS = True

    assert api.get("/user/users/me").status == 403


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_database_that_is_away_is_503(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise kind("s3cret")

    monkeypatch.setattr("integrations.api.paging.page", fail)

    answer = api.get("/v1/webhooks")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "s3cret" not in str(answer.body)
