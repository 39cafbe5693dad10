"""What the pages of OAuth clients and of trust share, and **Revoke**, which is one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tokens import confirmed
from tokens.errors import TokenError
from tokens.holders import holder_of
from tokens.models import IdpTrust, OAuthClient
from tokens.oauth import endings
from tokens.oauth.panel import page_of
from tokens.views import directory_or_404, opener_or_404
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation

Kind = type[OAuthClient] | type[IdpTrust]


def new_subject(request: WorkspaceRequest, directory_key: str) -> Subject:
    """Return what a confirmation to let something in is about: the directory."""
    directory = directory_or_404(request, directory_key)
    return Subject(directory.key, holder_of(directory).name)


def subject_of(
    request: WorkspaceRequest, directory_key: str, key: str, kind: Kind
) -> Subject:
    """Return what a confirmation of a change is about: the client or the trust."""
    opener = opener_or_404(request, kind, directory_key, key)
    return Subject(opener.key, str(opener))


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.REVOKE.name, subject_of)
def revoke(
    request: WorkspaceRequest, directory_key: str, key: str, kind: Kind
) -> HttpResponse:
    """Ask, then end a client or a trust with all that it holds."""
    opener = opener_or_404(request, kind, directory_key, key)
    if request.method != "POST":
        context = {"opener": opener, "cancel_url": page_of(opener)}
        return asked(request, opener.directory, "revoke.html", context)
    try:
        endings.revoke(opener, actor=request.user, now=database_now())
    except TokenError as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"{opener.name} is revoked. It opens nothing now.")
    return redirect(holder_of(opener.directory).url)


def asked(
    request: WorkspaceRequest,
    directory: Directory,
    template: str,
    context: dict[str, Any],
) -> HttpResponse:
    """Show a page or a dialog that asks; 422 if its form came back with errors."""
    holder = holder_of(directory)
    part = "#dialog" if request.htmx else ""
    form = context.get("form")
    return render(
        request,
        f"tokens/oauth/{template}{part}",
        {"holder": holder, "cancel_url": holder.url, **context},
        status=422 if form is not None and form.errors else 200,
    )


def leave(request: WorkspaceRequest, url: str) -> HttpResponse:
    """Go to a page, out of a dialog too."""
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
