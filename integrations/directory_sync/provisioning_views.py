"""**SCIM Users Provisioning**: domains, the token that is shown once, invites.

The value of a token is in the answer to the POST that made it and nowhere else.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integrations.directory_sync import provisioning
from integrations.directory_sync.forms import DomainsForm, InvitesForm
from tokens import confirmed, services
from tokens.errors import TokenExists, TokenNotActive, TokenReplaced
from tokens.models import ScimToken
from tokens.panel import AGAIN, listed, panel
from tokens.services import IssuedToken
from workspaces import configuration, directory_sync, domains
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.domains import Added
from workspaces.models import Directory, DirectorySync, EmailDomain, Job
from workspaces.pages import Pill
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation

TAB = "SCIM Users Provisioning"
_PAGE = "directory_sync:provisioning"


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show domains, token and invites; add domains, which shows the first token."""
    if request.method == "GET":
        if request.htmx:
            return _polled(request)
        return _page(request, DomainsForm())
    form = DomainsForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    covered = provisioning.cover(
        request.workspace,
        form.cleaned_data["domains"],
        actor=request.user,
        now=database_now(),
    )
    if covered.issued is not None:
        return _page(request, DomainsForm(), issued=covered.issued)
    messages.success(request, _told(covered.added))
    return redirect(_PAGE)


@never_cache
@require_POST
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def generate(request: WorkspaceRequest) -> HttpResponse:
    """Make a token where there is none that works, and show it, this once."""
    sync = directory_sync.of(request.workspace)
    if sync is None:
        return _not_on(request)
    directory = directory_sync.directory_of(request.workspace)
    try:
        issued = services.generate_first(
            directory, actor=request.user, now=database_now()
        )
    except TokenExists:
        return _shown_before(request)
    return _page(request, DomainsForm(), issued=issued)


def _refreshed(request: WorkspaceRequest) -> Subject:
    """Return what a confirmation of a refresh is about: the token that stops."""
    directory = directory_sync.directory_of(request.workspace)
    token = _posted(request, directory)
    if token is None and (current := _current(directory)) is not None:
        token = ScimToken.objects.get(directory=directory, key=current["key"])
    if token is None:
        # There is nothing to replace: the view says so.
        return Subject(directory.key, str(directory))
    return confirmed.replaced(token)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def refresh(request: WorkspaceRequest) -> HttpResponseBase:
    """Warn that the present token stops at once; **Continue** replaces it."""
    if request.method == "POST":
        return _continue(request)
    directory = directory_sync.directory_of(request.workspace)
    current = _current(directory)
    if directory_sync.of(request.workspace) is None or current is None:
        return _not_on(request)
    part = "#dialog" if request.htmx else ""
    context = {"token": current, "cancel_url": reverse(_PAGE)}
    return render(request, f"directory_sync/refresh.html{part}", context)


@recent_confirmation(confirmed.REPLACE.name, _refreshed)
def _continue(request: WorkspaceRequest) -> HttpResponse:
    directory = directory_sync.directory_of(request.workspace)
    old = _posted(request, directory)
    if directory_sync.of(request.workspace) is None or old is None:
        return _not_on(request)
    try:
        issued = provisioning.refresh(
            directory, old, actor=request.user, now=database_now()
        )
    except (TokenReplaced, TokenNotActive):
        # The answer was reloaded, or somebody else was quicker.
        return _shown_before(request)
    return _page(request, DomainsForm(), issued=issued, is_refresh=True)


def _posted(request: WorkspaceRequest, directory: Directory) -> ScimToken | None:
    """Return the token that the form names, None if the directory has no such one."""
    key = request.POST.get("token", "").replace("\x00", "")[:32]
    return ScimToken.objects.filter(directory=directory, key=key).first()


@require_POST
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def invites(request: WorkspaceRequest) -> HttpResponse:
    """Turn **Send Email Invites** on or off."""
    sync = directory_sync.of(request.workspace)
    if sync is None:
        return _not_on(request)
    form = InvitesForm(request.POST)
    form.full_clean()
    on = bool(form.cleaned_data["sends_invites"])
    if directory_sync.send_invites(sync, on=on, actor=request.user):
        messages.success(
            request,
            "Users whom your IdP creates get an invite."
            if on
            else "Users whom your IdP creates get no invite.",
        )
    return redirect(_PAGE)


@require_POST
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def check_domain(request: WorkspaceRequest, public_id: str) -> HttpResponse:
    """Put off the look-up of a domain's TXT record."""
    domain = _domain(request, public_id)
    domains.request_check(domain, actor=request.user, now=database_now())
    return redirect(_PAGE)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def delete_domain(request: WorkspaceRequest, public_id: str) -> HttpResponse:
    """Ask, then take a domain off the list."""
    domain = _domain(request, public_id)
    if request.method == "POST":
        domains.delete(domain, actor=request.user)
        messages.success(request, f"{domain.name} is no longer listed.")
        return redirect(_PAGE)
    part = "#dialog" if request.htmx else ""
    context = {"domain": domain, "cancel_url": reverse(_PAGE)}
    return render(request, f"directory_sync/delete_domain.html{part}", context)


def _page(
    request: WorkspaceRequest,
    form: DomainsForm,
    *,
    issued: IssuedToken | None = None,
    is_refresh: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Show the page; `issued` is a token of this very request."""
    sync = directory_sync.of(request.workspace)
    directory = directory_sync.directory_of(request.workspace)
    context = {
        "tabs": configuration.tabs_for(request, current=TAB),
        "page_url": reverse(_PAGE),
        "sync": sync,
        "turned_off": None if sync else directory_sync.turned_off(request.workspace),
        "form": form,
        "invites_form": _invites_form(sync),
        "scim_url": directory.base_url,
        "issued": issued,
        "is_refresh": is_refresh,
        "current": _current(directory),
        "reveals": directory.reveal_rule == AGAIN,
        **_domains(request),
    }
    return render(request, "directory_sync/provisioning.html", context, status=status)


def _polled(request: WorkspaceRequest) -> HttpResponse:
    """Answer a page that waits for a look-up; 286 would stop it, so does no trigger."""
    return render(
        request,
        "directory_sync/provisioning.html#domains",
        {"page_url": reverse(_PAGE), **_domains(request)},
    )


def _domains(request: WorkspaceRequest) -> dict[str, Any]:
    rows = list(EmailDomain.objects.filter(workspace=request.workspace))
    waiting = set(
        Job.objects.filter(
            workspace=request.workspace, kind=domains.JOB, state__in=Job.OPEN
        ).values_list("subject", flat=True)
    )
    shown = [_row(domain, waiting) for domain in rows]
    return {"domains": shown, "is_checking": any(row["is_checking"] for row in shown)}


def _row(domain: EmailDomain, waiting: set[str]) -> dict[str, Any]:
    is_checking = str(domain.public_id) in waiting
    return {
        "id": domain.public_id,
        "name": domain.name,
        "is_proven": domain.proven_at is not None,
        "is_checking": is_checking,
        "state": _state(domain, is_checking=is_checking),
        "record_name": domain.record_name,
        "record_value": domain.record_value,
        "finding": "" if domain.proven_at else domain.finding,
        "checked_at": domain.checked_at,
        "check_url": reverse("directory_sync:check_domain", args=[domain.public_id]),
        "delete_url": reverse("directory_sync:delete_domain", args=[domain.public_id]),
    }


def _state(domain: EmailDomain, *, is_checking: bool) -> Pill:
    if domain.proven_at is not None:
        return Pill("Proven", "success")
    if is_checking:
        return Pill("Checking", "info")
    return Pill("Not proven", "warning")


def _invites_form(sync: DirectorySync | None) -> InvitesForm:
    return InvitesForm(initial={"sends_invites": sync.sends_invites if sync else True})


def _current(directory: Directory) -> dict[str, Any] | None:
    """Return the token that **Refresh** is about, as the token panel describes it."""
    now = database_now()
    found: dict[str, Any] | None = panel(
        directory, listed(directory, now), can_manage=True, now=now
    )["current"]
    return found


def _told(added: Added) -> str:
    if not added.new:
        return f"{_joined(added.known)}: listed already."
    return f"{_joined([domain.name for domain in added.new])}: added."


def _joined(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" * (len(names) > 10))


def _shown_before(request: WorkspaceRequest) -> HttpResponse:
    messages.info(
        request, "This token was already shown. If it is lost, refresh it again."
    )
    return redirect(_PAGE)


def _not_on(request: WorkspaceRequest) -> HttpResponse:
    messages.info(request, "Provisioning is not enabled. Add a domain first.")
    return redirect(_PAGE)


def _domain(request: WorkspaceRequest, public_id: str) -> EmailDomain:
    return get_object_or_404(
        EmailDomain.objects.filter(workspace=request.workspace), public_id=public_id
    )
