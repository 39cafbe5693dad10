"""The tab **Entitlements**: what accounts of the app can hold, and who holds it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from integrations.models import AppEntitlement, Integration
from integrations.provisioning.entitlements import label_of, type_of
from integrations.reports import app_roles as roles
from integrations.reports import assignment_exports, assignments
from integrations.views.frame import frame, get_integration
from workspaces.clock import database_now
from workspaces.csv_export import csv_file
from workspaces.pages import page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """List the entitlements by name."""
    integration = get_integration(request, key)
    kinds = assignments.kinds_of(integration)
    query, kind = search_text(request), request.GET.get("type", "")
    kind = kind if kind in kinds else ""
    rows = assignments.search(integration, text=query, kind=kind)
    page = page_of(request, rows)
    context = frame(request, integration, current="Entitlements") | {
        "entitlements": [_row(integration, row) for row in page],
        "query": query,
        "kind": kind,
        "kinds": [("", "All types")]
        + [(name, label_of(integration, name)) for name in kinds],
        "page_obj": page,
        "export": _export(integration),
        "export_url": reverse("integrations:export_assignments", args=[key]),
        "app_roles_url": reverse("integrations:app_roles", args=[key]),
    }
    return render(request, "integrations/entitlements.html", context)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def overview(request: WorkspaceRequest, key: str, ref: str) -> HttpResponse:
    """Show one entitlement with **Assigned users**."""
    integration = get_integration(request, key)
    entitlement = _entitlement(integration, ref)
    query = search_text(request)
    holders = assignments.holders(entitlement, text=query)
    page = page_of(request, holders)
    context = frame(request, integration, current="Entitlements") | {
        "entitlement": _row(integration, entitlement),
        "holders": [_holder(integration, account, entitlement) for account in page],
        "query": query,
        "page_obj": page,
        "entitlements_url": reverse("integrations:entitlements", args=[key]),
    }
    return render(request, "integrations/entitlement.html", context)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def value(request: WorkspaceRequest, key: str, ref: str) -> HttpResponse:
    """Show the **Value string** that the IdP sends to give an entitlement."""
    integration = get_integration(request, key)
    part = "#dialog" if request.htmx else ""
    context = {
        "integration_name": integration.name,
        "entitlement": _row(integration, _entitlement(integration, ref)),
        "back_url": reverse("integrations:entitlements", args=[key]),
    }
    return render(request, f"integrations/entitlement_value.html{part}", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW_INTEGRATIONS)
def export(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask for the file of all assignments (POST), or lead to it (GET).

    To a page that waits, GET answers how far it is.
    """
    integration = get_integration(request, key)
    now = database_now()
    if request.method == "POST":
        assignment_exports.request(integration, actor=request.user, now=now)
    elif request.htmx:
        context = {"export": _export(integration)}
        return render(request, "integrations/entitlements.html#export", context)
    return redirect("integrations:entitlements", key=key)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def export_file(request: WorkspaceRequest, key: str) -> HttpResponseBase:
    """Send the file of all assignments, and record that."""
    integration = get_integration(request, key)
    pieces = assignment_exports.open_file(
        integration, actor=request.user, now=database_now()
    )
    if pieces is None:
        messages.info(
            request,
            "There is no file: exports are deleted after a day. Export all "
            "assignments again.",
        )
        return redirect("integrations:entitlements", key=key)
    return csv_file(f"assignments-{key}", pieces)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def app_roles(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Send the roles as app roles for the manifest of an app of Entra ID."""
    return roles.file(get_integration(request, key))


def _entitlement(integration: Integration, ref: str) -> AppEntitlement:
    try:
        return assignments.find(integration, ref)
    except AppEntitlement.DoesNotExist:
        raise Http404 from None


def _export(integration: Integration) -> dict[str, Any] | None:
    """Return how far the file of all assignments is, None if nobody asked."""
    found = assignment_exports.find(integration, now=database_now())
    if found is None:
        return None
    args = [integration.directory.key]
    return {
        "is_preparing": found.is_preparing,
        "error": found.error,
        "count": found.count,
        "ready_at": found.ready_at,
        "expires_at": found.expires_at,
        "url": reverse("integrations:export_assignments", args=args),
        "file_url": reverse("integrations:assignments_file", args=args),
    }


def _row(integration: Integration, row: AppEntitlement) -> dict[str, Any]:
    args = [integration.directory.key, assignments.reference(row)]
    return {
        "name": row.name,
        "external_id": row.external_id,
        "type": label_of(integration, row.kind),
        "scim_type": type_of(row.kind),
        "holder_count": row.holder_count,  # type: ignore[attr-defined]
        "value": assignments.value_string(row),
        "url": reverse("integrations:entitlement", args=args),
        "value_url": reverse("integrations:entitlement_value", args=args),
        "ref": args[1],
    }


def _holder(
    integration: Integration, account: Any, entitlement: AppEntitlement
) -> dict[str, Any]:
    row = getattr(account, "provisioning", None)
    return {
        "name": account.resource.label if account.resource else account.username,
        "username": account.username,
        "is_active": account.is_active,
        "given_by": assignments.given_by(row, entitlement),
        "url": reverse(
            "integrations:user",
            args=[integration.directory.key, row.resource_id_public],
        )
        if row
        else None,
    }
