"""**Plan**: what Keyway would do in the app, and what was changed there by hand."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.models import Integration, Provisioning
from integrations.provisioning import observing, planning
from integrations.provisioning.planning import Kind, Plan
from integrations.reports import plan as plans
from integrations.syncing import drifting
from integrations.views.frame import frame, get_integration
from workspaces.clock import database_now
from workspaces.csv_export import csv_response
from workspaces.pages import Pill, own_path, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

SHOWN = [
    ("", "Waiting and drift"),
    ("waiting", "Waiting"),
    ("drift", "Drift"),
]
_CONDITIONS = {
    "": plans.WAITING | plans.DRIFT,
    "waiting": plans.WAITING,
    "drift": plans.DRIFT,
}
_TONES = {
    Kind.CREATE: ("success", "user-plus"),
    Kind.UPDATE: ("info", "pencil"),
    Kind.REACTIVATE: ("info", "user-check"),
    Kind.DEACTIVATE: ("warning", "user-x"),
    Kind.DELETE: ("danger", "trash-2"),
    Kind.NOTHING: ("neutral", "minus"),
}


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show person by person what would be done."""
    integration = get_integration(request, key)
    show = request.GET.get("show", "")
    rows = plans.rows_of(integration, _CONDITIONS.get(show, _CONDITIONS[""]))
    query = search_text(request)
    if query:
        rows = rows.filter(user_name__icontains=query)
    page = page_of(request, rows)
    listed = list(page)
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    context = frame(request, integration, current="Plan") | {
        "rows": [
            _row(integration, row, plan, manages=manages)
            for row, plan in zip(
                listed, planning.plans_of(integration, listed), strict=True
            )
        ],
        "page_obj": page,
        "numbers": plans.numbers(integration),
        "show": show if show in _CONDITIONS else "",
        "choices": SHOWN,
        "query": query,
        "export_url": reverse("integrations:export_plan", args=[key]),
        "put_right_url": reverse("integrations:put_right_all", args=[key])
        if manages
        else None,
    }
    return render(request, "integrations/plan.html", context)


def _row(
    integration: Integration, row: Provisioning, plan: Plan, *, manages: bool
) -> dict[str, Any]:
    args = [integration.directory.key, row.resource_id_public]
    is_drift = not plans.is_waiting(row)
    return {
        "user_name": row.user_name,
        "name": row.resource.label if row.resource else "",
        "url": reverse("integrations:user", args=args),
        "why": Pill("Drift", "warning", "git-compare-arrows")
        if is_drift
        else Pill("Waiting", "neutral", "clock"),
        "since": row.drifted_at if is_drift else row.changed_at,
        "action": Pill(str(plan.kind.label), *_TONES[plan.kind]),
        "differences": plan.differences,
        "attributes": plan.attributes,
        "granted": plan.granted,
        "revoked": plan.revoked,
        "put_right_url": reverse("integrations:put_right", args=args)
        if manages and is_drift
        else None,
    }


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def export(request: WorkspaceRequest, key: str) -> Any:
    """Send the whole plan as CSV, line by line."""
    integration = get_integration(request, key)
    rows = plans.export(integration, actor=request.user)
    return csv_response(f"plan-{key}", plans.COLUMNS, rows)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def put_right(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> HttpResponse:
    """Bring one person's account up to date with the IdP again."""
    integration = get_integration(request, key)
    row = get_object_or_404(
        Provisioning, integration=integration, resource_id_public=str(resource_id)
    )
    found = Provisioning.objects.filter(pk=row.pk, resource__isnull=False)
    now = database_now()
    if drifting.put_right(integration, found, actor=request.user, now=now):
        messages.info(request, f"{row.user_name} is brought up to date with your IdP.")
    else:
        messages.info(request, f"Your IdP has no user {row.user_name} any more.")
    page = reverse("integrations:plan", args=[key])
    return redirect(own_path(request.POST.get("next", ""), page))


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def put_right_all(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask with the number, then bring everybody who drifted up to date."""
    integration = get_integration(request, key)
    found = drifting.drifted(integration)
    plan_url = reverse("integrations:plan", args=[key])
    if request.method == "POST":
        count = drifting.put_right(
            integration, found, actor=request.user, now=database_now()
        )
        messages.info(request, f"{_people(count)} brought up to date with your IdP.")
        return redirect(plan_url)
    part = "#dialog" if request.htmx else ""
    context = {
        "integration": integration,
        "count": found.count(),
        "cancel_url": plan_url,
    }
    return render(request, f"integrations/put_right.html{part}", context)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def observe(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Change nothing in the app from now on, and show what would be done."""
    integration = get_integration(request, key)
    if observing.begin(integration, actor=request.user, now=database_now()):
        messages.success(
            request,
            f"{integration.name} only observes. Your IdP is answered as before; "
            "nothing is changed in the app until somebody lets it loose.",
        )
    return redirect("integrations:plan", key=key)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def let_loose(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask with the counts of the plan, then carry it out."""
    integration = get_integration(request, key)
    plan_url = reverse("integrations:plan", args=[key])
    if request.method == "POST":
        people = observing.let_loose(
            integration, actor=request.user, now=database_now()
        )
        if people is None:
            messages.info(request, f"{integration.name} does not only observe.")
        else:
            messages.success(
                request,
                f"{integration.name} is let loose. {_people(people)} worked on.",
            )
        return redirect(plan_url)
    part = "#dialog" if request.htmx else ""
    context = {
        "integration": integration,
        "numbers": plans.numbers(integration),
        "cancel_url": plan_url,
    }
    return render(request, f"integrations/let_loose.html{part}", context)


def _people(count: int) -> str:
    return "1 user is" if count == 1 else f"{count} users are"
