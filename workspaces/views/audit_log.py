"""The **Audit log**: who did what, to what, from where."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from workspaces import audit_files, audit_log
from workspaces.models import AuditEvent
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.VIEW_AUDIT)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show a page of the log, newest first."""
    filters = audit_log.Filters.read(request.GET)
    page = audit_log.page(
        request.workspace,
        filters,
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    kept = request.GET.copy()
    for name in ("before", "after"):
        kept.pop(name, None)
    return render(
        request,
        "workspaces/audit_log.html",
        {
            "events": [_row(event) for event in page.events],
            "page": page,
            "filters": filters,
            "actions": [("", "Everything"), *audit_log.actions()],
            "filter_query": kept.urlencode(),
        },
    )


@require_GET
@requires(Permission.VIEW_AUDIT)
def event(request: WorkspaceRequest, public_id: uuid.UUID) -> HttpResponse:
    """Show one event with all that is known of it."""
    found = get_object_or_404(
        AuditEvent.objects.select_related("actor"),
        workspace=request.workspace,
        public_id=public_id,
    )
    part = "#dialog" if request.htmx else ""
    context = {"event": _row(found) | _details(found)}
    return render(request, f"workspaces/audit_event.html{part}", context)


@never_cache
@require_GET
@requires(Permission.VIEW_AUDIT)
def export(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Send the filtered log as a table, and record that."""
    return audit_files.table(request.workspace, request.GET, actor=request.user)


@never_cache
@require_GET
@requires(Permission.VIEW_AUDIT)
def export_lines(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Send the filtered log as JSON lines with their digests, and record that."""
    return audit_files.lines(request.workspace, request.GET, actor=request.user)


def _row(found: AuditEvent) -> dict[str, Any]:
    return {
        "at": found.at,
        "who": found.actor_label,
        "what": audit_log.label_of(found.action),
        "object": found.target_label,
        "object_type": found.target_type.replace("_", " "),
        "address": found.address or "",
        "url": reverse("workspaces:audit_event", args=[found.public_id]),
    }


def _details(found: AuditEvent) -> dict[str, Any]:
    return {
        "action": found.action,
        "email": found.actor.email if found.actor else "",
        "object_id": found.target_id,
        "request_id": found.request_id,
        "sequence": found.sequence,
        "digest": found.digest,
        "data": [
            (name.replace("_", " ").capitalize(), value)
            for name, value in sorted(found.data.items())
        ],
    }
