"""**Reset second factors** of a member, for who may."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workspaces import factor_reset
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.errors import MemberError
from workspaces.models import Membership
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation

_PAGE = "workspaces:members"


def reset_url(membership: Membership, *, by: Membership) -> str | None:
    """Return where to reset a member's factors, None where there is nothing to offer."""
    had_one = membership.user.first_factor_at is not None
    is_own = membership.pk == by.pk
    if is_own or not had_one or not factor_reset.outranks(by, membership):
        return None
    return reverse("workspaces:reset_factors", args=[membership.pk])


def _subject(request: WorkspaceRequest, membership_id: int) -> Subject:
    """Return what a confirmation is about: the member."""
    membership = _membership(request, membership_id)
    return Subject(str(membership.pk), str(membership.user))


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_MEMBERS)
@recent_confirmation(factor_reset.RESET.name, _subject)
def reset(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Ask, then take every factor from a member, who sets up new ones."""
    membership = _membership(request, membership_id)
    if request.method == "POST":
        now = database_now()
        try:
            factor_reset.reset(membership, by=request.membership, now=now)
        except MemberError as error:
            messages.error(request, error.message)
        else:
            messages.success(
                request,
                f"The second factors of {membership.user} are deleted. They get an email.",
            )
        return redirect(_PAGE)
    part = "#dialog" if request.htmx else ""
    context = {
        "member": membership,
        "has_password": membership.user.has_usable_password(),
        "cancel_url": reverse(_PAGE),
    }
    return render(request, f"workspaces/reset_factors.html{part}", context)


def _membership(request: WorkspaceRequest, membership_id: int) -> Membership:
    return get_object_or_404(
        Membership.objects.in_workspace(request.workspace), pk=membership_id
    )
