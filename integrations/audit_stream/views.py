"""**Streaming**: where the audit log is sent as it grows, and how far that has come."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.audit_stream import services
from integrations.audit_stream.forms import StreamForm
from integrations.models import AuditStream
from workspaces import audit_chain
from workspaces.clock import database_now
from workspaces.models import AuditChain, Workspace
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

PAGE = "audit_stream:index"
_TEMPLATE = "audit_stream/index.html"


@require_GET
@requires(Permission.VIEW_AUDIT)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show how the stream stands, and to Owners where it goes."""
    stream = _stream(request)
    if request.htmx and stream:
        context = {"state": _state(stream), "may_change": _may_change(request)}
        return render(request, f"{_TEMPLATE}#state", context)
    return _page(request, stream, StreamForm(stream=stream))


@sensitive_post_parameters("header_value")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def save(request: WorkspaceRequest) -> HttpResponse:
    """Set the stream up, or change where it goes."""
    if request.method == "GET":
        return redirect(PAGE)
    stream = _stream(request)
    form = StreamForm(request.POST, stream=stream)
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
    return _page(request, stream, form, status=422)


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
    context = {"stream": stream, "waiting": _waiting(stream)}
    return render(request, f"audit_stream/stop.html{part}", context)


def _page(
    request: WorkspaceRequest,
    stream: AuditStream | None,
    form: StreamForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "state": _state(stream) if stream else None,
        "may_change": _may_change(request),
    }
    return render(request, _TEMPLATE, context, status=status)


def _streams(workspace: Workspace) -> Any:
    return AuditStream.objects.select_related("workspace").filter(workspace=workspace)


def _stream(request: WorkspaceRequest) -> AuditStream | None:
    found: AuditStream | None = _streams(request.workspace).first()
    return found


def _may_change(request: WorkspaceRequest) -> bool:
    return can(request.membership, Permission.MANAGE_POLICY)


def _waiting(stream: AuditStream) -> int:
    chain = AuditChain.objects.filter(workspace=stream.workspace).first()
    return max(0, chain.length - stream.sequence) if chain else 0


def _state(stream: AuditStream) -> dict[str, Any]:
    waiting = _waiting(stream)
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
