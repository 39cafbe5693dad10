"""The pages that only an app by hand has: its people, and the lists of its accounts."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from integrations.forms.tasks import AccountListForm, PeopleForm
from integrations.models import AccountList, Integration
from integrations.tasks import lists, mailing, services
from integrations.tasks.by_hand import is_by_hand
from integrations.views.frame import frame, get_integration, left_tabs
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires

SHOWN = 20
"""How many names of each kind the preview shows."""


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def people(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Say who does the tasks."""
    integration = _integration(request, key)
    allowed = mailing.allowed(request.workspace)
    named = integration.assignees.values_list("user", flat=True)
    is_post = request.method == "POST"
    form = PeopleForm(
        request.POST if is_post else None,
        allowed=allowed,
        initial={"people": [str(pk) for pk in named]},
    )
    if is_post and form.is_valid():
        services.assign(integration, form.chosen(), actor=request.user)
        messages.success(request, "Saved.")
        return redirect("integrations:people", key=key)
    context = frame(request, integration, current="Settings") | {
        "left_tabs": left_tabs(integration, current="People"),
        "form": form,
    }
    return render(
        request,
        "integrations/settings_people.html",
        context,
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.SYNC)
def upload(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Take a list of the app's accounts."""
    integration = _integration(request, key)
    is_post = request.method == "POST"
    form = AccountListForm(request.POST, request.FILES) if is_post else None
    if form is not None and form.is_valid():
        uploaded = lists.upload(
            integration,
            file_name=str(form.cleaned_data["file"].name),
            rows=form.accounts,
            actor=request.user,
            now=database_now(),
        )
        return redirect(
            "integrations:account_list", key=key, list_id=uploaded.public_id
        )
    context = frame(request, integration, current="Users") | {
        "form": form or AccountListForm(),
        "last": integration.account_lists.filter(imported_at__isnull=False).first(),
    }
    return render(
        request,
        "integrations/account_list_upload.html",
        context,
        status=422 if is_post else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.SYNC)
def account_list(
    request: WorkspaceRequest, key: str, list_id: uuid.UUID
) -> HttpResponse:
    """Show what an import would change (GET), and import it by a sync (POST)."""
    integration = _integration(request, key)
    uploaded = get_object_or_404(
        AccountList.objects.select_related(
            "integration__directory", "integration__workspace", "uploaded_by"
        ),
        integration=integration,
        public_id=list_id,
    )
    if request.method == "POST":
        try:
            job = lists.import_list(uploaded, actor=request.user, now=database_now())
        except lists.NotWaiting:
            messages.info(request, "This list was imported already.")
            return redirect("integrations:upload_list", key=key)
        request.session["sync"] = str(job.public_id)
        return redirect("integrations:sync_job", key=key, job_id=job.public_id)
    if uploaded.imported_at is not None:
        messages.info(request, "This list was imported already.")
        return redirect("integrations:upload_list", key=key)
    found = lists.preview(integration, uploaded.rows)
    context: dict[str, Any] = frame(request, integration, current="Users") | {
        "uploaded": uploaded,
        "accounts": len(uploaded.rows),
        "unchanged": found.unchanged,
        "parts": [
            {"label": label, "names": names[:SHOWN], "count": len(names)}
            for label, names in (
                ("New", found.new),
                ("Changed", found.changed),
                ("Not in the list any more", found.gone),
            )
        ],
    }
    return render(request, "integrations/account_list.html", context)


def _integration(request: WorkspaceRequest, key: str) -> Integration:
    """Return an integration by hand, or answer 404."""
    integration = get_integration(request, key)
    if not is_by_hand(integration.app):
        raise Http404
    return integration
