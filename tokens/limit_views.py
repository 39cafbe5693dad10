"""**Limit token**, and an OAuth client or a trust: what, from where, and for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tokens import limiting
from tokens.errors import TokenNotActive
from tokens.holders import holder_of
from tokens.limit_forms import LimitForm
from tokens.limits import Limits
from tokens.models import IdpTrust, OAuthClient
from tokens.oauth.panel import page_of
from tokens.opener import Opener
from tokens.usage import Use, uses_of
from tokens.views import opener_or_404
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires

LOOK_BACK = timedelta(days=30)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def limit(
    request: WorkspaceRequest, directory_key: str, key: str, kind: type[Opener]
) -> HttpResponse:
    """Show the limits of an opener beside its use, and keep what is chosen.

    `?allow=used` fills in the addresses that used it lately, pools as ranges.
    """
    opener = opener_or_404(request, kind, directory_key, key)
    holder, now = holder_of(opener.directory), database_now()
    back_url = holder.url
    if isinstance(opener, OAuthClient | IdpTrust):
        back_url = page_of(opener)
    uses = uses_of(opener, since=now - LOOK_BACK)
    form = LimitForm(
        request.POST if request.method == "POST" else None,
        limits=opener.limits,
        learnt=[use.address for use in uses] if "allow" in request.GET else [],
    )
    if form.is_valid():
        try:
            limiting.limit(opener, form.chosen(), actor=request.user, now=now)
        except TokenNotActive as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"The limits of {opener.name} are saved.")
        return redirect(back_url)
    context = {
        "opener": opener,
        "holder": holder,
        "cancel_url": back_url,
        "form": form,
        "days": LOOK_BACK.days,
        "uses": [_described(use, opener.limits) for use in uses],
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
