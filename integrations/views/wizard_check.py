"""**Test and save**: the check of a new integration, how it goes, and how it ends."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from integrations.models import Integration, IntegrationDraft, ServiceAccount
from integrations.set_up import drafts, setup_check
from integrations.views import timeline
from integrations.views.wizard_frame import (
    URL_OF,
    draft_of,
    finished,
    integration_of,
    stepper,
)
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def check(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Start the check (POST), or show how it goes (GET). S0-36 to S0-39."""
    draft = draft_of(request, draft_id)
    if request.method == "POST":
        return finished(draft) or _start_check(request, draft)
    integration = integration_of(draft)
    if integration is not None:
        return _connected(request, integration)
    context = {
        "draft": draft,
        "stepper": stepper(draft, "check"),
        "check": _check(draft),
        "can_replace": can(request.membership, Permission.MANAGE_SERVICE_ACCOUNTS),
    }
    part = "#progress" if request.htmx else ""
    return render(request, f"integrations/new/check.html{part}", context)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def stop(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """End the check and lead back to what was entered."""
    draft = draft_of(request, draft_id)
    try:
        drafts.stop_check(draft, actor=request.user, now=database_now())
    except drafts.NotRunning:
        # It ended meanwhile: its page tells how.
        return redirect(URL_OF["check"], draft.public_id)
    messages.info(
        request, "The check is stopped. Nothing was created; what you entered is kept."
    )
    return redirect(URL_OF["advanced"], draft.public_id)


def _start_check(request: WorkspaceRequest, draft: IntegrationDraft) -> HttpResponse:
    try:
        drafts.request_check(draft, actor=request.user, now=database_now())
    except drafts.Incomplete as error:
        messages.error(request, error.message)
        return redirect(URL_OF[error.step], draft.public_id)
    return redirect(URL_OF["check"], draft.public_id)


def _connected(request: WorkspaceRequest, integration: Integration) -> HttpResponse:
    """Lead to the new integration, and name the next step (S0-37, S0-71)."""
    messages.success(
        request,
        f"{integration.name} is connected. Next: generate a token, then give it to "
        "your IdP together with the SCIM Gateway URL.",
    )
    url = reverse("integrations:connected_services", args=[integration.directory.key])
    if request.htmx:
        return HttpResponseClientRedirect(url)
    return redirect(url)


def _check(draft: IntegrationDraft) -> dict[str, Any]:
    """Return the steps of the check with their outcome."""
    result = draft.check_result
    known = {step["key"]: step for step in result.get("steps", [])}
    started = result.get("started_at")
    problem = result.get("problem")
    return {
        "state": result.get("state", "none"),
        "started_at": datetime.fromisoformat(started) if started else None,
        "steps": [
            {
                "label": label,
                "state": known.get(key, {}).get("state", "waiting"),
                "detail": known.get(key, {}).get("detail", ""),
            }
            for key, label in setup_check.labels_for(drafts.app_of(draft)).items()
        ],
        "problem": problem,
        "mend_url": (
            reverse(URL_OF[problem["mend"]], args=[draft.public_id]) if problem else ""
        ),
        "calls_url": _calls_url(draft) if problem else "",
        "url": reverse(URL_OF["check"], args=[draft.public_id]),
        "stop_url": reverse("integrations:draft_stop", args=[draft.public_id]),
        "back_url": reverse(URL_OF["advanced"], args=[draft.public_id]),
        "account": _account_to_mend(draft) if problem else None,
    }


def _account_to_mend(draft: IntegrationDraft) -> ServiceAccount | None:
    """Return the chosen account, if it is still there."""
    chosen = draft.answers.get("service_account")
    accounts = ServiceAccount.objects.filter(workspace=draft.workspace_id)
    return accounts.filter(public_id=chosen).first() if chosen else None


def _calls_url(draft: IntegrationDraft) -> str:
    """Return the page of the last check's job, with what it asked the app."""
    last = drafts.last_check(draft)
    return timeline.job_url(last) if last else ""
