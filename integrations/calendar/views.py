"""**Workspace Configuration**: the tab **Calendar feed**, and the feed itself."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from integrations.calendar import entries, ical
from integrations.calendar.address import address_of
from tokens import calendar_feed
from workspaces import configuration
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.rate_limits import RateLimit
from workspaces.shown_once import ShownOnce, show

TAB = configuration.Tab(50, "Calendar feed", "calendar:page", Permission.MANAGE_TOKENS)
READS_A_SECOND = 0.5
BURST = 30
_limit = RateLimit("calendar")


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def page(request: WorkspaceRequest) -> HttpResponse:
    """Say whether the feed is on; a POST makes a new address and shows it, this once."""
    if request.method == "POST":
        return _shown(request)
    context = {
        "tabs": configuration.tabs_for(request, current=TAB.label),
        "feed": calendar_feed.feed_of(request.workspace),
    }
    return render(request, "integrations/calendar/page.html", context)


def _shown(request: WorkspaceRequest) -> HttpResponse:
    """Make a new address and show it: the only answer that holds it."""
    made = calendar_feed.generate(
        request.workspace, actor=request.user, now=database_now()
    )
    return show(
        request,
        ShownOnce(
            title="Address of the calendar",
            noun="address",
            value=address_of(made),
            advice="Subscribe to this address in your calendar now. Whoever has it can "
            "read the calendar, without logging in. A lost one must be replaced by a "
            "new one.",
            if_lost="If nobody has it, generate a new one.",
            done_url=reverse(TAB.url_name),
            where=TAB.label,
        ),
    )


@require_POST
@requires(Permission.MANAGE_TOKENS)
def turn_off(request: WorkspaceRequest) -> HttpResponse:
    """End the feed."""
    if calendar_feed.turn_off(request.workspace, actor=request.user):
        messages.success(
            request, "The calendar feed is off. Its address answers nothing now."
        )
    return redirect(TAB.url_name)


@never_cache
@login_not_required
@require_safe
def feed(request: HttpRequest, key: str) -> HttpResponse:
    """Send the calendar to whoever has its address. Anybody else finds nothing."""
    allowance = _limit.take(
        request.META.get("REMOTE_ADDR", ""), rate=READS_A_SECOND, burst=BURST
    )
    if allowance.wait:
        response = _plain(f"Too many requests. Wait {allowance.wait} s.\n", 429)
        response["Retry-After"] = str(allowance.wait)
        return response
    now = database_now()
    found = calendar_feed.find(key, request.GET.get("secret", ""), now=now)
    if found is None:
        return _plain("There is no such calendar.\n", 404)
    text = ical.calendar(
        f"Keyway: {found.workspace.name}",
        entries.entries(found.workspace, now=now),
        now=now,
    )
    response = HttpResponse(text, content_type=ical.MEDIA_TYPE)
    response["Content-Disposition"] = 'inline; filename="keyway.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


def reset() -> None:
    """Forget who read how often."""
    _limit.reset()


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
