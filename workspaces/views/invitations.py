"""Join a workspace by the link of an invitation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from workspaces import invitations
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.forms import NewAccountForm, PasswordForm
from workspaces.middleware import SESSION_KEY
from workspaces.models import Invitation, Membership, Role, User
from workspaces.models.user import email_key

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is offered, and take it.

    Who has an account signs in first; who has none makes one here.
    """
    invitation = invitations.find(token, now=database_now())
    if invitation is None:
        return render(request, "workspaces/invitation_over.html", status=404)
    if isinstance(request.user, User):
        return _as_person(request, invitation, request.user)
    if invitations.person_without_password(invitation) is not None:
        return _as_provisioned(request, invitation)
    if User.objects.filter(email_key=invitation.email_key).exists():
        return _page(request, invitation, "sign_in")
    return _as_new(request, invitation)


def _as_person(
    request: HttpRequest, invitation: Invitation, user: User
) -> HttpResponse:
    if email_key(user.email) != invitation.email_key:
        return _page(request, invitation, "other_person")
    if request.method == "GET":
        return _page(request, invitation, "join")
    try:
        membership = invitations.accept_as(invitation, user, now=database_now())
    except MemberError:
        return render(request, "workspaces/invitation_over.html", status=404)
    return _welcome(request, membership)


def _as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    is_post = request.method == "POST"
    form = NewAccountForm(request.POST if is_post else None, email=invitation.email)
    if is_post and form.is_valid():
        try:
            membership = invitations.accept_as_new(
                invitation,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                now=database_now(),
            )
        except MemberError as error:
            form.add_error(None, error.message)
        else:
            login(request, membership.user, backend=_BACKEND)
            return _welcome(request, membership)
    return _page(request, invitation, "new", form=form, status=422 if is_post else 200)


def _as_provisioned(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    is_post = request.method == "POST"
    form = PasswordForm(request.POST if is_post else None, email=invitation.email)
    if is_post and form.is_valid():
        try:
            membership = invitations.accept_as_provisioned(
                invitation,
                password=form.cleaned_data["password"],
                now=database_now(),
            )
        except MemberError:
            return render(request, "workspaces/invitation_over.html", status=404)
        login(request, membership.user, backend=_BACKEND)
        return _welcome(request, membership)
    status = 422 if is_post else 200
    return _page(request, invitation, "provisioned", form=form, status=status)


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    request.session[SESSION_KEY] = membership.workspace.slug
    messages.success(
        request,
        f"You are a member of {membership.workspace.name}. "
        f"Your role is {Role(membership.role).label}.",
    )
    return redirect("home")


def _page(
    request: HttpRequest,
    invitation: Invitation,
    way: str,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    context |= {
        "way": way,
        "invitation": invitation,
        "role": Role(invitation.role).label,
        "invited_by": invitation.invited_by,
    }
    return render(request, "workspaces/accept_invitation.html", context, status=status)
