"""**Streaming**: where the audit log is sent as it grows, and how far that has come."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.audit_stream import services, streaming
from integrations.audit_stream.forms import StreamForm
from integrations.models import AuditStream
from workspaces import audit_chain
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Workspace
from workspaces.permissions import Permission, WorkspaceRequest, can, requires
from workspaces.step_up import recent_confirmation

PAGE = "audit_stream:index"
_TEMPLATE = "audit_stream/index.html"


def _subject(request: WorkspaceRequest) -> Subject:
    """Return what a confirmation of a destination is about: the workspace."""
    return services.subject_of(request.workspace)


@require_GET
@requires(Permission.VIEW_AUDIT)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show how the stream stands."""
    stream = _stream(request)
    context = {
        "state": _state(stream) if stream else None,
        "may_change": can(request.membership, Permission.MANAGE_POLICY),
    }
    part = "#state" if request.htmx and stream else ""
    return render(request, f"{_TEMPLATE}{part}", context)


@sensitive_post_parameters("header_value")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
@recent_confirmation(services.SEND.name, _subject)
def save(request: WorkspaceRequest) -> HttpResponse:
    """Ask where the stream goes, then set it up or change it."""
    stream = _stream(request)
    form = StreamForm(request.POST if request.method == "POST" else None, stream=stream)
    if form.is_valid():
        try:
            services.save(
                request.workspace,
                form.destination(),
                whole_log=form.cleaned_data.get("start") == "first",
                actor=request.user,
                now=database_now(),
            )
        except services.HeaderNeeded as error:
            form.add_error("header_value", str(error))
        else:
            messages.success(request, "Where the audit log is streamed to is saved.")
            return redirect(PAGE)
    title = "Change destination" if stream else "Set up streaming"
    return render(
        request,
        "audit_stream/destination.html",
        {"form": form, "title": title},
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.MANAGE_POLICY)
def test(request: WorkspaceRequest) -> HttpResponse:
    """Send an event of its own through the stream."""
    stream = get_object_or_404(_streams(request.workspace))
    services.test(stream, actor=request.user, now=database_now())
    messages.success(
        request, "A test is written to the log. It is sent as every event is."
    )
    return redirect(PAGE)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def stop(request: WorkspaceRequest) -> HttpResponse:
    """Ask, then stop streaming."""
    stream = get_object_or_404(_streams(request.workspace))
    if request.method == "POST":
        services.stop(stream, actor=request.user)
        messages.success(request, "The audit log is not streamed any more.")
        return redirect(PAGE)
    part = "#dialog" if request.htmx else ""
    context = {"stream": stream, "waiting": streaming.waiting(stream)}
    return render(request, f"audit_stream/stop.html{part}", context)


def _streams(workspace: Workspace) -> Any:
    return AuditStream.objects.select_related("workspace").filter(workspace=workspace)


def _stream(request: WorkspaceRequest) -> AuditStream | None:
    found: AuditStream | None = _streams(request.workspace).first()
    return found


def _state(stream: AuditStream) -> dict[str, Any]:
    waiting = streaming.waiting(stream)
    oldest = audit_chain.following(stream.workspace, stream.sequence).first()
    return {
        "destination": str(stream),
        "format": stream.get_format_display(),
        "sequence": stream.sequence,
        "sent_at": stream.sent_at,
        "waiting": waiting,
        "waiting_since": oldest.at if oldest else None,
        "error": stream.last_error,
        "failing_since": stream.failing_since,
        "tone": "danger" if stream.last_error else "info" if waiting else "success",
        "label": _label(stream, waiting),
    }


def _label(stream: AuditStream, waiting: int) -> str:
    if stream.last_error:
        return "Failing"
    return "Sending" if waiting else "Up to date"
