"""Pages of OAuth clients: add, look, generate and revoke a secret, replace keys.

A secret is shown by the answer to the POST that made it and nowhere else.
"""

from __future__ import annotations

from typing import Any

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
from tokens.limits import in_words
from tokens.models import ClientSecret, OAuthClient
from tokens.oauth import clients, endpoint
from tokens.oauth.clients import IssuedSecret
from tokens.oauth.forms import ClientForm, KeysForm
from tokens.oauth.models import MOST_SECRETS
from tokens.oauth.opener_views import asked, leave, new_subject, subject_of
from tokens.oauth.panel import client_pill, page_of
from tokens.panel import PILLS
from tokens.views import directory_or_404, opener_or_404
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.shown_once import ShownOnce, show
from workspaces.step_up import recent_confirmation


def _subject(request: WorkspaceRequest, directory_key: str, key: str) -> Subject:
    return subject_of(request, directory_key, key, OAuthClient)


def _secret_subject(
    request: WorkspaceRequest, directory_key: str, key: str, secret_key: str
) -> Subject:
    client = _client(request, directory_key, key)
    return Subject(secret_key, str(_secret(client, secret_key)))


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.LET_IN.name, new_subject)
def new_client(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Ask how a client proves itself, then add it; its secret is shown this once."""
    directory = directory_or_404(request, directory_key)
    form = ClientForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return asked(request, directory, "client_new.html", {"form": form})
    name, now = form.cleaned_data["name"], database_now()
    if form.has_secret:
        issued = clients.add_with_secret(
            directory, name=name, actor=request.user, now=now
        )
        return _shown(request, issued)
    keys = form.cleaned_data["public_key"]
    client = clients.add_with_keys(
        directory, name=name, keys=keys, actor=request.user, now=now
    )
    messages.success(request, f"{client.name} is added. Enter its values in your IdP.")
    return leave(request, page_of(client))


@require_GET
@requires(Permission.MANAGE_TOKENS)
def client(request: WorkspaceRequest, directory_key: str, key: str) -> HttpResponse:
    """Show what the IdP needs of a client, and its secrets or keys."""
    found, now = _client(request, directory_key, key), database_now()
    secrets = list(found.secrets.select_related("created_by").listed(now))
    live = [secret for secret in secrets if secret.state(now).is_live]
    context = {
        "client": found,
        "pill": client_pill(found, secrets, now),
        "limits": ", ".join(in_words(found.limits)),
        "is_live": found.revoked_at is None,
        "has_secrets": found.method == OAuthClient.Method.SECRET,
        "token_url": endpoint.token_url(found.directory),
        "metadata_url": endpoint.metadata_url(found.directory),
        "base_url": found.directory.base_url,
        "holder": holder_of(found.directory),
        "secrets": [_row(found, secret, now) for secret in secrets],
        "can_generate": found.revoked_at is None and len(live) < MOST_SECRETS,
    }
    return render(request, "tokens/oauth/client.html", context)


@never_cache
@require_POST
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.LET_IN.name, _subject, is_step=False)
def new_secret(request: WorkspaceRequest, directory_key: str, key: str) -> HttpResponse:
    """Make a second secret and show it, this once. Both work."""
    found = _client(request, directory_key, key)
    try:
        issued = clients.new_secret(found, actor=request.user, now=database_now())
    except TokenError as error:
        messages.info(request, str(error))
        return leave(request, page_of(found))
    return _shown(request, issued)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.LET_IN.name, _subject)
def keys(request: WorkspaceRequest, directory_key: str, key: str) -> HttpResponse:
    """Ask for other public keys of a client, and take them for the former ones."""
    found = _client(request, directory_key, key)
    form = KeysForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "client": found, "cancel_url": page_of(found)}
        return asked(request, found.directory, "keys.html", context)
    try:
        clients.replace_keys(
            found,
            form.cleaned_data["public_key"],
            actor=request.user,
            now=database_now(),
        )
    except TokenError as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"{found.name} has other keys now.")
    return leave(request, page_of(found))


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.REVOKE.name, _secret_subject)
def revoke_secret(
    request: WorkspaceRequest, directory_key: str, key: str, secret_key: str
) -> HttpResponse:
    """Ask, then end a secret with the access tokens that were fetched with it."""
    found = _client(request, directory_key, key)
    secret, now = _secret(found, secret_key), database_now()
    if request.method != "POST":
        others = found.secrets.live(now).exclude(pk=secret.pk).exists()
        context = {"secret": secret, "client": found, "has_other": others}
        context["cancel_url"] = page_of(found)
        return asked(request, found.directory, "revoke_secret.html", context)
    try:
        clients.revoke_secret(secret, actor=request.user, now=now)
    except TokenError as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"The secret {secret.hint} is revoked.")
    return redirect(page_of(found))


def _shown(request: WorkspaceRequest, issued: IssuedSecret) -> HttpResponse:
    """Show a secret that was made just now: the only answer that holds its value."""
    found, secret = issued.secret.client, issued.secret
    return show(
        request,
        ShownOnce(
            title="Client secret",
            noun="secret",
            value=issued.plaintext,
            advice="Copy the secret into your IdP now. Nobody can see it again: a lost "
            "secret must be replaced by a new one.",
            if_lost="If nobody has it, generate a new one and revoke this one.",
            done_url=page_of(found),
            where=found.name,
            hint=secret.hint,
            until_words="Administrators are reminded before it expires on",
            until=secret.expires_at,
            before=(("Client ID", found.key),),
            after=(
                ("Token endpoint", endpoint.token_url(found.directory)),
                ("SCIM base URL", found.directory.base_url),
            ),
        ),
    )


def _row(client: OAuthClient, secret: ClientSecret, now: Any) -> dict[str, Any]:
    state = secret.state(now)
    revoke_url = reverse(
        "oauth:revoke_secret", args=[client.directory.key, client.key, secret.key]
    )
    may_revoke = state.is_live and client.revoked_at is None
    return {
        "hint": secret.hint,
        "created_at": secret.created_at,
        "created_by": str(secret.created_by or "the command line"),
        "expires_at": secret.expires_at,
        "last_used_at": secret.last_used_at,
        "pill": PILLS[state],
        "revoke_url": revoke_url if may_revoke else None,
    }


def _client(request: WorkspaceRequest, directory_key: str, key: str) -> OAuthClient:
    return opener_or_404(request, OAuthClient, directory_key, key)


def _secret(client: OAuthClient, key: str) -> ClientSecret:
    return get_object_or_404(
        client.secrets.select_related("client", "directory__workspace"), key=key
    )
