"""Generate and revoke tokens in the browser.

A value is shown by the answer to the POST that made it and nowhere else: not in
the session, not in a message, not in a URL.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tokens import services
from tokens.errors import TokenExists, TokenNotActive
from tokens.holders import holder_of
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires


@never_cache
@require_POST
@requires(Permission.MANAGE_TOKENS)
def generate(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Make the first token of a directory and show it, this once."""
    directory = _directory(request, directory_key)
    part = "#dialog" if request.htmx else ""  # type: ignore[attr-defined]
    try:
        issued = services.generate_first(
            directory, actor=request.user, now=database_now()
        )
    except TokenExists as error:
        return render(
            request,
            f"tokens/already_shown.html{part}",
            {"existing": error.existing, "back_url": holder_of(directory).url},
            status=409,
        )
    return render(
        request,
        f"tokens/generated.html{part}",
        {
            "token": issued.token,
            "token_value": issued.plaintext,
            "gateway_url": directory.base_url,
            "done_url": holder_of(directory).url,
        },
    )


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def revoke(
    request: WorkspaceRequest, directory_key: str, token_key: str
) -> HttpResponse:
    """Ask, then end a token for good."""
    directory = _directory(request, directory_key)
    token = get_object_or_404(
        ScimToken.objects.in_workspace(request.workspace),
        directory=directory,
        key=token_key,
    )
    holder = holder_of(directory)
    if request.method == "POST":
        try:
            services.revoke(token, actor=request.user, now=database_now())
        except TokenNotActive as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"{token.name} is revoked.")
        return redirect(holder.url)
    part = "#dialog" if request.htmx else ""  # type: ignore[attr-defined]
    return render(
        request,
        f"tokens/revoke.html{part}",
        {
            "token": token,
            "user_count": holder.user_count,
            "integration_name": holder.name,
            "cancel_url": holder.url,
        },
    )


def _directory(request: WorkspaceRequest, key: str) -> Directory:
    """Return a gateway of the workspace, or answer 404.

    The token of Directory Sync is shown after a confirmation, never by this button.
    """
    return get_object_or_404(
        Directory.objects.in_workspace(request.workspace).select_related("workspace"),
        key=key,
        kind=Directory.Kind.GATEWAY,
    )
