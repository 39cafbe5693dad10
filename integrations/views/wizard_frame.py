"""What every step of **New app integration** shares: its draft, and its page."""

from __future__ import annotations

import uuid
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from integrations.models import Integration, IntegrationDraft
from integrations.set_up import drafts
from workspaces.permissions import WorkspaceRequest

_STEPS = (
    ("app", "Select app", "integrations:draft_app"),
    ("service_account", "Service account", "integrations:draft_service_account"),
    ("settings", "Settings (Optional)", "integrations:draft_settings"),
    ("advanced", "Advanced settings (Optional)", "integrations:draft_advanced"),
    ("check", "Test and save", "integrations:draft_check"),
)
URL_OF = {key: url_name for key, _, url_name in _STEPS}


def draft_of(request: WorkspaceRequest, draft_id: uuid.UUID) -> IntegrationDraft:
    """Return a draft of the workspace, or answer 404."""
    return get_object_or_404(
        IntegrationDraft.objects.select_related("workspace"),
        workspace=request.workspace,
        public_id=draft_id,
    )


def integration_of(draft: IntegrationDraft) -> Integration | None:
    """Return the integration that came of a draft, if it is still there."""
    if not drafts.is_done(draft):
        return None
    return (
        Integration.objects.filter(
            workspace=draft.workspace_id,
            directory__key=draft.check_result["integration"],
        )
        .select_related("directory")
        .first()
    )


def finished(draft: IntegrationDraft) -> HttpResponse | None:
    """Lead on from a draft that became an integration."""
    if not drafts.is_done(draft):
        return None
    integration = integration_of(draft)
    if integration is None:
        return redirect("integrations:list")
    return redirect("integrations:connected_services", integration.directory.key)


def page(
    request: WorkspaceRequest,
    name: str,
    draft: IntegrationDraft | None,
    form: Form | None,
    *,
    current: str,
    **context: Any,
) -> HttpResponse:
    """Render a step; a form with errors answers 422."""
    problem = draft.check_result.get("problem") if draft else None
    return render(
        request,
        f"integrations/new/{name}.html",
        {
            **context,
            "form": form,
            "draft": draft,
            "stepper": stepper(draft, current),
            "problem": problem if problem and problem["mend"] == current else None,
            "back_url": _back_url(draft, current),
        },
        status=422 if form is not None and form.is_bound and form.errors else 200,
    )


def _back_url(draft: IntegrationDraft | None, current: str) -> str:
    keys = [key for key, _, _ in _STEPS]
    before = keys.index(current) - 1
    if draft is None or before < 0:
        return reverse("integrations:list")
    return reverse(URL_OF[keys[before]], args=[draft.public_id])


def stepper(draft: IntegrationDraft | None, current: str) -> list[dict[str, Any]]:
    """Return each step with its page, and whether it is done, current or next."""
    done = draft.answers.get("steps", []) if draft else []
    return [
        {
            "label": label,
            "state": (
                "current" if key == current else "done" if key in done else "next"
            ),
            "url": reverse(url_name, args=[draft.public_id]) if draft else "",
        }
        for key, label, url_name in _STEPS
    ]
