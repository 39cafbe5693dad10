"""**Webhooks** in the browser: add, look, send, replace, turn off, delete."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import announcing, endpoints, views
from tests import factories
from tests.portal.words import read
from tests.scim.counting import statements
from workspaces.clock import database_now
from workspaces.models import Role, User, Workspace

LIST = "/settings/webhooks/"
URL = "https://hooks.acme.test/keyway/T1"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def endpoint(workspace: Workspace, alice: User) -> WebhookEndpoint:
    return endpoints.add(
        workspace,
        url=URL,
        chosen=["token.expiring", "job.dead"],
        actor=alice,
        now=database_now(),
    ).endpoint


def page_of(endpoint: WebhookEndpoint, act: str = "") -> str:
    return f"{LIST}{endpoint.public_id}/{act}"


def test_secret_is_shown_by_the_answer_that_made_it_and_never_again(
    alice_client: Client,
) -> None:
    answer = alice_client.post(
        f"{LIST}new/", {"url": URL, "events": ["job.dead", "token.leaked"]}
    )

    [secret] = set(SECRET.findall(answer.content.decode()))
    assert "no-store" in answer.headers["Cache-Control"]
    made = WebhookEndpoint.objects.get()
    assert made.events == ["token.leaked", "job.dead"]
    assert endpoints.signing_secrets(made, now=database_now()) == [secret]
    for path in (LIST, page_of(made), page_of(made, "edit/")):
        assert "whsec_" not in alice_client.get(path).content.decode()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"url": "", "events": ["job.dead"]}, "Enter the address of the endpoint."),
        ({"url": URL}, "Choose at least one event."),
        ({"url": URL, "events": ["x"]}, "Choose from the events that are listed."),
        ({"url": "https://10.0.0.1/", "events": ["job.dead"]}, "is not allowed"),
        ({"url": "https://a\x00b/", "events": ["job.dead"]}, "There is a problem"),
    ],
)
def test_wrong_input_says_what_would_be_right(
    alice_client: Client, sent: dict[str, object], said: str
) -> None:
    answer = alice_client.post(f"{LIST}new/", sent)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_admin_has_no_webhooks(client: Client, workspace: Workspace) -> None:
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    client.force_login(admin.user)

    assert client.get(LIST).status_code == 403
    assert LIST not in client.get("/settings/idp/").content.decode()


def test_endpoint_of_another_tenant_is_not_found(
    client: Client, charlie: User, other_workspace: Workspace, endpoint: WebhookEndpoint
) -> None:
    client.force_login(charlie)

    assert client.get(page_of(endpoint)).status_code == 404
    assert client.post(page_of(endpoint, "delete/")).status_code == 404


def test_page_shows_deliveries_and_sends_again(
    alice_client: Client, endpoint: WebhookEndpoint
) -> None:
    alice_client.post(page_of(endpoint, "test/"))
    sent = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(
        state=WebhookDelivery.State.FAILED,
        attempts=10,
        status=503,
        milliseconds=87,
        error="The endpoint answered 503. It must answer with 2xx.",
    )

    shown = alice_client.get(page_of(endpoint)).content.decode()

    for words in ("webhook.test", "Failed", "503", "87 ms", "It must answer with 2xx."):
        assert words in shown

    answer = alice_client.post(
        page_of(endpoint, f"deliveries/{sent.public_id}/send/"), follow=True
    )

    assert "webhook.test is sent again." in answer.content.decode()
    assert WebhookDelivery.objects.get().state == WebhookDelivery.State.WAITING


def test_payload_of_a_delivery_is_shown_up_to_a_length(
    alice_client: Client,
    endpoint: WebhookEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = announcing.send_test(endpoint)
    path = page_of(endpoint, f"deliveries/{sent.public_id}/")

    whole = read(alice_client, path)
    dialog = alice_client.get(path, headers={"hx-request": "true"}).content
    monkeypatch.setattr(views, "MOST_SHOWN", 20)
    cut = read(alice_client, path)

    assert '"type": "webhook.test"' in html.unescape(whole)
    assert "Nothing happened." in whole
    assert path in alice_client.get(page_of(endpoint)).content.decode()
    assert dialog.strip().startswith(b"<dialog")
    assert "Nothing happened." not in cut
    assert "The management API returns all of it." in cut
    unknown = page_of(endpoint, f"deliveries/{endpoint.public_id}/")
    assert alice_client.get(unknown).status_code == 404


@pytest.mark.parametrize("act", ["edit/", "secret/", "delete/"])
def test_breadcrumb_leads_back_to_the_endpoint(
    alice_client: Client, endpoint: WebhookEndpoint, act: str
) -> None:
    page = alice_client.get(page_of(endpoint, act)).content.decode()

    crumbs = page.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    assert f'href="{LIST}"' in crumbs
    assert f'href="{page_of(endpoint)}"' in crumbs


def test_list_of_deliveries_has_a_fixed_cost(
    alice_client: Client, endpoint: WebhookEndpoint
) -> None:
    announcing.send_test(endpoint)
    alice_client.get(page_of(endpoint))
    with statements() as few:
        alice_client.get(page_of(endpoint))
    for _ in range(20):
        announcing.send_test(endpoint)

    with statements() as many:
        alice_client.get(page_of(endpoint))

    assert len(many) == len(few)


def test_secret_is_replaced_in_a_dialog(
    alice_client: Client, endpoint: WebhookEndpoint
) -> None:
    path = page_of(endpoint, "secret/")
    asked = alice_client.get(path, headers={"hx-request": "true"}).content.decode()
    answer = alice_client.post(path, {"overlap": "24h"}, headers={"hx-request": "true"})

    assert "In 24 hours: both sign until then" in asked
    assert SECRET.search(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert WebhookEndpoint.objects.get().sealed_former_secret
    assert (
        "The former one signs too"
        in alice_client.get(page_of(endpoint)).content.decode()
    )


def test_off_and_on_and_gone(alice_client: Client, endpoint: WebhookEndpoint) -> None:
    off = alice_client.post(page_of(endpoint, "turn-off/"), follow=True)
    assert "Alice turned it off." in off.content.decode()
    refused = alice_client.post(page_of(endpoint, "test/"), follow=True)
    assert "Turn it on first." in refused.content.decode()
    on = alice_client.post(page_of(endpoint, "turn-on/"), follow=True)
    assert "Turned off" not in on.content.decode()
    edited = {"url": URL, "events": ["job.dead"]}
    assert alice_client.post(page_of(endpoint, "edit/"), edited).status_code == 302
    assert WebhookEndpoint.objects.get().events == ["job.dead"]

    alice_client.post(page_of(endpoint, "delete/"))

    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("act", ["edit/", "secret/", "turn-off/", "turn-on/"])
def test_endpoint_that_is_deleted_in_between_is_not_found(
    alice_client: Client,
    endpoint: WebhookEndpoint,
    act: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_and_gone(*_: object) -> WebhookEndpoint:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
        return endpoint

    monkeypatch.setattr(views, "_get", read_and_gone)
    sent = {"url": "https://other.test/", "events": "job.dead", "overlap": "now"}

    assert alice_client.post(page_of(endpoint, act), sent).status_code == 404
