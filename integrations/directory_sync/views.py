"""**Workspace Configuration**: the tab **IDP Settings**."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from integrations.directory_sync.forms import RulesForm, TeamRoleForm
from integrations.watching.panel import watch_panel
from scim import recent
from scim.models import RequestRecord
from tokens.oauth.panel import panel as oauth_panel
from tokens.panel import listed, panel
from workspaces import configuration, directory_sync, teams
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.models import Directory, DirectorySync, Membership, Role, Team
from workspaces.pages import Pill, page_of
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

TAB = "IDP Settings"
_PAGE = "directory_sync:idp_settings"
_PERIOD = timedelta(hours=24)


@require_GET
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def settings(request: WorkspaceRequest) -> HttpResponse:
    """Open **Workspace Configuration** at its first tab."""
    return redirect(_PAGE)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_DIRECTORY_SYNC)
def idp_settings(request: WorkspaceRequest) -> HttpResponse:
    """Show the IdP and Directory Sync, and change the rules for provisioned members."""
    sync = directory_sync.of(request.workspace)
    if request.method == "POST":
        if sync is None:
            messages.info(request, "Directory Sync is not set up. Add a domain first.")
            return redirect("directory_sync:provisioning")
        form = RulesForm(request.POST)
        if form.is_valid():
            try:
                changed = directory_sync.change_rules(
                    sync, form.rules(), by=request.membership
                )
            except MemberError as error:
                form.add_error("default_role", error.message)
            else:
                said = "Saved." if changed else "Nothing was changed."
                messages.success(request, said)
                return redirect(_PAGE)
        return _page(request, sync, form, status=422)
    return _page(request, sync, RulesForm.of(sync) if sync else None)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_MEMBERS)
def team_role(request: WorkspaceRequest, public_id: str) -> HttpResponse:
    """Ask which role a team gives, and give it to its members."""
    team = get_object_or_404(
        Team.objects.filter(workspace=request.workspace), public_id=public_id
    )
    form = TeamRoleForm(request.POST if request.method == "POST" else None, team=team)
    if form.is_valid():
        try:
            count = teams.give_role(team, form.chosen(), by=request.membership)
        except MemberError as error:
            form.add_error("role", error.message)
        else:
            noun = "member has" if count == 1 else "members have"
            messages.success(request, f"Saved. {count} {noun} another role now.")
            return _back(request)
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"directory_sync/team_role.html{part}",
        {
            "team": team,
            "member_count": team.members.count(),
            "form": form,
            "cancel_url": reverse(_PAGE),
        },
        status=422 if form.errors else 200,
    )


def _page(
    request: WorkspaceRequest,
    sync: DirectorySync | None,
    form: RulesForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    directory = directory_sync.directory_of(request.workspace)
    now = database_now()
    tokens = listed(directory, now)
    can_manage = can(request.membership, Permission.MANAGE_TOKENS)
    page = page_of(request, _teams(request))
    context = {
        "tabs": configuration.tabs_for(request, current=TAB),
        "sync": sync,
        "turned_off": None if sync else directory_sync.turned_off(request.workspace),
        "form": form,
        "idp": _idp(directory, now),
        "people": _people(request),
        "scim_url": directory.base_url,
        "panel": panel(directory, tokens, can_manage=can_manage, now=now),
        "oauth": oauth_panel(directory, tokens, can_manage=can_manage, now=now),
        "rule_url": reverse("tokens:reveal_rule", args=[directory.key])
        if can(request.membership, Permission.MANAGE_POLICY)
        else None,
        "watch": watch_panel(directory, directory, can_manage=can_manage, now=now)
        if sync
        else None,
        "page_obj": page,
        "teams": [_team(team) for team in page],
        "can_give_roles": can(request.membership, Permission.MANAGE_MEMBERS),
    }
    return render(request, "directory_sync/idp_settings.html", context, status=status)


@dataclass(frozen=True, slots=True)
class Idp:
    """Who calls the directory, and how it goes."""

    name: str
    dialect: str
    last: recent.Call | None
    requests: int
    refused: int

    @property
    def health(self) -> Pill:
        """The last request decides; without one in a day nobody knows."""
        if self.last is None or not self.requests:
            return Pill("Unknown", "neutral", "circle-question-mark")
        if self.last.is_refused:
            return Pill("Needs attention", "warning")
        return Pill("Active", "success")


def _idp(directory: Directory, now: datetime) -> Idp:
    calls = recent.calls(directory, limit=1)
    counted = RequestRecord.objects.filter(
        directory=directory, at__gte=now - _PERIOD
    ).aggregate(requests=Count("pk"), refused=Count("pk", filter=Q(status__gte=400)))
    last = calls[0] if calls else None
    name = recent.idp_of(directory) or (last.caller if last else "")
    is_auto = directory.dialect == Directory.Dialect.AUTO
    return Idp(
        name=name or ("Not recognised" if last else "Not known before it calls"),
        dialect="Recognised from its requests"
        if is_auto
        else directory.get_dialect_display(),
        last=last,
        **counted,
    )


def _people(request: WorkspaceRequest) -> dict[str, int]:
    rows = Membership.objects.filter(
        workspace=request.workspace, resource_id__isnull=False
    )
    return rows.aggregate(
        active=Count("pk", filter=Q(is_active=True)),
        deactivated=Count("pk", filter=Q(is_active=False)),
    )


def _teams(request: WorkspaceRequest) -> Any:
    return (
        Team.objects.filter(workspace=request.workspace)
        .annotate(member_count=Count("members"))
        .order_by("name", "id")
    )


def _team(team: Team) -> dict[str, Any]:
    return {
        "name": team.name,
        "member_count": team.member_count,  # type: ignore[attr-defined]
        "role": Role(team.role).label if team.role else "",
        "role_url": reverse("directory_sync:team_role", args=[team.public_id]),
    }


def _back(request: WorkspaceRequest) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse(_PAGE))
    return redirect(_PAGE)
