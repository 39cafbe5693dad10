"""The tabs **Users** and **Groups** of an integration, and one user."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations.models import AppAccount, Integration, Provisioning, Task
from integrations.provisioning import wanted
from integrations.reports import people
from integrations.syncing import comparing, matching
from integrations.tasks.by_hand import is_by_hand
from integrations.views.changes import points_of
from integrations.views.frame import frame, get_integration
from integrations.views.matching import actions
from integrations.views.tasks import WAITING, open_tasks
from scim.models import Resource
from tokens import ways
from workspaces.clock import database_now
from workspaces.pages import Pill, own_path, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_TONES = {
    **dict.fromkeys(Provisioning.PENDING, "info"),
    **dict.fromkeys(Provisioning.FAILED, "danger"),
    Provisioning.State.ONBOARDED: "success",
    Provisioning.State.DELETED: "neutral",
}
STATES = [
    ("", "All but deleted"),
    (people.EVERYBODY, "All states"),
    ("failed", "Any failed"),
    ("waiting", "Any awaiting or ongoing"),
    ("unmatched", "Unmatched"),
    ("exempt", "Exempt"),
    *Provisioning.State.choices,
]


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def users(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show each user with the state of the account in the app."""
    integration = get_integration(request, key)
    everybody = Provisioning.objects.filter(integration=integration)
    query, state = search_text(request), request.GET.get("state", "")
    if state not in people.STATES:
        state = ""
    page = page_of(request, people.search(integration, text=query, state=state))
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    waiting = open_tasks(page) if is_by_hand(integration.app) else {}
    has_pending = any(
        row.state in Provisioning.PENDING and row.pk not in waiting for row in page
    )
    context: dict[str, Any] = {
        "users": [
            _user(row, integration, manages=manages, task=waiting.get(row.pk))
            for row in page
        ],
        "manages": manages,
        "query": query,
        "state": state,
        "states": STATES,
        "page_obj": page,
        "numbers": numbers_of(everybody),
        "is_paused": integration.paused_at is not None,
        # While it is paused nothing moves: there is nothing to wait for.
        "has_pending": has_pending and integration.paused_at is None,
    }
    if request.htmx:
        return render(request, "integrations/users.html#list", context)
    context |= frame(request, integration, current="Users")
    return render(request, "integrations/users.html", context)


def numbers_of(everybody: QuerySet[Provisioning]) -> dict[str, int]:
    """Return how many there are: all, failed, waiting, deleted, unmatched, exempt."""
    counted = (
        everybody.order_by()
        .values("state")
        .annotate(
            total=Count("pk"),
            unmatched=Count("pk", filter=matching.UNMATCHED),
            exempt=Count("pk", filter=matching.EXEMPT),
        )
    )
    rows = {row["state"]: row for row in counted}
    by_state = {state: row["total"] for state, row in rows.items()}
    deleted = by_state.get(Provisioning.State.DELETED, 0)
    return {
        "all": sum(by_state.values()) - deleted,
        "failed": sum(by_state.get(state, 0) for state in Provisioning.FAILED),
        "waiting": sum(by_state.get(state, 0) for state in Provisioning.PENDING),
        "deleted": deleted,
        "unmatched": sum(row["unmatched"] for row in rows.values()),
        "exempt": sum(row["exempt"] for row in rows.values()),
    }


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def user(request: WorkspaceRequest, key: str, resource_id: uuid.UUID) -> HttpResponse:
    """Show one user on both sides, with what happened."""
    integration = get_integration(request, key)
    row = _row(integration, resource_id)
    account = row.account
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    context = frame(request, integration, current="Users") | {
        "row": _user(
            row, integration, manages=manages, task=open_tasks([row]).get(row.pk)
        )
        | {
            "attempts": row.attempts,
            "undone_at": row.undone_at,
            "undone_by": str(row.undone_by or "somebody who left"),
            "is_undoing": row.undo_to_id is not None,
            "drifted_at": row.drifted_at,
            "delete_at": row.delete_at,
            "put_right_url": reverse(
                "integrations:put_right", args=[key, row.resource_id_public]
            )
            if manages and row.resource
            else None,
            "sync_url": reverse(
                "integrations:sync_person", args=[key, row.resource_id_public]
            )
            if can(request.membership, Permission.SYNC)
            else None,
            "changed_at": row.changed_at,
            "seen_at": account.seen_at if account else None,
            "external_id": account.external_id if account else "",
        },
        # What stands for an unmatched account is the app's word, not the IdP's.
        "fields": comparing.sides(row.resource if row.is_matched else None, account),
        "changes": _changes(integration, row),
        "points": points_of(integration, row.resource_id_public, manages=manages),
        "has_pending": row.state in Provisioning.PENDING
        and integration.paused_at is None,
    }
    if request.htmx:
        return render(request, "integrations/user.html#state", context)
    return render(request, "integrations/user.html", context)


def _row(integration: Integration, resource_id: uuid.UUID) -> Provisioning:
    return get_object_or_404(
        Provisioning.objects.select_related(
            "resource__directory", "account__exempted_by", "undone_by"
        ).prefetch_related("account__entitlements"),
        integration=integration,
        resource_id_public=str(resource_id),
    )


def _changes(integration: Integration, row: Provisioning) -> list[dict[str, Any]]:
    """Return what happened to the user in the directory, newest first."""
    changes = people.changes_of(integration, row)
    keys = {change.token_key for change in changes if change.token_key}
    names = ways.names_of(integration.directory, keys)
    return [
        {
            "at": change.at,
            "actor": names.get(change.token_key, "IdP") if change.token_key else "Sync",
            "kind": change.get_kind_display(),
            "attributes": [name for name in change.attributes if name != "schemas"],
        }
        for change in changes
    ]


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def retry(request: WorkspaceRequest, key: str, resource_id: uuid.UUID) -> HttpResponse:
    """Try a failed provisioning again."""
    integration = get_integration(request, key)
    row = get_object_or_404(
        Provisioning, integration=integration, resource_id_public=str(resource_id)
    )
    wanted.retry(row, actor=request.user, now=database_now())
    messages.info(request, f"{row.user_name} is tried again.")
    users = reverse("integrations:users", args=[key])
    return redirect(own_path(request.POST.get("next", ""), users))


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def groups(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show the groups of the directory and what they stand for in the app."""
    integration = get_integration(request, key)
    query = search_text(request)
    page = page_of(request, people.groups_of(integration, text=query))
    context = frame(request, integration, current="Groups")
    context |= {
        "groups": [_group(row) for row in page],
        "query": query,
        "page_obj": page,
    }
    return render(request, "integrations/groups.html", context)


def _user(
    row: Provisioning,
    integration: Integration,
    *,
    manages: bool,
    task: Task | None,
) -> dict[str, Any]:
    user, account = row.resource, row.account
    return {
        "display_name": user.label if user else "",
        "id": row.resource_id_public,
        "is_matched": row.is_matched or user is None,
        "exemption": _exemption(account),
        "actions": actions(integration, row, manages=manages),
        "user_name": row.user_name,
        "username_in_app": account.username if account else "",
        "app_access": [e.name for e in account.entitlements.all()] if account else [],
        "active_in_app": account.is_active if account else None,
        "upstream_id": user.external_id if user else None,
        "state": _state(row, task),
        "task_url": reverse("tasks:task", args=[task.public_id]) if task else None,
        "error": row.last_error,
        "next_attempt_at": row.next_attempt_at,
        "can_retry": manages and bool(row.last_error),
        "retry_url": retry_url(integration, row),
        "url": reverse(
            "integrations:user",
            args=[integration.directory.key, row.resource_id_public],
        ),
    }


def _state(row: Provisioning, task: Task | None) -> Pill:
    if task is not None:
        return WAITING
    if not row.is_matched and row.resource is not None:
        # Nobody asked for an account that is not matched.
        return Pill("Not managed", "neutral")
    state = Provisioning.State(row.state)
    return Pill(str(state.label), _TONES[state])


def _exemption(account: AppAccount | None) -> dict[str, Any] | None:
    if account is None or account.exempted_at is None:
        return None
    return {
        "at": account.exempted_at,
        "by": str(account.exempted_by or "somebody who left"),
        "reason": account.exempt_reason,
    }


def retry_url(integration: Integration, row: Provisioning) -> str:
    """Return where to post that a user should be tried again."""
    return reverse(
        "integrations:retry", args=[integration.directory.key, row.resource_id_public]
    )


def _group(row: Resource) -> dict[str, Any]:
    entitlement = getattr(row, "app_entitlement", None)
    return {
        "name": row.label,
        "member_count": row.member_count,  # type: ignore[attr-defined]
        "source": row.get_source_display(),
        "app_group": entitlement.name if entitlement else None,
    }
