"""Join a workspace by the link of an invitation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import invitations
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.factors import PasskeyRefused, proof
from workspaces.forms import NewAccountForm, NewPersonForm, PasswordForm
from workspaces.middleware import SESSION_KEY
from workspaces.models import Invitation, Membership, Role, User
from workspaces.models.user import email_key
from workspaces.sign_in import BACKEND
from workspaces.views import proving

_CHALLENGE = "passkey_challenge_join"
_BY_PASSKEY = "passkey"


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is offered, and take it.

    Who has an account signs in first; who has none makes one here, with a password or
    with a passkey.
    """
    invitation = invitations.find(token, now=database_now())
    if invitation is None:
        return render(request, "workspaces/invitation_over.html", status=404)
    if isinstance(request.user, User):
        return _as_person(request, invitation, request.user)
    is_member = invitations.person_without_way_in(invitation) is not None
    if not is_member and _has_account(invitation):
        return _page(request, invitation, "sign_in")
    if request.GET.get("with") == _BY_PASSKEY:
        return _by_passkey(request, invitation, is_member=is_member)
    if is_member:
        return _as_provisioned(request, invitation)
    return _as_new(request, invitation)


@never_cache
@login_not_required
@require_POST
def begin_passkey(request: HttpRequest, token: str) -> HttpResponse:
    """Answer with what the browser is to make for whoever was invited."""
    now = database_now()
    invitation = invitations.find(token, now=now)
    if invitation is None or isinstance(request.user, User):
        raise Http404
    ceremony = invitations.begin_passkey(invitation, now=now)
    request.session[_CHALLENGE] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


def _has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email_key=invitation.email_key).exists()


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
            login(request, membership.user, backend=BACKEND)
            return _welcome(request, membership)
    return _page(request, invitation, "new", form=form, status=422 if is_post else 200)


def _by_passkey(
    request: HttpRequest, invitation: Invitation, *, is_member: bool
) -> HttpResponse:
    """Make a passkey the way in; a new person gives a name besides."""
    is_post = request.method == "POST"
    form = NewPersonForm(request.POST if is_post else None, is_known=is_member)
    if is_post and form.is_valid():
        try:
            membership, device = invitations.accept_by_passkey(
                invitation,
                name=form.cleaned_data.get("name", ""),
                challenge_id=request.session.pop(_CHALLENGE, None),
                answer=proving.answer_of(request),
                now=database_now(),
            )
        except PasskeyRefused:
            form.add_error(None, "Your browser made no passkey. Try again.")
        except MemberError as error:
            form.add_error(None, error.message)
        else:
            login(request, membership.user, backend=BACKEND)
            proof.note_factor(request, device, now=database_now())
            return _welcome(request, membership)
    status = 422 if is_post else 200
    return _page(request, invitation, "passkey", form=form, status=status)


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
        login(request, membership.user, backend=BACKEND)
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
        "token": request.resolver_match.kwargs["token"],  # type: ignore[union-attr]
    }
    return render(request, "workspaces/accept_invitation.html", context, status=status)
