"""**Limit token**: what it may do, from where, and for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tokens import services
from tokens.errors import TokenNotActive
from tokens.holders import holder_of
from tokens.limit_forms import LimitForm
from tokens.limits import Limits
from tokens.models import ScimToken
from tokens.usage import Use, uses_of
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires

LOOK_BACK = timedelta(days=30)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def limit(
    request: WorkspaceRequest, directory_key: str, token_key: str
) -> HttpResponse:
    """Show the limits of a token beside its use, and keep what is chosen.

    `?allow=used` fills in every address that used it lately.
    """
    token = get_object_or_404(
        ScimToken.objects.in_workspace(request.workspace).select_related(
            "directory__workspace", "owner__user"
        ),
        directory__key=directory_key,
        key=token_key,
    )
    now = database_now()
    uses = uses_of(token, since=now - LOOK_BACK)
    form = LimitForm(
        request.POST if request.method == "POST" else None,
        limits=token.limits,
        learnt=[use.address for use in uses] if "allow" in request.GET else [],
    )
    if form.is_valid():
        try:
            services.limit(token, form.chosen(), actor=request.user, now=now)
        except TokenNotActive as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"The limits of {token.name} are saved.")
        return redirect(holder_of(token.directory).url)
    context = {
        "token": token,
        "holder": holder_of(token.directory),
        "form": form,
        "days": LOOK_BACK.days,
        "uses": [_described(use, token.limits) for use in uses],
    }
    status = 422 if form.errors else 200
    return render(request, "tokens/limit.html", context, status=status)


def _described(use: Use, limits: Limits) -> dict[str, Any]:
    return {
        "address": use.address,
        "requests": use.requests,
        "last_at": use.last_at,
        "is_allowed": limits.covers(use.address),
    }
