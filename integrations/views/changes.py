"""**Changes**: what Keyway did in the app, run by run, and how to undo it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Min, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from integrations.models import Integration, Provisioning, RestorePoint
from integrations.provisioning import kept_attributes, restoring, undoing
from integrations.views.frame import frame, get_integration
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.pages import page_of
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """List the runs, newest first."""
    integration = get_integration(request, key)
    runs = (
        RestorePoint.objects.filter(integration=integration)
        .order_by()
        .values("run", "is_undo")
        .annotate(
            began_at=Min("at"),
            ended_at=Max("at"),
            last=Max("pk"),
            people=Count("resource_id", distinct=True),
            undone=Count("pk", filter=Q(undone_at__isnull=False)),
            total=Count("pk"),
        )
        .order_by("-last")
    )
    page = page_of(request, runs)
    context = frame(request, integration, current="Changes") | {
        "runs": [
            run | {"url": reverse("integrations:run", args=[key, run["run"]])}
            for run in page
        ],
        "page_obj": page,
        "days": restoring.KEEP.days,
        "not_kept": kept_attributes.not_kept(integration),
    }
    return render(request, "integrations/changes.html", context)


@require_http_methods(["GET"])
@requires(Permission.VIEW_INTEGRATIONS)
def run(request: WorkspaceRequest, key: str, run_id: uuid.UUID) -> HttpResponse:
    """Show what was done in one run, person by person."""
    integration = get_integration(request, key)
    points = RestorePoint.objects.filter(integration=integration, run=run_id)
    page = page_of(request, points.select_related("undone_by").order_by("-pk"))
    if not page.paginator.count:
        raise Http404
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    context = frame(request, integration, current="Changes") | {
        "points": [_point(integration, point, manages=manages) for point in page],
        "page_obj": page,
        "began_at": points.aggregate(at=Min("at"))["at"],
        "changes_url": reverse("integrations:changes", args=[key]),
        "undo_url": reverse("integrations:undo_run", args=[key, run_id])
        if manages and undoing.undoable(integration).filter(run=run_id).exists()
        else None,
    }
    return render(request, "integrations/run.html", context)


def _point(
    integration: Integration, point: RestorePoint, *, manages: bool
) -> dict[str, Any]:
    key = integration.directory.key
    point.integration = integration
    may_undo = manages and point.undone_at is None and not point.is_undo
    return {
        "at": point.at,
        "user_name": point.user_name,
        "url": reverse("integrations:user", args=[key, point.resource_id]),
        "steps": undoing.done(point),
        "undone_at": point.undone_at,
        "undone_by": point.undone_by,
        "undo_url": reverse("integrations:undo", args=[key, point.public_id])
        if may_undo
        else None,
    }


def points_of(
    integration: Integration, resource_id: str, *, manages: bool, limit: int = 10
) -> list[dict[str, Any]]:
    """Return the last changes of one person, as the page of a run shows them."""
    found = RestorePoint.objects.filter(
        integration=integration, resource_id=resource_id
    )
    newest = found.select_related("undone_by").order_by("-pk")[:limit]
    return [_point(integration, point, manages=manages) for point in newest]


def undo_urls(row: Provisioning, jobs: Iterable[Job]) -> dict[int, str]:
    """Return where what jobs did to a person can be undone, by the job's key."""
    points = undoing.undoable(row.integration).filter(
        resource_id=row.resource_id_public, job__in=[job.pk for job in jobs]
    )
    key = row.integration.directory.key
    # A job of several attempts is undone from its first change on.
    newest_first = points.order_by("-pk").values_list("job", "public_id")
    return {
        job: reverse("integrations:undo", args=[key, point])
        for job, point in newest_first
    }


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def undo(request: WorkspaceRequest, key: str, point_id: uuid.UUID) -> HttpResponse:
    """Show what would be taken back for one person, then take it back."""
    integration = get_integration(request, key)
    point = get_object_or_404(
        RestorePoint.objects.select_related("integration__workspace"),
        integration=integration,
        public_id=point_id,
        is_undo=False,
    )
    back = reverse("integrations:user", args=[key, point.resource_id])
    if request.method == "POST":
        try:
            undoing.request(point, actor=request.user, now=database_now())
        except undoing.NotNow as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"{point.user_name} is put back.")
        return redirect(back)
    return _ask(request, integration, [point], point.user_name, back)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def undo_run(request: WorkspaceRequest, key: str, run_id: uuid.UUID) -> HttpResponse:
    """Show what would be taken back for everybody of a run, then take it back."""
    integration = get_integration(request, key)
    points = undoing.first_of_each(undoing.undoable(integration).filter(run=run_id))
    back = reverse("integrations:run", args=[key, run_id])
    if not RestorePoint.objects.filter(integration=integration, run=run_id).exists():
        raise Http404
    if request.method == "POST":
        asked, refused = undoing.request_run(
            integration, run_id, actor=request.user, now=database_now()
        )
        people = "1 user is" if asked == 1 else f"{asked} users are"
        messages.success(request, f"{people} put back.")
        for reason in refused[:3]:
            messages.info(request, reason)
        return redirect(back)
    return _ask(request, integration, points, "the run", back)


_ASKED = 50
"""For how many people the question shows each step."""


def _ask(
    request: WorkspaceRequest,
    integration: Integration,
    points: list[RestorePoint],
    what: str,
    back: str,
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    shown = [
        {
            "user_name": point.user_name,
            "steps": undoing.plan(undoing.since(point) or [point]).steps,
        }
        for point in points[:_ASKED]
    ]
    context = {
        "integration": integration,
        "what": what,
        "people": shown,
        "count": len(points),
        "more": max(0, len(points) - _ASKED),
        "cancel_url": back,
        "not_kept": kept_attributes.not_kept(integration),
    }
    return render(request, f"integrations/undo.html{part}", context)
