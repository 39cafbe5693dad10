"""The stream of the audit log by API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.audit_stream import services
from integrations.models import AuditStream
from tests.api.conftest import ApiClient
from workspaces import audit_chain, confirmation_policy
from workspaces.models import AuditEvent, Membership, Workspace

PATH = "/v1/audit-stream"
CANARY = "canary-of-a-header"
WISH = {
    "transport": "https",
    "address": "https://siem.acme.test/collector/secret-path",
    "format": "ocsf",
    "headerName": "Authorization",
    "headerValue": CANARY,
}


def put(api: ApiClient, **changed: Any) -> Any:
    return api.call("PUT", PATH, WISH | changed)


def test_stream_is_set_tested_changed_and_stopped(
    api: ApiClient, workspace: Workspace
) -> None:
    without = [api.get(PATH).status, api.post(f"{PATH}/test").status]
    audit_chain.seal(workspace.pk)
    made = put(api, start="first")
    tested = api.post(f"{PATH}/test")
    changed = put(api, format="cef", headerValue="")
    stopped = [api.delete(PATH).status for _ in range(2)]

    assert without == [404, 404]
    assert (made.status, made.body["sequence"]) == (200, 0)
    assert made.body["waiting"] > 0
    assert tested.body["lastError"] == ""
    assert (changed.body["format"], changed.body["headerName"]) == (
        "cef",
        "Authorization",
    )
    assert stopped == [204, 404]
    assert [
        action.rpartition(".")[2]
        for action in AuditEvent.objects.order_by("id").values_list("action", flat=True)
        if "audit_stream" in action
    ] == ["set_up", "tested", "changed", "stopped"]


def test_header_and_path_go_in_and_never_come_out(api: ApiClient) -> None:
    made = put(api)

    told = str([made.body, api.get(PATH).body, *AuditEvent.objects.values()])
    assert made.body["destination"] == "https://siem.acme.test"
    assert CANARY not in told + str(list(AuditStream.objects.values()))
    assert "secret-path" not in told


def test_new_stream_begins_with_new_events(
    api: ApiClient, workspace: Workspace
) -> None:
    audit_chain.seal(workspace.pk)

    made = put(api).body

    assert made["sequence"] > 0
    assert made["waiting"] == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"transport": "pigeon"}, "transport"),
        ({"address": "http://169.254.169.254/"}, "address"),
        ({"transport": "tls", "address": "logs.acme.test"}, "address"),
        ({"headerName": "Host"}, "headerName"),
        ({"headerName": ""}, "headerName"),
        ({"headerValue": ""}, "headerValue"),
        ({"headerValue": "two\nlines"}, "headerValue"),
        ({"authority": "-----BEGIN PRIVATE KEY-----"}, "authority"),
    ],
    ids=str,
)
def test_the_rules_are_those_of_the_page(
    api: ApiClient, changed: dict[str, str], field: str
) -> None:
    answer = put(api, **changed)

    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"] == f"#/{field}"
    assert not AuditStream.objects.exists()


def test_session_goes_through_the_page_where_a_confirmation_is_asked_for(
    alice_client: Client, membership: Membership
) -> None:
    confirmation_policy.set_actions([services.SEND.name], by=membership)

    assert put(ApiClient("", alice_client)).status == 403
