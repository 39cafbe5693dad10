"""Webhooks by API: the endpoints, their secrets, what was sent."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from integrations.models import (
    IdempotencyRecord,
    Integration,
    WebhookDelivery,
    WebhookEndpoint,
)
from integrations.webhooks import endpoints
from tests.api.conftest import ApiClient
from workspaces import confirmation_policy
from workspaces.models import AuditEvent, Job, Membership, User

PATH = "/v1/webhooks"
WISH = {
    "url": "https://hooks.acme.test/keyway",
    "events": ["job.dead", "token.expiring"],
}


@pytest.fixture
def made(api: ApiClient) -> dict[str, Any]:
    body: dict[str, Any] = api.post(PATH, WISH).body
    return body


@pytest.fixture
def one(made: dict[str, Any]) -> str:
    return f"{PATH}/{made['id']}"


def actions() -> list[str]:
    return [
        action.rpartition(".")[2]
        for action in AuditEvent.objects.order_by("id").values_list("action", flat=True)
        if "webhook" in action
    ]


def test_secret_is_told_once(api: ApiClient) -> None:
    first = api.post(PATH, WISH, idempotency_key="a")
    again = api.post(PATH, WISH, idempotency_key="a")
    listed = api.get(PATH).body["data"]

    assert (first.status, again.status) == (201, 409)
    assert first.body["secret"].startswith("whsec_")
    assert listed == [{k: v for k, v in first.body.items() if k != "secret"}]
    assert listed[0]["events"] == ["token.expiring", "job.dead"]
    kept = [
        *IdempotencyRecord.objects.values(),
        *AuditEvent.objects.values(),
        *WebhookEndpoint.objects.values(),
    ]
    assert first.body["secret"] not in str(kept)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"url": "https://user@hooks.acme.test"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "not an address"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["nonsense"]}, "events/0"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_field(
    api: ApiClient, one: str, changed: dict[str, Any], pointer: str
) -> None:
    added = api.post(PATH, WISH | changed)
    edited = api.patch(one, changed)

    assert (added.status, edited.status) == (422, 422)
    assert added.body["errors"][0]["pointer"] == f"#/{pointer}"
    assert edited.body["errors"] == added.body["errors"]
    assert WebhookEndpoint.objects.count() == 1


def test_one_too_many_is_refused(
    api: ApiClient, one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)

    answer = api.post(PATH, WISH)

    assert (answer.status, answer.body["detail"][-17:]) == (409, "Delete one first.")


def test_life_from_change_to_deletion(api: ApiClient, one: str) -> None:
    changed = api.patch(one, {"events": ["token.leaked"]})
    off = [api.post(f"{one}/turn-off").body for _ in range(2)]
    untested = api.post(f"{one}/test")
    on = api.post(f"{one}/turn-on").body
    gone = api.delete(one)

    assert changed.body["events"] == ["token.leaked"]
    assert changed.body["url"] == WISH["url"]
    assert off[0]["turnedOffAt"] == off[1]["turnedOffAt"] is not None
    assert "turned it off" in off[0]["turnedOffReason"]
    assert (untested.status, on["turnedOffAt"]) == (409, None)
    assert "Turn it on first." in untested.body["detail"]
    assert (gone.status, api.get(one).status, api.delete(one).status) == (204, 404, 404)
    assert actions() == ["added", "changed", "turned_off", "turned_on", "deleted"]


def test_new_secret_has_an_overlap(
    api: ApiClient, made: dict[str, Any], one: str
) -> None:
    answer = api.post(f"{one}/secret", {"overlap": "1h"})
    nonsense = api.post(f"{one}/secret", {"overlap": "never"})

    endpoint = WebhookEndpoint.objects.get()
    assert answer.status == 201
    assert answer.body["secret"] != made["secret"]
    assert endpoint.former_ends_at is not None
    assert nonsense.status == 422


def test_delivery_has_its_payload_and_is_sent_again(api: ApiClient, one: str) -> None:
    sent = api.post(f"{one}/test", idempotency_key="t")
    again = api.post(f"{one}/test", idempotency_key="t")
    WebhookDelivery.objects.update(
        state=WebhookDelivery.State.FAILED, attempts=10, error="It answered 500."
    )
    Job.objects.all().delete()

    listed = api.get(f"{one}/deliveries").body["data"]
    whole = api.get(f"{one}/deliveries/{sent.body['id']}").body
    resent = api.post(f"{one}/deliveries/{sent.body['id']}/send")

    assert (sent.status, again.body) == (201, sent.body)
    assert "payload" not in listed[0]
    assert (listed[0]["state"], listed[0]["error"]) == ("failed", "It answered 500.")
    assert whole["payload"]["type"] == "webhook.test"
    assert (resent.status, resent.body["state"]) == (200, "waiting")
    assert resent.body["messageId"] == sent.body["messageId"]
    assert Job.objects.get().subject == sent.body["id"]
    assert api.get(f"{one}/deliveries/{uuid.uuid4()}").status == 404


def test_delivery_of_another_endpoint_is_not_found(api: ApiClient, one: str) -> None:
    sent = api.post(f"{one}/test").body["id"]
    other = api.post(PATH, WISH).body["id"]

    assert api.get(f"{PATH}/{other}/deliveries/{sent}").status == 404


def test_list_takes_as_many_queries_for_many_as_for_one(
    api: ApiClient, one: str, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        api.post(PATH, WISH)
        api.post(f"{one}/test")

    with django_assert_num_queries(4):
        api.get(PATH)
    with django_assert_num_queries(5):
        api.get(f"{one}/deliveries")


def test_session_goes_through_the_page_where_a_confirmation_is_asked_for(
    alice: User,
    alice_client: Client,
    api: ApiClient,
    one: str,
    membership: Membership,
    integration: Integration,
) -> None:
    confirmation_policy.set_actions([endpoints.SEND.name], by=membership)
    browser = ApiClient("", alice_client)

    refused = [browser.post(PATH, WISH), browser.patch(one, WISH)]

    assert [answer.status for answer in refused] == [403, 403]
    assert "confirm your identity" in refused[0].body["detail"]
    assert api.post(PATH, WISH).status == 201
