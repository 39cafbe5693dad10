"""What **Members** does about people whom the IdP provisions."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import break_glass, invitations
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.models import Membership
from workspaces.permissions import Permission, WorkspaceRequest, requires

_PAGE = "workspaces:members"


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_OWNERS)
def break_glass_account(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Ask, then mark a member as break-glass account, or unmark one."""
    membership = _membership(request, membership_id)
    on = not membership.is_break_glass
    if request.method == "POST":
        # A form that is sent twice says the same twice.
        on = request.POST.get("on", "yes") == "yes"
        try:
            break_glass.mark(membership, on=on, by=request.membership)
        except MemberError as error:
            messages.error(request, error.message)
        else:
            what = "is a break-glass account" if on else "is no break-glass account"
            messages.success(request, f"{membership.user} {what} now.")
        return redirect(_PAGE)
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"workspaces/break_glass.html{part}",
        {"member": membership, "on": on, "cancel_url": reverse(_PAGE)},
    )


@require_POST
@requires(Permission.MANAGE_MEMBERS)
def invite(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Send a member who cannot sign in the link by which they make a way in."""
    membership = _membership(request, membership_id)
    if not invitations.lack_way_in([membership]):
        messages.info(request, f"{membership.user} needs no invitation.")
        return redirect(_PAGE)
    try:
        invitations.send_way_in(membership, by=request.membership, now=database_now())
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{membership.user.email} gets a link.")
    return redirect(_PAGE)


def _membership(request: WorkspaceRequest, membership_id: int) -> Membership:
    return get_object_or_404(
        Membership.objects.in_workspace(request.workspace), pk=membership_id
    )
