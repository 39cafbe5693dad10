"""The timeline in words: who did what to whom, where, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from integrations import service_accounts
from integrations.models import Integration, Provisioning, ServiceAccount
from integrations.models import IntegrationDraft as Draft
from integrations.provisioning import wanted
from integrations.reports import activity, causes, events
from integrations.reports.activity import Entry
from integrations.reports.activity_filters import OF_PEOPLE
from integrations.set_up import drafts
from integrations.syncing import person, sync
from integrations.views import tasks
from scim.models import RequestRecord
from workspaces.models import Directory, Job, Workspace
from workspaces.pages import Pill

JOB_PILLS = {
    Job.State.QUEUED: Pill("Queued", "info", "clock"),
    Job.State.STARTED: Pill("Running", "info"),
    Job.State.RUNNING: Pill("Running", "info"),
    Job.State.RETRYING: Pill("Retrying", "warning"),
    Job.State.HELD: Pill(str(Job.State.HELD.label), "warning", "hand"),
    Job.State.PAUSED: Pill(str(Job.State.PAUSED.label), "neutral", "circle-pause"),
    Job.State.COMPLETED: Pill("Succeeded", "success"),
    Job.State.NOT_COMPLETED: Pill("Failed", "danger"),
}
_DONE = Pill("Succeeded", "success")
_NOTICE = Pill("Needs attention", "warning")
_ENDED_BY_HAND = Pill("Not completed", "neutral", "ban")
_VERBS = {
    "POST": "created",
    "PUT": "replaced",
    "PATCH": "updated",
    "DELETE": "deleted",
    "GET": "read",
}
_UNFINISHED = (Job.State.NOT_COMPLETED, Job.State.RETRYING)


def pill_of(job: Job) -> Pill:
    """Return the state of a job; one that somebody cancelled did not fail."""
    if job.ended_by_id is not None:
        return _ENDED_BY_HAND
    if job.state == Job.State.HELD and job.kind == wanted.JOB:
        return tasks.WAITING
    return JOB_PILLS[Job.State(job.state)]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the entries, read at once for all of them."""

    names: dict[str, str]
    """Of whom a request or a job is about, by public id."""

    places: dict[int, str]
    of_people: dict[str, str]
    failed: set[str]
    states: dict[str, str]
    undo_urls: Mapping[int, str]


def days(
    entries: list[Entry], workspace: Workspace, undo_urls: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Group entries by day (UTC), with the names of whom they are about.

    `undo_urls` say where a job, by its key of the database, can be undone.
    """
    known = _known(entries, workspace, undo_urls)
    result: list[dict[str, Any]] = []
    for entry in entries:
        day = entry.at.date()
        if not result or result[-1]["day"] != day:
            result.append({"day": day, "entries": []})
        result[-1]["entries"].append(_item(entry, known))
    return result


def rows(entries: list[Entry], workspace: Workspace) -> list[dict[str, Any]]:
    """Return a line for each entry, and before a request one for each job of it.

    {at, actor, what, target, pill (None if all went well), error, result, url}.
    """
    known = _known(entries, workspace, {})
    every = [each for entry in entries for each in (*entry.jobs, entry)]
    return [_row(each, known) for each in every]


def with_children(entries: list[Entry]) -> list[Entry]:
    """Return the entries, each with the jobs below it."""
    return [each for entry in entries for each in (entry, *entry.jobs)]


def places_of_jobs(workspace: Workspace, entries: list[Entry]) -> dict[str, str]:
    """Return the integration of each job's subject: of a person or of a sync."""
    jobs = [entry.job for entry in entries if entry.job is not None]
    people = {job.subject for job in jobs if job.kind in OF_PEOPLE}
    named = Provisioning.objects.filter(
        integration__workspace=workspace, resource_id_public__in=people
    ).values_list("resource_id_public", "integration__name")
    keys = {job.subject for job in jobs if job.kind == sync.JOB}
    synced = Integration.objects.in_workspace(workspace).filter(directory__key__in=keys)
    return dict(named) | dict(synced.values_list("directory__key", "name"))


def record_pill(record: RequestRecord) -> Pill:
    """Return how a request ended."""
    if _has_failed(record):
        return Pill(f"Failed {record.status}", "danger")
    if record.status >= 400:
        return Pill("Not found", "neutral")
    return Pill("Succeeded", "success")


def idp_of(record: RequestRecord) -> str:
    """Return the name of the IdP that sent a request, `IdP` if it is not known."""
    if record.dialect == Directory.Dialect.GENERIC:
        return "IdP"
    labels = dict(Directory.Dialect.choices)
    return str(labels.get(record.dialect, record.dialect)).removeprefix("Microsoft ")


def sentence(record: RequestRecord, name: str) -> str:
    """Return what the IdP did, in a sentence: `Okta created ann@acme.test`."""
    return f"{idp_of(record)} {_words(record, name)}"


def job_words(job: Job, name: str) -> str:
    """Return what a job does or did to somebody."""
    if job.kind in {sync.JOB, person.JOB}:
        whom = f" {name}" if job.kind == person.JOB and name else ""
        if job.state == Job.State.COMPLETED:
            return f"synced{whom}"
        return "asked for a sync" + (whom and f" of{whom}")
    if job.state == Job.State.COMPLETED:
        return f"provisioned {name}".rstrip()
    if job.state == Job.State.NOT_COMPLETED:
        return f"could not provision {name}".rstrip()
    return f"provisions {name}".rstrip()


def job_url(job: Job) -> str:
    """Return the page of one job, with its calls to the app."""
    return reverse("integrations:job", args=[job.public_id])


def _known(
    entries: list[Entry], workspace: Workspace, undo_urls: Mapping[int, str]
) -> _Known:
    every = with_children(entries)
    return _Known(
        names=activity.labels(every) | names_of_checks(workspace, every),
        places=activity.places(workspace, every),
        of_people=places_of_jobs(workspace, every),
        failed=_failed_now(workspace, every),
        states=states_of(workspace, every),
        undo_urls=undo_urls,
    )


def _row(entry: Entry, known: _Known) -> dict[str, Any]:
    """Return an entry as a line: what is said in one sentence elsewhere, in parts."""
    item = _item(entry, known)
    what, name = item.get("event", ""), known.names.get(entry.resource_id, "")
    if entry.record is not None:
        what = _words(entry.record, "")
    elif entry.job is not None and not what:
        what = job_words(entry.job, "")
    elif entry.job is not None or entry.audited is not None:
        name = item["words"]
    return {
        **item,
        "what": what[:1].upper() + what[1:],
        "target": name or item.get("place", ""),
        "pill": None if item["pill"].tone == "success" else item["pill"],
    }


def _item(entry: Entry, known: _Known) -> dict[str, Any]:
    key, names = entry.resource_id, known.names
    item: dict[str, Any] = {"at": entry.at, "children": []}
    if entry.record is not None:
        cause = causes.of_status(entry.record.status)
        item |= {
            "actor": idp_of(entry.record),
            "words": _words(entry.record, names.get(key, "")),
            "place": known.places.get(entry.record.directory_id, ""),
            "pill": record_pill(entry.record),
            "error": cause.what if cause and _has_failed(entry.record) else "",
            "url": _record_url(entry.record),
        }
    elif entry.job is not None:
        job = entry.job
        event = events.name_of_job(job, known.states.get(job.subject, ""))
        item |= {
            "actor": str(job.actor or "Keyway"),
            "event": event,
            "words": names.get(job.subject, "a user")
            if event
            else job_words(job, names.get(key, "a user")),
            "place": known.of_people.get(job.subject, ""),
            "pill": pill_of(job),
            "error": job.error if job.state in _UNFINISHED else "",
            "result": str(job.result.get("message", "")),
            "url": job_url(job),
            "retry_url": reverse("integrations:retry_person", args=[key])
            if job.kind == wanted.JOB
            and key in known.failed
            and job.state == Job.State.NOT_COMPLETED
            else None,
            "undo_url": known.undo_urls.get(job.pk),
        }
    elif entry.audited is not None:
        item |= {
            "actor": entry.audited.actor_label,
            "event": events.name_of(entry.audited),
            "words": entry.audited.target_label,
            "pill": _NOTICE if entry.audited.action in events.WARNINGS else _DONE,
            "result": events.note_of(entry.audited),
        }
    item["children"] = [_item(child, known) for child in entry.jobs]
    return item


def _has_failed(record: RequestRecord) -> bool:
    """Say whether an answer is a failure; nobody being there is none."""
    is_probe = record.method == "GET" and record.status == 404
    return record.status >= 400 and not is_probe


def states_of(workspace: Workspace, entries: list[Entry]) -> dict[str, str]:
    """Return the provisioning state of whoever a waiting job is about."""
    waiting = {
        entry.job.subject
        for entry in entries
        if entry.job is not None and entry.job.state in Job.WAITING
    }
    if not waiting:
        return {}
    rows = Provisioning.objects.filter(
        integration__workspace=workspace, resource_id_public__in=waiting
    )
    return dict(rows.values_list("resource_id_public", "state"))


def names_of_checks(workspace: Workspace, entries: list[Entry]) -> dict[str, str]:
    """Return what the health checks are of: service accounts and integrations."""
    found: dict[str, str] = {}
    for kind, model in ((service_accounts.JOB, ServiceAccount), (drafts.CHECK, Draft)):
        keys = {e.job.subject for e in entries if e.job and e.job.kind == kind}
        if keys:
            rows = model.objects.filter(workspace=workspace, public_id__in=keys)
            found |= {str(row.public_id): str(row) for row in rows}
    return found


def _failed_now(workspace: Workspace, entries: list[Entry]) -> set[str]:
    """Return whose provisioning is failed at present, and may be tried again."""
    keys = {e.job.subject for e in entries if e.job and e.job.kind == wanted.JOB}
    failed = Provisioning.objects.filter(
        integration__workspace=workspace,
        resource_id_public__in=keys,
        state__in=Provisioning.FAILED,
    )
    return set(failed.values_list("resource_id_public", flat=True))


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
    if _has_failed(record):
        return f"tried: {record.method} {name or thing}"
    return f"{verb} {name or thing}"


def _record_url(record: RequestRecord) -> str:
    url = reverse("integrations:request", args=[record.request_id])
    return f"{url}?at={record.at:%Y-%m-%dT%H:%M:%S.%fZ}"


def time_of(text: str) -> datetime | None:
    """Return the time that a page's address names, None if it names none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
