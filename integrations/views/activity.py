"""The **Activity** pages: what the IdP asked, what was done, and how it ended."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.reports import activity, activity_filters, causes, events, people
from integrations.reports.activity import Entry, Found, Mark
from integrations.reports.activity_filters import Filters
from integrations.views import calls, changes, outcome, timeline
from integrations.views.frame import frame, get_integration
from scim.models import RequestRecord
from tokens import ways
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import Workspace
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_PLACES = ("before", "after", "since", "told")
_MOST_SUGGESTIONS = 50


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the timeline of the workspace, newest first.

    To a page that waits, GET answers how many events are new.
    """
    filters = Filters.read(request.GET)
    if _asks_for_news(request):
        return _news(request, filters)
    found = _find(request, filters)
    context = _page(request, filters, found) | {
        "days": timeline.days(found.entries, request.workspace, {}),
        "can_retry": can(request.membership, Permission.MANAGE_INTEGRATIONS),
        "is_filtered": not filters.is_empty,
        "place": _integration_name(request.workspace, filters),
        "suggestions": _suggestions(request.workspace),
        "export_url": _export_url(request),
    }
    return render(request, "integrations/activity.html", context)


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def tab(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show what happened to one integration as a table, a tab of its details."""
    integration = get_integration(request, key)
    filters = replace(Filters.read(request.GET), integration=key)
    if _asks_for_news(request):
        return _news(request, filters)
    found = _find(request, filters)
    context = (
        frame(request, integration, current="Activity")
        | _page(request, filters, found)
        | {
            "rows": timeline.rows(found.entries, request.workspace),
            "is_filtered": filters != Filters(integration=key),
            "suggestions": None,
            "export_url": _export_url(request, integration=key),
        }
    )
    return render(request, "integrations/activity_tab.html", context)


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def request_page(request: WorkspaceRequest, request_id: uuid.UUID) -> HttpResponse:
    """Show one SCIM request and all that followed from it."""
    at = timeline.time_of(request.GET.get("at", ""))
    record = activity.find_record(request.workspace, request_id, at)
    if record is None:
        raise Http404
    row = _provisioning(request.workspace, record.resource_id)
    error = row.last_error if row else ""
    answer = causes.of_status(record.status)
    context = {
        "record": record,
        "title": timeline.sentence(record, _name_of(record, row)),
        "dialect": timeline.idp_of(record),
        "integration": activity.places(
            request.workspace, [Entry(record.at, record=record)]
        ).get(record.directory_id),
        "pill": timeline.record_pill(record),
        "token": ScimToken.objects.of_directory(record.directory)
        .filter(key=record.token_key)
        .first(),
        "came_by": ways.names_of(record.directory, {record.token_key}).get(
            record.token_key
        ),
        "tolerances": [causes.tolerance_words(name) for name in record.tolerances],
        "body": calls.pretty(record.body),
        "changes": _changes(record),
        "cause": answer or causes.of_message(error),
        **outcome.of(request, row),
    }
    return render(request, "integrations/activity_request.html", context)


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def person(request: WorkspaceRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Show the timeline of one person, and the state of the account in the app."""
    row = get_object_or_404(
        people.of_workspace(request.workspace), resource_id_public=str(resource_id)
    )
    if _asks_for_news(request):
        return _news(request, Filters(), str(resource_id))
    may_manage = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    found = _find(request, Filters(), row)
    jobs = [e.job for e in timeline.with_children(found.entries) if e.job]
    undo_urls = changes.undo_urls(row, jobs) if may_manage else {}
    context = {
        "name": row.user_name,
        "cause": causes.of_message(row.last_error),
        "days": timeline.days(found.entries, request.workspace, undo_urls),
        "can_retry": may_manage,
        **_places(request, found),
        **outcome.of(request, row),
    }
    return render(request, "integrations/activity_person.html", context)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def retry(request: WorkspaceRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Try a failed provisioning again."""
    row = get_object_or_404(
        people.of_workspace(request.workspace), resource_id_public=str(resource_id)
    )
    if row.last_error:
        wanted.retry(row, actor=request.user, now=database_now())
        messages.info(request, f"{row.user_name} is tried again.")
    else:
        messages.info(request, f"{row.user_name} has nothing to retry.")
    return redirect("integrations:person", resource_id=resource_id)


def _page(request: WorkspaceRequest, filters: Filters, found: Found) -> dict[str, Any]:
    """Return what stands around one page, and the choices of its filters."""
    return {
        **_places(request, found),
        "filters": filters,
        "action_choices": activity_filters.ACTIONS,
        "events": events.CHOICES,
        "statuses": activity_filters.STATUSES,
        "times": activity_filters.TIMES,
    }


def _export_url(request: WorkspaceRequest, **filters: str) -> str:
    return f"{reverse('integrations:activity_export')}?{_kept(request, **filters)}"


def _integration_name(workspace: Workspace, filters: Filters) -> str:
    """Return what the filter shows: the name for a key, which links carry."""
    rows = Integration.objects.in_workspace(workspace)
    of_key = rows.filter(directory__key=filters.integration)
    name = of_key.values_list("name", flat=True).first()
    return name or filters.integration


def _suggestions(workspace: Workspace) -> list[str]:
    """Return the first integrations by name; any part of another's can be typed."""
    rows = Integration.objects.in_workspace(workspace).order_by("name")
    return list(rows.values_list("name", flat=True)[:_MOST_SUGGESTIONS])


def _find(
    request: WorkspaceRequest, filters: Filters, row: Provisioning | None = None
) -> Found:
    """Return the page that the address asks for; with `row` it is of that person."""
    return activity.page(
        request.workspace,
        filters,
        before=Mark.read(request.GET.get("before", "")),
        after=Mark.read(request.GET.get("after", "")),
        resource_id=row.resource_id_public if row else "",
        now=database_now(),
    )


def _places(request: WorkspaceRequest, found: Found) -> dict[str, Any]:
    """Return where the pages beside one are, and where it asks for what is new."""
    return {
        "newer": found.newer and str(found.newer),
        "older": found.older and str(found.older),
        "news": {"count": 0, "poll_url": _news_url(request, found)},
    }


def _news_url(request: WorkspaceRequest, found: Found) -> str | None:
    """Return what the newest page asks for; what is older stands still."""
    if found.newer is not None:
        return None
    return f"{request.path}?{_kept(request, since=str(found.top), told='0')}"


def _asks_for_news(request: WorkspaceRequest) -> bool:
    return "since" in request.GET and bool(request.htmx)


def _news(
    request: WorkspaceRequest, filters: Filters, resource_id: str = ""
) -> HttpResponse:
    """Tell how many events are new. 204 if that was told already."""
    since = Mark.read(request.GET["since"])
    count = 0
    if since is not None:
        count = activity.count_news(
            request.workspace,
            filters,
            since,
            resource_id=resource_id,
            now=database_now(),
        )
    if str(count) == request.GET.get("told", "0"):
        return HttpResponse(status=204)
    told = _kept(request, since=str(since), told=str(count))
    news = {
        "count": count,
        "is_more": count >= activity.MOST_NEWS,
        "poll_url": f"{request.path}?{told}",
        "reload_url": f"{request.path}?{_kept(request)}",
    }
    return render(request, "integrations/_news.html", {"news": news})


def _kept(request: WorkspaceRequest, **given: str) -> str:
    """Return the query with its filters and what is given, and with no other place."""
    query = request.GET.copy()
    for name in _PLACES:
        query.pop(name, None)
    for name, value in given.items():
        query[name] = value
    return query.urlencode()


def _provisioning(workspace: Workspace, resource_id: str) -> Provisioning | None:
    if not resource_id:
        return None
    found: Provisioning | None = (
        people.of_workspace(workspace).filter(resource_id_public=resource_id).first()
    )
    return found


def _name_of(record: RequestRecord, row: Provisioning | None) -> str:
    if row is not None:
        return row.user_name
    return activity.labels([Entry(record.at, record=record)]).get(
        record.resource_id, ""
    )


def _changes(record: RequestRecord) -> list[dict[str, Any]]:
    """Return what the request changed."""
    return [
        {
            "kind": change.get_kind_display(),
            "resource_type": change.resource_type,
            "attributes": change.attributes,
            "version": change.version,
        }
        for change in activity.changes_of(record)
    ]
