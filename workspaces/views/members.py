"""The **Members** page: who is here, as what, and who is invited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from workspaces import belongings, factors, invitations, members
from workspaces.clock import database_now
from workspaces.confirmable import CHANGE_MEMBER, Subject
from workspaces.errors import MemberError
from workspaces.forms import InvitationForm, RoleForm
from workspaces.models import Invitation, Job, Membership, Role
from workspaces.pages import Pill, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires
from workspaces.ranks import rank
from workspaces.step_up import recent_confirmation
from workspaces.views.factor_reset import reset_url

_PAGE = "workspaces:members"


def _subject(request: WorkspaceRequest, membership_id: int) -> Subject:
    """Return what a confirmation is about: the member."""
    membership = _membership(request, membership_id)
    return Subject(str(membership.pk), str(membership.user))


@require_GET
@requires(Permission.VIEW_MEMBERS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List members and open invitations."""
    query = search_text(request)
    rows = (
        Membership.objects.in_workspace(request.workspace)
        .select_related("role_team")
        .order_by("user__email_key")
    )
    if query:
        rows = rows.filter(user__name__icontains=query) | rows.filter(
            user__email_key__icontains=query
        )
    page = page_of(request, rows)
    owners = members.owner_count(request.workspace)
    shut_out = invitations.lack_way_in(list(page))
    second_steps = factors.held_by(row.user for row in page)
    may_manage = can(request.membership, Permission.MANAGE_MEMBERS)
    return render(
        request,
        "workspaces/members.html",
        {
            "members": [
                _member(row, request, owners=owners, lacks_way_in=row.pk in shut_out)
                | {"second_steps": second_steps[row.user_id]}
                for row in page
            ],
            "page_obj": page,
            "query": query,
            "invitations": _invitations(request) if may_manage else [],
            "can_manage": may_manage,
        },
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_MEMBERS)
def invite(request: WorkspaceRequest) -> HttpResponse:
    """Ask whom to invite, and put the email off."""
    roles = members.grantable_roles(request.membership)
    form = InvitationForm(
        request.POST if request.method == "POST" else None,
        roles=roles,
        initial={"role": Role.ADMIN},
    )
    if request.method == "POST" and form.is_valid():
        try:
            invitation = invitations.invite(
                form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                by=request.membership,
                now=database_now(),
            )
        except MemberError as error:
            form.add_error("email", error.message)
        else:
            messages.success(request, f"{invitation.email} is invited. {_mail_note()}")
            return _back(request)
    return _form(request, "workspaces/invite.html", form)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_MEMBERS)
@recent_confirmation(CHANGE_MEMBER.name, _subject)
def change_role(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Ask for a member's new role, and give it."""
    membership = _membership(request, membership_id)
    form = RoleForm(
        request.POST if request.method == "POST" else None,
        roles=members.grantable_roles(request.membership),
        initial={"role": membership.role},
    )
    if request.method == "POST" and form.is_valid():
        role: Role = form.cleaned_data["role"]
        try:
            members.change_role(membership, role=role, by=request.membership)
        except MemberError as error:
            form.add_error("role", error.message)
        else:
            messages.success(request, f"{membership.user} is now {role.label}.")
            return _back(request)
    return _form(
        request,
        "workspaces/change_role.html",
        form,
        member=membership,
        at_stake=belongings.at_stake(membership, Role.MEMBER),
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_MEMBERS)
@recent_confirmation(CHANGE_MEMBER.name, _subject)
def remove(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Ask, then take a member out of the workspace."""
    membership = _membership(request, membership_id)
    return _end(request, membership, done=f"{membership.user} is no member any more.")


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW_MEMBERS)
def leave(request: WorkspaceRequest) -> HttpResponse:
    """Ask, then let a member go."""
    workspace = request.workspace
    return _end(request, request.membership, done=f"You left {workspace.name}.")


@require_http_methods(["POST"])
@requires(Permission.MANAGE_MEMBERS)
def resend_invitation(request: WorkspaceRequest, public_id: str) -> HttpResponse:
    """Send an invitation again, with a new link."""
    invitation = _invitation(request, public_id)
    try:
        invitations.renew(invitation, by=request.membership, now=database_now())
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{invitation.email} gets a new link. {_mail_note()}")
    return redirect(_PAGE)


@require_http_methods(["POST"])
@requires(Permission.MANAGE_MEMBERS)
def revoke_invitation(request: WorkspaceRequest, public_id: str) -> HttpResponse:
    """End an invitation: its link stops working."""
    invitation = _invitation(request, public_id)
    try:
        invitations.revoke(invitation, by=request.membership, now=database_now())
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The invitation of {invitation.email} is revoked.")
    return redirect(_PAGE)


def _end(
    request: WorkspaceRequest, membership: Membership, *, done: str
) -> HttpResponse:
    if request.method == "POST":
        try:
            members.remove(membership, by=request.membership)
        except MemberError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, done)
            if membership.pk == request.membership.pk:
                return redirect("home")
        return redirect(_PAGE)
    part = "#dialog" if request.htmx else ""
    context = {
        "member": membership,
        "is_own": membership.pk == request.membership.pk,
        "cancel_url": reverse(_PAGE),
        "at_stake": belongings.at_stake(membership, None),
    }
    return render(request, f"workspaces/remove_member.html{part}", context)


def _form(
    request: WorkspaceRequest, template: str, form: RoleForm, **context: Any
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        template + part,
        {"form": form, "cancel_url": reverse(_PAGE), **context},
        status=422 if form.is_bound else 200,
    )


def _back(request: WorkspaceRequest) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse(_PAGE))
    return redirect(_PAGE)


def _membership(request: WorkspaceRequest, membership_id: int) -> Membership:
    return get_object_or_404(
        Membership.objects.in_workspace(request.workspace), pk=membership_id
    )


def _invitation(request: WorkspaceRequest, public_id: str) -> Invitation:
    return get_object_or_404(
        Invitation.objects.in_workspace(request.workspace).open(), public_id=public_id
    )


def _mail_note() -> str:
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return f"The email is written to {settings.EMAIL_FILE_PATH}, not sent."
    return "The link in the email works for 7 days."


def _member(
    row: Membership, request: WorkspaceRequest, *, owners: int, lacks_way_in: bool
) -> dict[str, Any]:
    is_own = row.pk == request.membership.pk
    may_manage = can(request.membership, Permission.MANAGE_MEMBERS)
    fixed = members.why_fixed(row, by=request.membership, owners=owners)
    above = rank(row.role) > rank(request.membership.role)
    role_url = reverse("workspaces:change_role", args=[row.pk])
    remove_url = reverse("workspaces:remove_member", args=[row.pk])
    return {
        "id": row.pk,
        "name": str(row.user),
        "email": row.user.email if row.user.name else "",
        "role": Role(row.role).label,
        "is_own": is_own,
        "is_active": row.user.is_active and row.is_active,
        "team": row.role_team.name if row.role_team else "",
        "is_break_glass": row.is_break_glass,
        "is_provisioned": members.is_managed(row),
        "break_glass_url": reverse("workspaces:break_glass", args=[row.pk])
        if can(request.membership, Permission.MANAGE_OWNERS)
        else None,
        "invite_url": reverse("workspaces:invite_provisioned", args=[row.pk])
        if may_manage and lacks_way_in and not above
        else None,
        "reset_url": reset_url(row, by=request.membership) if may_manage else None,
        "last_seen_at": row.user.last_login,
        "since": row.created_at,
        "fixed": fixed,
        "has_menu": may_manage or is_own,
        "role_url": role_url if may_manage and not fixed else None,
        "remove_url": remove_url
        if may_manage and not fixed and not is_own and not members.is_managed(row)
        else None,
        "leave_url": reverse("workspaces:leave")
        if is_own and not fixed and not members.is_managed(row)
        else None,
    }


def _invitations(request: WorkspaceRequest) -> list[dict[str, Any]]:
    """Return the open invitations, with how their e-mails fare: two queries."""
    rows = list(
        Invitation.objects.in_workspace(request.workspace)
        .open()
        .select_related("invited_by")[:200]
    )
    unsent = [str(row.public_id) for row in rows if row.sent_at is None]
    errors = dict(
        Job.objects.filter(
            workspace=request.workspace, kind=invitations.JOB, subject__in=unsent
        )
        .exclude(error="")
        .order_by("id")
        .values_list("subject", "error")
    )
    now = database_now()
    grantable = members.grantable_roles(request.membership)
    return [
        {
            "id": row.public_id,
            "email": row.email,
            "role": Role(row.role).label,
            "invited_by": str(row.invited_by or "Keyway"),
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "state": _state(row, errors.get(str(row.public_id), ""), now),
            "error": errors.get(str(row.public_id), ""),
            "can_manage": row.role in grantable,
        }
        for row in rows
    ]


def _state(row: Invitation, error: str, now: datetime) -> Pill:
    if not row.is_open(now):
        return Pill("Expired", "warning")
    if row.sent_at is not None:
        return Pill("Pending", "info", "mail")
    return Pill("Retrying", "warning") if error else Pill("Queued", "info", "clock")
