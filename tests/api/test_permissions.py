"""Who gets what from every call of the management API: one table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

from integrations.api import urls
from integrations.api.base import ApiView
from integrations.api.openapi import Document, Nothing
from integrations.models import Integration
from tests import factories
from tests.api.conftest import ApiClient
from tests.routes import values_of
from tokens import api_tokens
from workspaces.audit import SignIn
from workspaces.models import AuditEvent, Directory, Role, Workspace
from workspaces.permissions import ALLOWED, Permission

VIEW, MANAGE = Permission.VIEW_INTEGRATIONS, Permission.MANAGE_INTEGRATIONS
ACCOUNTS, TOKENS = Permission.MANAGE_SERVICE_ACCOUNTS, Permission.MANAGE_TOKENS
SYNC, ACTIVITY = Permission.SYNC, Permission.VIEW_ACTIVITY
MEMBERS = Permission.MANAGE_MEMBERS
POLICY, WEBHOOKS = Permission.MANAGE_POLICY, Permission.MANAGE_WEBHOOKS
DIRECTORY_SYNC = Permission.MANAGE_DIRECTORY_SYNC
ONE = "/v1/integrations/{key}"
OAUTH = "/v1/directories/{key}/oauth"
TABLE: dict[str, dict[str, Permission | None]] = {
    "/user/users/me": {"GET": None},
    "/user/org/{org}/user/{user}": {"GET": Permission.VIEW_MEMBERS},
    "/user/scimTokens": {"GET": DIRECTORY_SYNC, "POST": DIRECTORY_SYNC},
    "/user/scimTokens/{scim_token_id}": {"DELETE": DIRECTORY_SYNC},
    "/v1/integrations": {"GET": VIEW, "POST": MANAGE},
    ONE: {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE},
    f"{ONE}/pause": {"POST": MANAGE},
    f"{ONE}/resume": {"POST": MANAGE},
    f"{ONE}/tokens": {"GET": VIEW, "POST": TOKENS},
    f"{ONE}/tokens/{{token}}": {"PATCH": TOKENS, "DELETE": TOKENS},
    f"{ONE}/tokens/{{token}}/rotate": {"POST": TOKENS},
    f"{OAUTH}/clients": {"GET": TOKENS, "POST": TOKENS},
    f"{OAUTH}/clients/{{oauth_client}}": {"DELETE": TOKENS},
    f"{OAUTH}/clients/{{oauth_client}}/secrets": {"POST": TOKENS},
    f"{OAUTH}/clients/{{oauth_client}}/secrets/{{oauth_secret}}": {"DELETE": TOKENS},
    f"{OAUTH}/clients/{{signing_client}}/keys": {"PUT": TOKENS},
    f"{OAUTH}/trusts": {"GET": TOKENS, "POST": TOKENS},
    f"{OAUTH}/trusts/{{trust}}": {"DELETE": TOKENS},
    f"{OAUTH}/trusts/{{trust}}/keys": {"POST": TOKENS},
    f"{OAUTH}/clients/{{oauth_client}}/limits": {"GET": TOKENS, "PUT": TOKENS},
    f"{OAUTH}/trusts/{{trust}}/limits": {"GET": TOKENS, "PUT": TOKENS},
    f"{ONE}/rotation-schedule": {"GET": TOKENS, "PUT": TOKENS, "DELETE": TOKENS},
    f"{ONE}/syncs": {"GET": SYNC, "POST": SYNC},
    f"{ONE}/removals": {"GET": VIEW},
    f"{ONE}/removals/approve": {"POST": MANAGE},
    f"{ONE}/removals/discard": {"POST": MANAGE},
    f"{ONE}/unmatched": {"GET": VIEW},
    f"{ONE}/unmatched/{{unmatched}}/match": {"POST": MANAGE},
    f"{ONE}/unmatched/{{unmatched}}/exemption": {"PUT": MANAGE, "DELETE": MANAGE},
    "/v1/service-accounts": {"GET": ACCOUNTS, "POST": ACCOUNTS},
    "/v1/service-accounts/{account}": {"DELETE": ACCOUNTS},
    "/v1/service-accounts/{account}/password": {"PUT": ACCOUNTS},
    "/v1/service-accounts/{account}/check": {"POST": ACCOUNTS},
    "/v1/jobs": {"GET": ACTIVITY},
    "/v1/jobs/{sync}": {"GET": ACTIVITY},
    "/v1/jobs/{sync}/cancel": {"POST": SYNC},
    "/v1/jobs/{sync}/retry": {"POST": MANAGE},
    "/v1/activity": {"GET": ACTIVITY},
    "/v1/members": {"GET": Permission.VIEW_MEMBERS},
    "/v1/members/{member}": {"PATCH": MEMBERS, "DELETE": MEMBERS},
    "/v1/members/{member}/invite": {"POST": MEMBERS},
    "/v1/api-tokens": {"GET": TOKENS},
    "/v1/api-tokens/{api_token}": {"DELETE": TOKENS},
    "/v1/invitations": {"GET": Permission.VIEW_MEMBERS, "POST": MEMBERS},
    "/v1/invitations/{invitation}": {"DELETE": MEMBERS},
    "/v1/directory-sync/rotation-schedule": {
        "GET": DIRECTORY_SYNC,
        "PUT": DIRECTORY_SYNC,
        "DELETE": DIRECTORY_SYNC,
    },
    "/v1/directory-sync/tokens": {"GET": DIRECTORY_SYNC, "POST": DIRECTORY_SYNC},
    "/v1/directory-sync/tokens/{sync_token}": {
        "PATCH": DIRECTORY_SYNC,
        "DELETE": DIRECTORY_SYNC,
    },
    "/v1/directory-sync/tokens/{sync_token}/limits": {
        "GET": DIRECTORY_SYNC,
        "PUT": DIRECTORY_SYNC,
    },
    "/v1/directory-sync/tokens/{sync_token}/retire": {"POST": DIRECTORY_SYNC},
    "/v1/directory-sync/tokens/{sync_token}/rotate": {"POST": DIRECTORY_SYNC},
    "/v1/token-policy": {"GET": POLICY, "PATCH": POLICY},
    "/v1/calendar-feed": {"GET": TOKENS, "POST": TOKENS, "DELETE": TOKENS},
    "/v1/webhooks": {"GET": WEBHOOKS, "POST": WEBHOOKS},
    "/v1/webhooks/{endpoint}": {
        "GET": WEBHOOKS,
        "PATCH": WEBHOOKS,
        "DELETE": WEBHOOKS,
    },
    "/v1/webhooks/{endpoint}/secret": {"POST": WEBHOOKS},
    "/v1/webhooks/{endpoint}/turn-off": {"POST": WEBHOOKS},
    "/v1/webhooks/{endpoint}/turn-on": {"POST": WEBHOOKS},
    "/v1/webhooks/{endpoint}/test": {"POST": WEBHOOKS},
    "/v1/webhooks/{endpoint}/deliveries": {"GET": WEBHOOKS},
    "/v1/webhooks/{endpoint}/deliveries/{delivery}": {"GET": WEBHOOKS},
    "/v1/webhooks/{endpoint}/deliveries/{delivery}/send": {"POST": WEBHOOKS},
    "/v1/audit-stream": {
        "GET": Permission.VIEW_AUDIT,
        "PUT": POLICY,
        "DELETE": POLICY,
    },
    "/v1/audit-stream/test": {"POST": POLICY},
    f"{ONE}/quarantine": {"PUT": TOKENS, "DELETE": TOKENS},
    f"{ONE}/silence-alarm": {"PUT": TOKENS, "DELETE": TOKENS},
    f"{ONE}/tokens/{{token}}/limits": {"GET": VIEW, "PUT": TOKENS},
    f"{ONE}/tokens/{{token}}/retire": {"POST": TOKENS},
    f"{ONE}/users": {"GET": VIEW},
    f"{ONE}/users/{{resource}}/retry": {"POST": MANAGE},
    f"{ONE}/users/{{resource}}/sync": {"POST": SYNC},
    f"{ONE}/users/{{resource}}/put-right": {"POST": MANAGE},
    f"{ONE}/plan": {"GET": VIEW},
    f"{ONE}/plan/put-right": {"POST": MANAGE},
    f"{ONE}/observe": {"POST": MANAGE},
    f"{ONE}/let-loose": {"POST": MANAGE},
    f"{ONE}/try-now": {"POST": MANAGE},
    f"{ONE}/changes": {"GET": VIEW},
    f"{ONE}/changes/{{point}}/undo": {"POST": MANAGE},
    f"{ONE}/changes/runs/{{run}}/undo": {"POST": MANAGE},
    f"{ONE}/unmatched/{{unmatched}}": {"DELETE": MANAGE},
    "/v1/jobs/{sync}/approve": {"POST": MANAGE},
    "/v1/jobs/{sync}/discard": {"POST": MANAGE},
    "/v1/tasks": {"GET": VIEW},
    "/v1/tasks/{task}/done": {"POST": MANAGE},
    "/v1/tasks/{task}/cannot-be-done": {"POST": MANAGE},
    "/v1/directory-sync": {"GET": DIRECTORY_SYNC, "PATCH": DIRECTORY_SYNC},
    "/v1/directory-sync/turn-on": {"POST": DIRECTORY_SYNC},
    "/v1/directory-sync/domains": {"GET": DIRECTORY_SYNC, "POST": DIRECTORY_SYNC},
    "/v1/directory-sync/domains/{domain}": {"DELETE": DIRECTORY_SYNC},
    "/v1/directory-sync/domains/{domain}/check": {"POST": DIRECTORY_SYNC},
    "/v1/directory-sync/teams": {"GET": DIRECTORY_SYNC},
    "/v1/directory-sync/teams/{team}": {"PATCH": MEMBERS},
    "/v1/directory-sync/quarantine": {"PUT": DIRECTORY_SYNC, "DELETE": DIRECTORY_SYNC},
    "/v1/directory-sync/silence-alarm": {
        "PUT": DIRECTORY_SYNC,
        "DELETE": DIRECTORY_SYNC,
    },
    "/v1/audit-retention": {"GET": Permission.VIEW_AUDIT, "PUT": POLICY},
    f"{ONE}/user-schema": {"GET": MANAGE, "PUT": MANAGE},
    "/v1/integrations/{hand}/task-people": {"GET": MANAGE, "PUT": MANAGE},
    f"{ONE}/safety": {"GET": VIEW, "PUT": MANAGE},
    f"{ONE}/matching": {"GET": VIEW, "PUT": MANAGE},
    f"{ONE}/service-account": {"PUT": MANAGE},
    "/v1/audit-events": {"GET": Permission.VIEW_AUDIT},
    "/v1/activity/requests/{request}": {"GET": ACTIVITY},
    "/v1/activity/users/{resource}": {"GET": ACTIVITY},
    "/v1/activity.csv": {"GET": ACTIVITY},
    "/v1/audit-log.csv": {"GET": Permission.VIEW_AUDIT},
    "/v1/audit-log.jsonl": {"GET": Permission.VIEW_AUDIT},
    "/v1/audit-checkpoint": {"GET": Permission.VIEW_AUDIT},
    "/v1/dashboard": {"GET": VIEW},
    "/v1/jobs/{sync}/calls": {"GET": ACTIVITY},
    "/v1/app-calls/{call}/screenshot": {"GET": ACTIVITY},
    f"{ONE}/users/{{resource}}": {"GET": VIEW},
    f"{ONE}/groups": {"GET": VIEW},
    f"{ONE}/entitlements": {"GET": VIEW},
    f"{ONE}/entitlements/{{entitlement}}": {"GET": VIEW},
    f"{ONE}/entitlements/{{entitlement}}/holders": {"GET": VIEW},
    f"{ONE}/entra-app-roles": {"GET": VIEW},
    f"{ONE}/assignments": {"GET": VIEW, "POST": VIEW},
    f"{ONE}/assignments.csv": {"GET": VIEW},
    f"{ONE}/plan.csv": {"GET": VIEW},
    "/v1/jobs/{sync}/gone": {"GET": SYNC},
    f"{ONE}/connection": {"GET": VIEW},
    "/v1/directory-sync/connection": {"GET": DIRECTORY_SYNC},
}


def ids_of(integration: Integration) -> dict[str, int]:
    """Return the numeric ids that the table names beside `values_of`."""
    workspace = integration.workspace
    sync = workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)
    return {
        "org": workspace.pk,
        "user": workspace.memberships.order_by("id")[0].user_id,
        "scim_token_id": factories.issue_token(sync).token.pk,
    }


@pytest.fixture
def values(integration: Integration) -> dict[str, Any]:
    return {**values_of(integration), **ids_of(integration)}


def calls() -> Iterator[tuple[str, str, Permission | None]]:
    for path, methods in TABLE.items():
        for method, permission in methods.items():
            yield path, method, permission


def views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[ApiView]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback.cls


def test_every_call_is_in_the_table() -> None:
    present = sorted(
        sorted(map(str, view.permissions.items()))
        for view in views(urls.urlpatterns)
        if view not in {Document, Nothing}
    )

    assert present == sorted(
        sorted(map(str, methods.items())) for methods in TABLE.values()
    )


def test_every_scope_opens_a_call_and_every_call_has_a_scope() -> None:
    needed = {permission for *_, permission in calls()} - {None}

    assert needed == set(api_tokens.SCOPES)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
def test_role_gets_what_its_rights_say(
    workspace: Workspace, values: dict[str, Any], role: Role
) -> None:
    """S0-4: also for making a token by API."""
    client = ApiClient(factories.issue_api_token(workspace, role).plaintext)
    wrong, refused = [], 0

    # Reads first: what is deleted is gone for them.
    for path, method, permission in sorted(calls(), key=lambda call: call[1] != "GET"):
        status = client.call(method, path.format(**values), {}).status
        is_refused = status == 403
        refused += is_refused
        should_be = permission is not None and permission not in ALLOWED[role]
        if is_refused != should_be or status >= 500:
            wrong.append(f"{method} {path}: {status}")

    assert wrong == []
    assert AuditEvent.objects.filter(action=SignIn.REFUSED).count() == refused > 0


def test_token_gets_nothing_but_its_scope(
    workspace: Workspace, values: dict[str, Any]
) -> None:
    scopes = [Permission.VIEW_AUDIT]
    client = ApiClient(factories.issue_api_token(workspace, scopes=scopes).plaintext)

    opened = [
        path
        for path, method, _ in calls()
        if client.call(method, path.format(**values), {}).status != 403
    ]

    assert opened == [
        "/user/users/me",
        "/v1/audit-stream",
        "/v1/audit-retention",
        "/v1/audit-events",
        "/v1/audit-log.csv",
        "/v1/audit-log.jsonl",
        "/v1/audit-checkpoint",
    ]


def test_another_tenant_finds_nothing(
    other_api: ApiClient, values: dict[str, Any]
) -> None:
    wrong = []
    for path, method, _ in calls():
        if "{" in path:
            status = other_api.call(method, path.format(**values), {}).status
            if status != 404:
                wrong.append(f"{method} {path}: {status}")
        elif method == "GET":
            text = str(other_api.get(path).body)
            if "Acme" in text or "acme" in text:
                wrong.append(f"{path}: tells of Acme")

    assert wrong == []


def test_nobody_gets_nothing(values: dict[str, Any]) -> None:
    client = ApiClient("")
    found = {
        client.call(method, path.format(**values), {}).status
        for path, method, _ in calls()
    }

    assert found == {401}


def test_unknown_addresses_and_methods_are_problems(api: ApiClient) -> None:
    unknown = api.get(f"/v1/{uuid.uuid4()}")
    method = api.call("PUT", "/v1/jobs", {})

    assert (unknown.status, method.status) == (404, 405)
    assert method.headers["Allow"] == "GET"
    assert {unknown.headers["Content-Type"], method.headers["Content-Type"]} == {
        "application/problem+json"
    }
