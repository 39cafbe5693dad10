"""The tabs **Users** and **Groups** of an integration."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations import wanted
from integrations.models import Integration, Provisioning
from integrations.views.frame import frame, get_integration
from scim.models import Resource
from scim.protocol.comparable import string_key
from workspaces.clock import database_now
from workspaces.pages import Pill, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_TONES = {
    **dict.fromkeys(Provisioning.PENDING, "info"),
    **dict.fromkeys(Provisioning.FAILED, "danger"),
    Provisioning.State.ONBOARDED: "success",
    Provisioning.State.DELETED: "neutral",
}


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def users(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show each user with the state of the account in the app."""
    integration = get_integration(request, key)
    rows = _search(
        Provisioning.objects.filter(integration=integration)
        .select_related("resource", "account")
        .prefetch_related("account__entitlements")
        .order_by("user_name", "id"),
        request,
    )
    page = page_of(request, rows)
    may_retry = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    context: dict[str, Any] = {
        "users": [_user(row, integration, may_retry=may_retry) for row in page],
        "query": search_text(request),
        "state": request.GET.get("state", ""),
        "states": [("", "All states"), *Provisioning.State.choices],
        "page_obj": page,
        "has_pending": any(row.state in Provisioning.PENDING for row in page),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "integrations/users.html#list", context)
    context |= frame(request, integration, current="Users")
    return render(request, "integrations/users.html", context)


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
    return redirect(reverse("integrations:users", args=[key]))


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def groups(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show the groups of the directory and what they stand for in the app."""
    integration = get_integration(request, key)
    query = search_text(request)
    rows = (
        Resource.objects.filter(directory=integration.directory, resource_type="Group")
        .select_related("app_entitlement")
        .annotate(member_count=Count("members"))
        .order_by("label", "id")
    )
    if query:
        rows = rows.filter(group_name_key__contains=string_key(query, case_exact=False))
    page = page_of(request, rows)
    context = frame(request, integration, current="Groups")
    context |= {
        "groups": [_group(row) for row in page],
        "query": query,
        "page_obj": page,
    }
    return render(request, "integrations/groups.html", context)


def _search(
    rows: QuerySet[Provisioning], request: WorkspaceRequest
) -> QuerySet[Provisioning]:
    query, state = search_text(request), request.GET.get("state", "")
    if query:
        key = string_key(query, case_exact=False)
        rows = rows.filter(
            Q(user_name__icontains=query)
            | Q(resource__user_name_key__contains=key)
            | Q(resource__label__icontains=query)
            | Q(account__username__icontains=query)
            | Q(account__email__icontains=query)
        )
    if state in Provisioning.State.values:
        rows = rows.filter(state=state)
    return rows


def _user(
    row: Provisioning, integration: Integration, *, may_retry: bool
) -> dict[str, Any]:
    user, account = row.resource, row.account
    state = Provisioning.State(row.state)
    return {
        "display_name": user.label if user else "",
        "user_name": row.user_name,
        "username_in_app": account.username if account else "",
        "app_access": [e.name for e in account.entitlements.all()] if account else [],
        "active_in_app": account.is_active if account else None,
        "upstream_id": user.external_id if user else None,
        "state": Pill(str(state.label), _TONES[state]),
        "error": row.last_error,
        "next_attempt_at": row.next_attempt_at,
        "can_retry": may_retry and bool(row.last_error),
        "retry_url": reverse(
            "integrations:retry",
            args=[integration.directory.key, row.resource_id_public],
        ),
    }


def _group(row: Resource) -> dict[str, Any]:
    entitlement = getattr(row, "app_entitlement", None)
    return {
        "name": row.label,
        "member_count": row.member_count,  # type: ignore[attr-defined]
        "source": row.get_source_display(),
        "app_group": entitlement.name if entitlement else None,
    }
