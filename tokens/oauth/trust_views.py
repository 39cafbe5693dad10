"""Pages of the trust in an IdP that signs its own JWTs."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from tokens import confirmed
from tokens.holders import holder_of
from tokens.limits import in_words
from tokens.models import IdpTrust
from tokens.oauth import trusts
from tokens.oauth.errors import TrustExists
from tokens.oauth.forms import TrustForm
from tokens.oauth.opener_views import asked, leave, new_subject
from tokens.oauth.panel import page_of, trust_pill
from tokens.views import directory_or_404, opener_or_404
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.LET_IN.name, new_subject)
def new_trust(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Ask what the JWTs of the IdP say, then let them open the directory."""
    directory = directory_or_404(request, directory_key)
    form = TrustForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name, now = form.cleaned_data["name"], database_now()
        try:
            trust = trusts.add(
                directory, form.terms(), name=name, actor=request.user, now=now
            )
        except TrustExists as error:
            messages.info(request, str(error))
            return leave(request, holder_of(directory).url)
        messages.success(request, f"{trust.name} is trusted. Its keys are fetched.")
        return leave(request, page_of(trust))
    return asked(request, directory, "trust_new.html", {"form": form})


@require_GET
@requires(Permission.MANAGE_TOKENS)
def trust(request: WorkspaceRequest, directory_key: str, key: str) -> HttpResponse:
    """Show what a JWT must say, and which keys check it."""
    found = opener_or_404(request, IdpTrust, directory_key, key)
    context = {
        "trust": found,
        "pill": trust_pill(found),
        "limits": ", ".join(in_words(found.limits)),
        "is_live": found.revoked_at is None,
        "base_url": found.directory.base_url,
        "holder": holder_of(found.directory),
    }
    return render(request, "tokens/oauth/trust.html", context)


@require_POST
@requires(Permission.MANAGE_TOKENS)
def fetch_keys(request: WorkspaceRequest, directory_key: str, key: str) -> HttpResponse:
    """Have the worker fetch the keys of the IdP now."""
    found = opener_or_404(request, IdpTrust, directory_key, key)
    if trusts.fetch_now(found, now=database_now()):
        messages.info(
            request, "The signing keys are being fetched. Reload in a moment."
        )
    else:
        messages.info(request, "This trust has been revoked. Add another one.")
    return redirect(page_of(found))
