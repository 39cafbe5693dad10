"""The **Activity** pages: what the IdP asked, what was done, and how it ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integrations import activity, causes, sync, wanted
from integrations.activity import Entry, Filters
from integrations.audit import Action
from integrations.models import Integration, Provisioning
from scim.models import Change, RequestRecord
from tokens.models import ScimToken
from workspaces import audit
from workspaces.clock import database_now
from workspaces.csv_export import csv_response
from workspaces.models import Directory, Job, Workspace
from workspaces.pages import Pill
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_EXPORT_SIZE = 500
_MOST_JOBS = 5
_VERBS = {
    "POST": "created",
    "PUT": "replaced",
    "PATCH": "updated",
    "DELETE": "deleted",
    "GET": "read",
}
_JOB_PILLS = {
    Job.State.QUEUED: Pill("Queued", "info", "clock"),
    Job.State.STARTED: Pill("Running", "info"),
    Job.State.RUNNING: Pill("Running", "info"),
    Job.State.RETRYING: Pill("Retrying", "warning"),
    Job.State.COMPLETED: Pill("Succeeded", "success"),
    Job.State.NOT_COMPLETED: Pill("Failed", "danger"),
}
_TONES = {
    **dict.fromkeys(Provisioning.PENDING, "info"),
    **dict.fromkeys(Provisioning.FAILED, "danger"),
    Provisioning.State.ONBOARDED: "success",
    Provisioning.State.DELETED: "neutral",
}
_HEADER = [
    *("Time (UTC)", "What", "Integration", "Actor", "Action", "Object"),
    *("Object id", "Outcome", "Status", "Milliseconds", "Path", "Client"),
    *("Address", "Request id", "Error"),
]


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the timeline of the workspace, newest first."""
    filters = Filters.read(request.GET)
    found = activity.page(
        request.workspace,
        filters,
        before=request.GET.get("before", ""),
        now=database_now(),
    )
    kept = request.GET.copy()
    kept.pop("before", None)
    names = Integration.objects.in_workspace(request.workspace).values_list(
        "directory__key", "name"
    )
    return render(
        request,
        "integrations/activity.html",
        {
            "days": _days(found.entries, request.workspace),
            "older": found.older,
            "can_retry": can(request.membership, Permission.MANAGE_INTEGRATIONS),
            "newest_url": f"?{kept.urlencode()}" if "before" in request.GET else None,
            "filters": filters,
            "integrations": [("", "All integrations"), *names],
            "actions": activity.ACTIONS,
            "statuses": activity.STATUSES,
            "times": activity.TIMES,
            "export_url": f"{reverse('integrations:activity_export')}"
            f"?{kept.urlencode()}",
        },
    )


@never_cache
@require_GET
@requires(Permission.VIEW_ACTIVITY)
def export(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Send the filtered timeline as a file, and record that."""
    filters = Filters.read(request.GET)
    audit.record(
        Action.ACTIVITY_EXPORTED,
        workspace=request.workspace,
        actor=request.user,
        data={"filters": request.GET.urlencode()[:500]},
    )
    rows = _cells(request.workspace, filters, database_now())
    return csv_response("activity", _HEADER, rows)


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def request_page(request: WorkspaceRequest, request_id: uuid.UUID) -> HttpResponse:
    """Show one SCIM request and all that followed from it."""
    at = _time(request.GET.get("at", ""))
    record = activity.find_record(request.workspace, request_id, at)
    if record is None:
        raise Http404
    row = _provisioning(request.workspace, record.resource_id)
    error = row.last_error if row else ""
    answer = causes.of_status(record.status)
    context = {
        "record": record,
        "title": _sentence(record, _name_of(record, row)),
        "dialect": _actor(record),
        "integration": activity.directories(request.workspace).get(record.directory_id),
        "pill": _record_pill(record),
        "token": ScimToken.objects.of_directory(record.directory)
        .filter(key=record.token_key)
        .first(),
        "tolerances": [causes.tolerance_words(name) for name in record.tolerances],
        "body": _pretty(record.body),
        "changes": _changes(record),
        "cause": answer or causes.of_message(error),
        **_outcome(request, row),
    }
    return render(request, "integrations/activity_request.html", context)


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def person(request: WorkspaceRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Show the timeline of one person, and the state of the account in the app."""
    row = get_object_or_404(
        _provisionings(request.workspace), resource_id_public=str(resource_id)
    )
    found = activity.page(
        request.workspace,
        Filters(),
        before=request.GET.get("before", ""),
        resource_id=str(resource_id),
        now=database_now(),
    )
    context = {
        "name": row.user_name,
        "days": _days(found.entries, request.workspace),
        "older": found.older,
        "can_retry": can(request.membership, Permission.MANAGE_INTEGRATIONS),
        "newest_url": request.path if "before" in request.GET else None,
        "cause": causes.of_message(row.last_error),
        **_outcome(request, row),
    }
    return render(request, "integrations/activity_person.html", context)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def retry(request: WorkspaceRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Try a failed provisioning again."""
    row = get_object_or_404(
        _provisionings(request.workspace), resource_id_public=str(resource_id)
    )
    if row.last_error:
        wanted.retry(row, actor=request.user, now=database_now())
        messages.info(request, f"{row.user_name} is tried again.")
    else:
        messages.info(request, f"{row.user_name} has nothing to retry.")
    return redirect("integrations:person", resource_id=resource_id)


def _provisionings(workspace: Workspace) -> Any:
    return Provisioning.objects.filter(integration__workspace=workspace).select_related(
        "integration__directory", "integration__workspace", "account", "resource"
    )


def _provisioning(workspace: Workspace, resource_id: str) -> Provisioning | None:
    if not resource_id:
        return None
    found: Provisioning | None = (
        _provisionings(workspace).filter(resource_id_public=resource_id).first()
    )
    return found


def _outcome(request: WorkspaceRequest, row: Provisioning | None) -> dict[str, Any]:
    """Return what was wanted, what was tried, and what the app was last seen with."""
    if row is None:
        return {"wanted": None, "jobs": [], "account": None, "retry_url": None}
    state = Provisioning.State(row.state)
    jobs = Job.objects.filter(
        workspace=request.workspace, kind=wanted.JOB, subject=row.resource_id_public
    ).order_by("-id")[:_MOST_JOBS]
    may_retry = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    return {
        "wanted": {
            "integration": row.integration.name,
            "integration_url": reverse(
                "integrations:users", args=[row.integration.directory.key]
            ),
            "person": row.user_name,
            "person_url": reverse("integrations:person", args=[row.resource_id_public]),
            "pill": Pill(str(state.label), _TONES[state]),
            "desired": row.desired_version,
            "applied": row.applied_version,
            "attempts": row.attempts,
            "next_attempt_at": row.next_attempt_at,
            "error": row.last_error,
            "changed_at": row.changed_at,
        },
        "jobs": [_job_row(job) for job in jobs],
        "account": _account(row),
        "retry_url": reverse("integrations:retry_person", args=[row.resource_id_public])
        if may_retry and row.last_error
        else None,
    }


def _account(row: Provisioning) -> dict[str, Any] | None:
    account = row.account
    if account is None:
        return None
    held = account.entitlements.order_by("name").values_list("name", flat=True)
    return {
        "username": account.username,
        "external_id": account.external_id,
        "is_active": account.is_active,
        "holds": list(held[:50]),
        "seen_at": account.seen_at,
    }


def _job_row(job: Job) -> dict[str, Any]:
    return {
        "pill": _JOB_PILLS[Job.State(job.state)],
        "trigger": job.get_trigger_display(),
        "attempts": job.attempt,
        "failures": job.failures,
        "error": job.error,
        "created_at": job.created_at,
        "ended_at": job.ended_at,
        "due_at": job.due_at if job.state == Job.State.RETRYING else None,
    }


def _changes(record: RequestRecord) -> list[dict[str, Any]]:
    """Return what the request changed; a bulk request has many."""
    found = Change.objects.filter(
        directory=record.directory, request_id=record.request_id
    ).order_by("-id")
    if record.resource_id:
        found = found.filter(resource_id=record.resource_id)
    elif record.method == "GET":
        return []
    return [
        {
            "kind": change.get_kind_display(),
            "resource_type": change.resource_type,
            "attributes": change.attributes,
            "version": change.version,
        }
        for change in found[:50]
    ]


def _days(entries: list[Entry], workspace: Workspace) -> list[dict[str, Any]]:
    """Group entries by day (UTC), with the names of whom they are about."""
    every = [e for entry in entries for e in (entry, *entry.jobs)]
    names = activity.labels(every)
    places = activity.directories(workspace)
    of_people = _places_of_people(workspace, every)
    failed = _failed_now(workspace, every)
    days: list[dict[str, Any]] = []
    for entry in entries:
        day = entry.at.date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "entries": []})
        days[-1]["entries"].append(_item(entry, names, places, of_people, failed))
    return days


def _item(
    entry: Entry,
    names: dict[str, str],
    places: dict[int, str],
    of_people: dict[str, str],
    failed: set[str],
) -> dict[str, Any]:
    key = entry.resource_id
    item: dict[str, Any] = {"at": entry.at, "children": []}
    if entry.record is not None:
        cause = causes.of_status(entry.record.status)
        item |= {
            "actor": _actor(entry.record),
            "words": _words(entry.record, names.get(key, "")),
            "place": places.get(entry.record.directory_id, ""),
            "pill": _record_pill(entry.record),
            "error": cause.what if cause and item_failed(entry.record) else "",
            "url": _record_url(entry.record),
        }
    elif entry.job is not None:
        job = entry.job
        is_sync = job.kind == sync.JOB
        item |= {
            "actor": str(job.actor or "Keyway"),
            "words": _job_words(job, names.get(key, "a user")),
            "place": of_people.get(job.subject, ""),
            "pill": _JOB_PILLS[Job.State(job.state)],
            "error": job.error if job.state in _UNFINISHED else "",
            "result": str(job.result.get("message", "")) if is_sync else "",
            "url": _person_url(key) if key in of_people else None,
            "retry_url": reverse("integrations:retry_person", args=[key])
            if key in failed and job.state == Job.State.NOT_COMPLETED
            else None,
        }
    item["children"] = [
        _item(child, names, places, of_people, failed) for child in entry.jobs
    ]
    return item


_UNFINISHED = (Job.State.NOT_COMPLETED, Job.State.RETRYING)


def item_failed(record: RequestRecord) -> bool:
    """Say whether an answer is a failure; nobody being there is none."""
    is_probe = record.method == "GET" and record.status == 404
    return record.status >= 400 and not is_probe


def _places_of_people(workspace: Workspace, entries: list[Entry]) -> dict[str, str]:
    """Return the integration of each job's subject: of a person or of a sync."""
    jobs = [entry.job for entry in entries if entry.job is not None]
    people = {job.subject for job in jobs if job.kind == wanted.JOB}
    named = Provisioning.objects.filter(
        integration__workspace=workspace, resource_id_public__in=people
    ).values_list("resource_id_public", "integration__name")
    keys = {job.subject for job in jobs if job.kind == sync.JOB}
    synced = Integration.objects.in_workspace(workspace).filter(directory__key__in=keys)
    return dict(named) | dict(synced.values_list("directory__key", "name"))


def _failed_now(workspace: Workspace, entries: list[Entry]) -> set[str]:
    """Return whose provisioning is failed at present, and may be tried again."""
    keys = {e.resource_id for e in entries if e.job is not None} - {""}
    failed = Provisioning.objects.filter(
        integration__workspace=workspace,
        resource_id_public__in=keys,
        state__in=Provisioning.FAILED,
    )
    return set(failed.values_list("resource_id_public", flat=True))


def _record_pill(record: RequestRecord) -> Pill:
    if item_failed(record):
        return Pill(f"Failed {record.status}", "danger")
    if record.status >= 400:
        return Pill("Not found", "neutral")
    return Pill("Succeeded", "success")


def _actor(record: RequestRecord) -> str:
    if record.dialect == Directory.Dialect.GENERIC:
        return "IdP"
    labels = dict(Directory.Dialect.choices)
    return str(labels.get(record.dialect, record.dialect)).removeprefix("Microsoft ")


def _words(record: RequestRecord, name: str) -> str:
    endpoint = record.path.partition("/v2/")[2].split("/")
    thing = {"Users": "user", "Groups": "group", "Bulk": "bulk"}.get(
        endpoint[0], endpoint[0]
    )
    if endpoint[-1] == ".search":
        return f"searched {endpoint[0] if len(endpoint) > 1 else 'everything'}"
    if thing == "bulk":
        return "sent several changes at once"
    verb = _VERBS.get(record.method, record.method)
    if record.method == "GET":
        return f"read {name or endpoint[0] or 'the endpoint'}"
    if item_failed(record):
        return f"tried: {record.method} {name or thing}"
    return f"{verb} {name or thing}"


def _job_words(job: Job, name: str) -> str:
    if job.kind == sync.JOB:
        return "synced" if job.state == Job.State.COMPLETED else "asked for a sync"
    if job.state == Job.State.COMPLETED:
        return f"provisioned {name}"
    if job.state == Job.State.NOT_COMPLETED:
        return f"could not provision {name}"
    return f"provisions {name}"


def _sentence(record: RequestRecord, name: str) -> str:
    return f"{_actor(record)} {_words(record, name)}"


def _name_of(record: RequestRecord, row: Provisioning | None) -> str:
    if row is not None:
        return row.user_name
    return activity.labels([Entry(record.at, record=record)]).get(
        record.resource_id, ""
    )


def _record_url(record: RequestRecord) -> str:
    url = reverse("integrations:request", args=[record.request_id])
    return f"{url}?at={record.at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _person_url(key: str) -> str:
    return reverse("integrations:person", args=[key])


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        # It was cut at its limit, or it never was JSON.
        return body


def _cells(
    workspace: Workspace, filters: Filters, now: datetime
) -> Iterator[list[object]]:
    before: str | None = ""
    places = activity.directories(workspace)
    while before is not None:
        found = activity.page(
            workspace, filters, before=before, size=_EXPORT_SIZE, now=now
        )
        every = [e for entry in found.entries for e in (entry, *entry.jobs)]
        names = activity.labels(every)
        of_people = _places_of_people(workspace, every)
        for entry in every:
            yield _line(entry, names.get(entry.resource_id, ""), places, of_people)
        before = found.older


def _line(
    entry: Entry, name: str, places: dict[int, str], of_people: dict[str, str]
) -> list[object]:
    at = entry.at.isoformat(timespec="milliseconds")
    record, job = entry.record, entry.job
    if record is not None:
        return [
            *(at, "SCIM request", places.get(record.directory_id, ""), _actor(record)),
            *(record.method, name, record.resource_id, _record_pill(record).label),
            *(record.status, record.milliseconds, record.path, record.client),
            *(record.address, record.request_id, ""),
        ]
    assert job is not None  # noqa: S101  an entry is one of the two
    what = "Sync" if job.kind == sync.JOB else "Provisioning"
    return [
        *(at, what, of_people.get(job.subject, ""), str(job.actor or "Keyway")),
        *(job.get_trigger_display(), name, entry.resource_id),
        *(_JOB_PILLS[Job.State(job.state)].label, "", "", "", "", "", "", job.error),
    ]
