"""**Service accounts**: the accounts with which Keyway works in the apps.

A password goes in and never comes out again: no page holds one.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from integrations import service_accounts
from integrations.forms.accounts import AddServiceAccountForm, ReplacePasswordForm
from integrations.models import App, IntegrationDraft, ServiceAccount
from integrations.outside import origins
from integrations.service_accounts import Check
from integrations.set_up.login_workflows import workflows
from integrations.views import timeline
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.pages import Pill, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation

_PILLS = {
    "never": Pill("Unknown", "neutral"),
    "outdated": Pill("Unknown", "neutral"),
    "running": Pill("Running", "info"),
    "passed": Pill("Active", "success"),
    "failed": Pill("Needs attention", "warning"),
}


def _subject(request: WorkspaceRequest, account_id: uuid.UUID) -> Subject:
    """Return what a confirmation of a new password is about: the account."""
    account = _account(request, account_id)
    return Subject(str(account.public_id), account.name)


@require_GET
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the service accounts of the workspace."""
    everything = ServiceAccount.objects.filter(workspace=request.workspace)
    query = search_text(request)
    found = (
        everything.select_related("app")
        .annotate(used_by=Count("integrations"))
        .order_by("name", "id")
    )
    if query:
        found = found.filter(
            Q(name__icontains=query)
            | Q(username__icontains=query)
            | Q(app__name__icontains=query)
        )
    page = page_of(request, found)
    checks = service_accounts.checks(list(page), now=database_now())
    return render(
        request,
        "integrations/service_accounts/list.html",
        {
            "accounts": [_row(account, checks[account.pk]) for account in page],
            "query": query,
            "total": everything.count(),
            "page_obj": page,
        },
    )


@never_cache
@sensitive_post_parameters("password", "token")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
def add(request: WorkspaceRequest) -> HttpResponse:
    """Save an account of an app (S0-30)."""
    draft = _draft(request)
    if request.method == "POST":
        form = AddServiceAccountForm(request.POST)
        account = _added(request, form) if form.is_valid() else None
        if account is not None:
            messages.success(request, f"{account.name} is saved.")
            return redirect(_after_adding(account, draft))
    else:
        form = AddServiceAccountForm(
            initial={
                "app": request.GET.get("app", ""),
                "base_url": _address_in(draft),
                "login_workflow": _first_login(request.GET.get("app", "")),
            }
        )
    return render(
        request,
        "integrations/service_accounts/add.html",
        {
            "form": form,
            "draft": draft,
            "workflows": workflows(),
            "cancel_url": _cancel_url(draft),
        },
        status=422 if form.is_bound else 200,
    )


@require_GET
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
def detail(request: WorkspaceRequest, account_id: uuid.UUID) -> HttpResponse:
    """Show one account, what uses it, and how its last check went."""
    account = _account(request, account_id)
    return render(
        request, "integrations/service_accounts/detail.html", _context(account)
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
@recent_confirmation(service_accounts.REPLACE_PASSWORD.name, _subject)
def replace_password(request: WorkspaceRequest, account_id: uuid.UUID) -> HttpResponse:
    """Take a new password or access token."""
    account = _account(request, account_id)
    draft = _draft(request)
    form = ReplacePasswordForm(
        request.POST if request.method == "POST" else None,
        account=account,
        origins=origins.known_for(account, *filter(None, [_address_in(draft)])),
    )
    if form.is_bound and form.is_valid():
        is_checked = service_accounts.replace_password(
            account,
            secret=form.cleaned_data["password"],
            origins=form.chosen_origins(),
            actor=request.user,
            now=database_now(),
        )
        told = " Keyway logs in with it now." if is_checked else ""
        word = account.secret_word
        messages.success(request, f"The {word} of {account.name} is replaced.{told}")
        if draft is not None:
            return redirect("integrations:draft_check", draft.public_id)
        return redirect("service_accounts:detail", account.public_id)
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"integrations/service_accounts/replace_password.html{part}",
        {"account": _facts(account), "form": form, "draft": draft},
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
def check(request: WorkspaceRequest, account_id: uuid.UUID) -> HttpResponse:
    """Ask for a log-in (POST), or tell how it goes (GET, for the page that waits)."""
    account = _account(request, account_id)
    if request.method == "POST":
        try:
            service_accounts.request_check(
                account, actor=request.user, now=database_now()
            )
        except service_accounts.NothingToCheck as error:
            messages.info(request, str(error))
    elif request.htmx:
        return render(
            request,
            "integrations/service_accounts/detail.html#check",
            _context(account),
        )
    return redirect("service_accounts:detail", account.public_id)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_SERVICE_ACCOUNTS)
def delete(request: WorkspaceRequest, account_id: uuid.UUID) -> HttpResponse:
    """Ask, then forget the account; refuse while an integration uses it."""
    account = _account(request, account_id)
    status = 200
    if request.method == "POST":
        try:
            service_accounts.delete(account, actor=request.user)
        except service_accounts.InUse:
            status = 409
        else:
            messages.success(request, f"{account.name} is deleted.")
            return redirect("service_accounts:list")
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"integrations/service_accounts/delete.html{part}",
        {"account": _facts(account), "used_by": _used_by(account)},
        status=status,
    )


def _added(
    request: WorkspaceRequest, form: AddServiceAccountForm
) -> ServiceAccount | None:
    """Save the account, or put the reason into the form."""
    cleaned = form.cleaned_data
    try:
        return service_accounts.add(
            request.workspace,
            app=cleaned["app"],
            name=cleaned["name"],
            username=cleaned["username"],
            secret=cleaned["password"] or cleaned["token"],
            base_url=cleaned["base_url"],
            actor=request.user,
            now=database_now(),
        )
    except service_accounts.NameTaken as error:
        form.add_error("name", str(error))
        return None


def _draft(request: WorkspaceRequest) -> IntegrationDraft | None:
    """Return the draft of an integration that the account is added for."""
    asked_for = request.POST.get("draft") or request.GET.get("draft") or ""
    try:
        draft_id = uuid.UUID(asked_for)
    except ValueError:
        return None
    return IntegrationDraft.objects.filter(
        workspace=request.workspace, public_id=draft_id
    ).first()


def _first_login(slug: str) -> str:
    """Return the login workflow that the app prefers, for a form not filled in yet."""
    app = App.objects.filter(slug=slug).first() if "\x00" not in slug else None
    logins = app.manifest["login_workflows"] if app else []
    return str(logins[0] if logins else ServiceAccount.LoginWorkflow.PASSWORD)


def _address_in(draft: IntegrationDraft | None) -> str:
    return str(draft.answers.get("base_url", "")) if draft else ""


def _after_adding(account: ServiceAccount, draft: IntegrationDraft | None) -> str:
    if draft is None or draft.answers.get("app") != account.app.slug:
        return reverse("service_accounts:detail", args=[account.public_id])
    return f"{_cancel_url(draft)}?account={account.public_id}"


def _cancel_url(draft: IntegrationDraft | None) -> str:
    if draft is None:
        return reverse("service_accounts:list")
    return reverse("integrations:draft_service_account", args=[draft.public_id])


def _account(request: WorkspaceRequest, account_id: uuid.UUID) -> ServiceAccount:
    """Return a service account of the workspace, or answer 404."""
    return get_object_or_404(
        ServiceAccount.objects.select_related("app", "workspace"),
        workspace=request.workspace,
        public_id=account_id,
    )


def _context(account: ServiceAccount) -> dict[str, Any]:
    now = database_now()
    return {
        "account": _facts(account),
        "used_by": _used_by(account),
        "check": _check(service_accounts.checks([account], now=now)[account.pk]),
    }


def _facts(account: ServiceAccount) -> dict[str, Any]:
    urls = {
        name: reverse(f"service_accounts:{name}", args=[account.public_id])
        for name in ("detail", "replace_password", "check", "delete")
    }
    return {
        "id": account.public_id,
        "name": account.name,
        "app_name": account.app.name,
        "login_workflow": account.get_login_workflow_display(),
        "username": account.username,
        "secret_word": account.secret_word,
        "secret_set_at": account.secret_set_at,
        "origins": account.origins,
        "created_at": account.created_at,
        "urls": urls,
    }


def _row(account: ServiceAccount, check: Check) -> dict[str, Any]:
    used_by: int = account.used_by  # type: ignore[attr-defined]
    return {**_facts(account), "used_by": used_by, "check": _check(check)}


def _check(check: Check) -> dict[str, Any]:
    return {
        "state": check.state,
        "pill": _PILLS[check.state],
        "at": _shown_at(check),
        "message": check.message,
        "calls_url": timeline.job_url(check.job) if check.job else "",
    }


def _shown_at(check: Check) -> datetime | None:
    return None if check.state == "running" else check.at


def _used_by(account: ServiceAccount) -> list[dict[str, str]]:
    return [
        {
            "name": integration.name,
            "url": reverse(
                "integrations:connected_services", args=[integration.directory.key]
            ),
        }
        for integration in account.integrations.select_related("directory")
    ]
