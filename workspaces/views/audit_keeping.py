"""**How the audit log is kept**: its chain, its checkpoints, and for how long."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from workspaces import audit_files, audit_retention
from workspaces.errors import MemberError
from workspaces.models import AuditChain, AuditEvent
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


class RetentionForm(forms.Form):
    """For how long events are kept."""

    days = forms.TypedChoiceField(
        label="Keep events for",
        choices=[(days or 0, label) for days, label in audit_retention.CHOICES],
        coerce=lambda days: int(days) or None,
        help_text="What is older is deleted once a day. What stays can still be verified.",
    )


@require_http_methods(["GET"])
@requires(Permission.VIEW_AUDIT)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show how far the log is sealed, and for how long it is kept."""
    form = RetentionForm(initial={"days": request.workspace.audit_days or 0})
    return _page(request, form)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def retention(request: WorkspaceRequest) -> HttpResponse:
    """Change for how long events are kept."""
    if request.method == "GET":
        return redirect("workspaces:audit_keeping")
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        audit_retention.change(form.cleaned_data["days"], by=request.membership)
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "How long events are kept is saved.")
    return redirect("workspaces:audit_keeping")


@never_cache
@require_GET
@requires(Permission.VIEW_AUDIT)
def checkpoint(request: WorkspaceRequest) -> HttpResponse:
    """Send a signed checkpoint as a file, and record that."""
    return audit_files.checkpoint(request.workspace, actor=request.user)


def _page(
    request: WorkspaceRequest, form: RetentionForm, *, status: int = 200
) -> HttpResponse:
    chain = AuditChain.objects.filter(workspace=request.workspace).first()
    events = AuditEvent.objects.filter(workspace=request.workspace)
    context = {
        "form": form,
        "chain": chain,
        "oldest": events.order_by("id").first(),
        "may_change": can(request.membership, Permission.MANAGE_POLICY),
        "kept": dict(audit_retention.CHOICES).get(request.workspace.audit_days),
    }
    return render(request, "workspaces/audit_keeping.html", context, status=status)
