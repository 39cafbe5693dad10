"""The **Dashboard**: what needs attention, then figures, then the integrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.reports import dashboard
from integrations.reports.dashboard import Hour, Line, Overview
from integrations.reports.standing import State
from integrations.views.frame import standing_pill
from tokens.models import ClientSecret, ScimToken
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_MOST_SHOWN = 20
_WIDTH, _HEIGHT, _GAP = 720, 120, 4


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the state of the workspace."""
    now = database_now()
    overview = dashboard.overview(request.workspace, now=now)
    found = [trouble for line in overview.lines for trouble in _troubles(line)]
    # What is broken comes before what may wait, each in the order of the lines.
    troubles = sorted(found, key=lambda trouble: trouble["tone"] != "danger")
    troubles = troubles[:_MOST_SHOWN]
    rows = sorted(overview.lines, key=lambda line: line.integration.name.casefold())
    return render(
        request,
        "integrations/dashboard.html",
        {
            "now": now,
            "troubles": troubles,
            "more_troubles": overview.trouble_count - len(troubles),
            "figures": _figures(overview),
            "chart": _chart(overview),
            "rows": [_row(line) for line in rows],
            "more_rows": overview.integration_count - len(rows),
            "failed_url": f"{reverse('integrations:activity')}?status=failed&time=24h",
            "can_manage": can(request.membership, Permission.MANAGE_INTEGRATIONS),
        },
    )


def _troubles(line: Line) -> Iterator[dict[str, Any]]:
    """Yield what is wrong with an integration: words, tone, and where it is mended."""
    name = line.integration.name
    key = line.integration.directory.key
    users = reverse("integrations:users", args=[key])
    settings = reverse("integrations:connected_services", args=[key])
    if line.standing.state == State.NEEDS_ATTENTION:
        text = line.integration.status_reason
        yield _trouble(name, text, "danger", settings, "Open", line.standing.since)
    if line.held_back is not None:
        url = reverse("integrations:overview", args=[key])
        text = f"{line.held_back.reason} Keyway holds its calls back; next try"
        yield {
            **_trouble(name, text, "warning", url, "Open", line.held_back.since),
            "next_at": line.held_back.next_try_at,
            "try_url": reverse("integrations:try_now", args=[key]),
        }
    if line.standing.state == State.HELD and line.open_sync is not None:
        text = "A sync found too many users gone and waits for you. Nothing changed."
        review = reverse("integrations:sync_job", args=[key, line.open_sync.public_id])
        yield _trouble(name, text, "warning", review, "Review")
    if line.standing.state == State.UNKNOWN:
        text = "The scheduled sync is overdue, so the state of the app is not known."
        yield _trouble(name, text, "warning", users, "Open", line.standing.since)
    if line.failed_people:
        one = line.failed_people == 1
        count = "1 user" if one else f"{line.failed_people} users"
        text = f"{count} could not be provisioned."
        yield _trouble(name, text, "danger", f"{users}?state=failed", "View users")
    if line.unmatched:
        one = line.unmatched == 1
        count = "1 account" if one else f"{line.unmatched} accounts"
        text = f"{count} in the app belong{'s' if one else ''} to no user of your IdP."
        where = f"{users}?state=unmatched"
        yield _trouble(name, text, "warning", where, "View accounts")
    if line.failed_sync is not None:
        text = f"The last sync failed. {line.failed_sync.error}"
        at = line.failed_sync.ended_at
        yield _trouble(name, text, "danger", users, "Open", at)
    yield from _troubles_of_access(line, settings)


def _troubles_of_access(line: Line, url: str) -> Iterator[dict[str, Any]]:
    name = line.integration.name
    quarantined_at = line.integration.directory.quarantined_at
    if quarantined_at is not None:
        text = "In quarantine: reads go on, the writes of your IdP wait."
        yield _trouble(name, text, "warning", url, "Open", quarantined_at)
    if line.silent_since is not None:
        text = "Your IdP is silent for much longer than usual. Look there first."
        yield _trouble(name, text, "warning", url, "Open", line.silent_since)
    for token in line.leaked:
        text = f"{_called(token)} leaked and is revoked. Check where it was kept."
        yield _trouble(name, text, "danger", url, "Open tokens", token.leaked_at)
    for due in line.rotations:
        when = "overdue" if due.is_overdue else "due"
        text = f"Token {due.token.name} is {when} to be replaced by schedule."
        yield _trouble(name, text, "warning", url, "Open tokens")
    for token in line.expiring:
        yield {
            **_trouble(name, f"{_called(token)} expires", "warning", url),
            "label": "Open tokens",
            "next_at": token.expires_at,
        }


def _called(token: ScimToken | ClientSecret) -> str:
    if isinstance(token, ClientSecret):
        return f"Secret of OAuth client {token.client.name}"
    return f"Token {token.name}"


def _trouble(
    name: str, text: str, tone: str, url: str, label: str = "Open", since: object = None
) -> dict[str, Any]:
    return {
        "name": name,
        "text": text,
        "tone": tone,
        "url": url,
        "label": label,
        "since": since,
    }


def _figures(overview: Overview) -> list[dict[str, str]]:
    percent = overview.ok_percent
    return [
        {"value": f"{overview.integration_count:,}", "label": "Integrations"},
        {"value": f"{overview.user_count:,}", "label": "Users"},
        {
            "value": "None" if percent is None else f"{percent:g} %",
            "label": "Requests ok (24 h)",
        },
        {"value": f"{overview.queued:,}", "label": "Queued"},
    ]


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart, in units of the drawing."""

    x: float
    width: float
    succeeded_y: float
    succeeded_height: float
    failed_y: float
    failed_height: float


def _chart(overview: Overview) -> dict[str, Any]:
    hours = overview.hours
    most = max([hour.succeeded + hour.failed for hour in hours], default=0)
    succeeded = overview.requests - overview.failed
    return {
        "title": f"{succeeded:,} succeeded, {overview.failed:,} failed, last 24 h",
        "width": _WIDTH,
        "height": _HEIGHT,
        "most": most,
        "bars": [_bar(number, hour, most) for number, hour in enumerate(hours)],
        "hours": hours,
        "is_empty": not most,
    }


def _bar(number: int, hour: Hour, most: int) -> Bar:
    """Stack the failed on the succeeded. Whatever failed can be seen: 3 at least."""
    slot = _WIDTH / dashboard.HOURS
    scale = (_HEIGHT - 4) / most if most else 0
    failed = max(3.0, hour.failed * scale) if hour.failed else 0.0
    succeeded = hour.succeeded * scale
    return Bar(
        x=round(number * slot + _GAP / 2, 1),
        width=round(slot - _GAP, 1),
        succeeded_y=round(_HEIGHT - succeeded, 1),
        succeeded_height=round(succeeded, 1),
        failed_y=round(_HEIGHT - succeeded - failed, 1),
        failed_height=round(failed, 1),
    )


def _row(line: Line) -> dict[str, Any]:
    key = line.integration.directory.key
    return {
        "name": line.integration.name,
        "url": reverse("integrations:detail", args=[key]),
        "app_name": line.integration.app.name,
        "status": standing_pill(line.standing),
        "last_call_at": line.last_call_at,
        "last_synced_at": line.integration.last_synced_at,
        "failed": line.failed_requests,
        "failed_url": f"{reverse('integrations:activity')}"
        f"?integration={key}&status=failed&time=24h",
    }
