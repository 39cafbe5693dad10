"""Turn Directory Sync off, and on again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from integrations.directory_sync import provisioning
from integrations.directory_sync.forms import TurnOffForm
from tokens.models import ScimToken
from tokens.oauth import endings
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.errors import MemberError
from workspaces.models import DirectorySync, Membership, Team
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation
from workspaces.sync_ending import Ended

_PAGE = "directory_sync:idp_settings"


def _subject(request: WorkspaceRequest) -> Subject:
    """Return what a confirmation is about: the workspace's own directory."""
    directory = directory_sync.directory_of(request.workspace)
    return Subject(directory.key, "Directory Sync")


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def turn_off(request: WorkspaceRequest) -> HttpResponse:
    """Say what happens and ask, then turn Directory Sync off."""
    if directory_sync.of(request.workspace) is None:
        messages.info(request, "Directory Sync is off.")
        return redirect(_PAGE)
    return _turn_off(request)  # type: ignore[return-value]


@recent_confirmation(provisioning.TURN_OFF.name, _subject)
def _turn_off(request: WorkspaceRequest) -> HttpResponse:
    form = TurnOffForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            ended = provisioning.turn_off(
                request.workspace,
                fate=form.cleaned_data["fate"],
                by=request.membership,
                now=database_now(),
            )
        except MemberError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _told(ended))
        if request.htmx:
            return HttpResponseClientRedirect(reverse(_PAGE))
        return redirect(_PAGE)
    return _ask(request, form)


@require_POST
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def turn_on(request: WorkspaceRequest) -> HttpResponse:
    """Turn Directory Sync on again; the page then leads to the token."""
    provisioning.turn_on_again(
        request.workspace, actor=request.user, now=database_now()
    )
    if directory_sync.of(request.workspace) is not None:
        messages.success(
            request, "Directory Sync is on. Your IdP needs a token to provision."
        )
    return redirect("directory_sync:provisioning")


def _ask(request: WorkspaceRequest, form: TurnOffForm) -> HttpResponse:
    workspace, now = request.workspace, database_now()
    sync = DirectorySync.objects.get(workspace=workspace)
    directory = directory_sync.directory_of(workspace)
    part = "#dialog" if request.htmx else ""
    context = {
        "form": form,
        "members": Membership.objects.in_workspace(workspace)
        .filter(resource_id__isnull=False, is_active=True)
        .count(),
        "teams": Team.objects.filter(workspace=workspace).count(),
        "tokens": ScimToken.objects.of_directory(directory).live(now),
        "oauth_names": [o.name for o in endings.live_openers(directory)],
        "goes_on": sync.hands_over,
        "cancel_url": reverse(_PAGE),
    }
    status = 422 if form.is_bound else 200
    return render(
        request, f"directory_sync/turn_off.html{part}", context, status=status
    )


def _told(ended: Ended) -> str:
    what = f"{ended.stayed} members stay"
    if ended.deactivated:
        what += f", {ended.deactivated} are deactivated"
    return f"Directory Sync is off. {what}; {ended.teams} teams are deleted."
