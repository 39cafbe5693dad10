"""Pages of the trust in an IdP that signs its own JWTs."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from tokens import confirmed
from tokens.errors import TokenError
from tokens.holders import holder_of
from tokens.models import IdpTrust
from tokens.oauth import trusts
from tokens.oauth.errors import TrustExists
from tokens.oauth.forms import TrustForm
from tokens.oauth.panel import trust_pill
from tokens.oauth.views import leave, new_subject
from tokens.views import directory_or_404
from workspaces.clock import database_now
from workspaces.confirmations import Subject
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation


def _subject(request: WorkspaceRequest, directory_key: str, trust_key: str) -> Subject:
    trust = _trust(request, directory_key, trust_key)
    return Subject(trust.key, str(trust))


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.LET_IN.name, new_subject)
def new_trust(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Ask what the JWTs of the IdP say, then let them open the directory."""
    directory = directory_or_404(request, directory_key)
    holder = holder_of(directory)
    form = TrustForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name, now = form.cleaned_data["name"], database_now()
        try:
            trust = trusts.add(
                directory, form.terms(), name=name, actor=request.user, now=now
            )
        except TrustExists as error:
            messages.info(request, str(error))
            return leave(request, holder.url)
        messages.success(request, f"{trust.name} is trusted. Its keys are fetched.")
        return leave(request, _page_of(trust))
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"tokens/oauth/trust_new.html{part}",
        {"form": form, "holder": holder, "cancel_url": holder.url},
        status=422 if form.errors else 200,
    )


@require_GET
@requires(Permission.MANAGE_TOKENS)
def trust(
    request: WorkspaceRequest, directory_key: str, trust_key: str
) -> HttpResponse:
    """Show what a JWT must say, and which keys check it."""
    found = _trust(request, directory_key, trust_key)
    context = {
        "trust": found,
        "pill": trust_pill(found),
        "is_live": found.revoked_at is None,
        "base_url": found.directory.base_url,
        "holder": holder_of(found.directory),
    }
    return render(request, "tokens/oauth/trust.html", context)


@require_POST
@requires(Permission.MANAGE_TOKENS)
def fetch_keys(
    request: WorkspaceRequest, directory_key: str, trust_key: str
) -> HttpResponse:
    """Have the worker fetch the keys of the IdP now."""
    found = _trust(request, directory_key, trust_key)
    if trusts.fetch_now(found, now=database_now()):
        messages.info(
            request, "The signing keys are being fetched. Reload in a moment."
        )
    else:
        messages.info(request, "This trust has been revoked. Add another one.")
    return redirect(_page_of(found))


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.REVOKE.name, _subject)
def revoke(
    request: WorkspaceRequest, directory_key: str, trust_key: str
) -> HttpResponse:
    """Ask, then end the trust."""
    found = _trust(request, directory_key, trust_key)
    holder = holder_of(found.directory)
    if request.method != "POST":
        part = "#dialog" if request.htmx else ""
        context = {
            "opener": found,
            "what": "trust",
            "holder": holder,
            "cancel_url": _page_of(found),
        }
        return render(request, f"tokens/oauth/revoke.html{part}", context)
    try:
        trusts.revoke(found, actor=request.user, now=database_now())
    except TokenError as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"{found.name} is revoked. It opens nothing now.")
    return redirect(holder.url)


def _page_of(trust: IdpTrust) -> str:
    return reverse("oauth:trust", args=[trust.directory.key, trust.key])


def _trust(request: WorkspaceRequest, directory_key: str, key: str) -> IdpTrust:
    """Return a trust of the directory, or answer 404."""
    directory = directory_or_404(request, directory_key)
    return get_object_or_404(
        IdpTrust.objects.in_workspace(request.workspace).select_related(
            "directory__workspace", "created_by"
        ),
        directory=directory,
        key=key,
    )
