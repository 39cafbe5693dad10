"""What of the logs a timeline shows: its filters, and the rows that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Q, QuerySet
from django.http import QueryDict

from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.reports import events
from integrations.syncing import person, sync
from scim.models import RequestRecord, Resource
from workspaces.models import AuditEvent, Job, Workspace

OF_PEOPLE = (wanted.JOB, person.JOB)
"""Kinds of jobs whose subject is the public id of a user."""

KINDS = (*OF_PEOPLE, sync.JOB, *events.HEALTH_CHECKS)
METHODS = {
    "read": ("GET",),
    "create": ("POST",),
    "replace": ("PUT",),
    "update": ("PATCH",),
    "delete": ("DELETE",),
}
JOBS = {"provision": (wanted.JOB,), "sync": (sync.JOB, person.JOB)}
ACTIONS = [
    ("", "All actions"),
    ("create", "Create"),
    ("update", "Update"),
    ("replace", "Replace"),
    ("delete", "Delete"),
    ("read", "Read"),
    ("provision", "Provision"),
    ("sync", "Sync"),
]
STATUSES = [
    ("", "All statuses"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("open", "Queued or running"),
    ("held", str(Job.State.HELD.label)),
    ("paused", str(Job.State.PAUSED.label)),
]
PERIODS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
TIMES = [
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 h"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
]

_MOST_NAMES = 200

FAILED_REQUEST = Q(status__gte=400) & ~Q(method="GET", status=404)
"""A client that asks whether somebody exists did not fail if nobody does."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Empty means everything."""

    text: str = ""
    integration: str = ""
    """The key of its directory, its name, or a part of the name."""

    action: str = ""
    status: str = ""
    time: str = ""
    event: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Filters:
        """Return the filters of a URL. What is not known is left out."""
        return cls(
            text=query.get("q", "").replace("\x00", "").strip()[:200],
            integration=query.get("integration", "").replace("\x00", "").strip()[:100],
            action=_known(query, "action", ACTIONS),
            status=_known(query, "status", STATUSES),
            time=_known(query, "time", TIMES),
            event=_known(query, "event", events.CHOICES),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left out."""
        return self == Filters()


class Scope:
    """The three logs of one workspace, filtered."""

    def __init__(
        self, workspace: Workspace, filters: Filters, resource_id: str, now: datetime
    ) -> None:
        self.workspace = workspace
        self.filters = filters
        self.since = now - PERIODS[filters.time] if filters.time else None
        self.names = _matching(workspace, filters.text) if filters.text else []
        if resource_id:
            self.names = [resource_id]
        self.places = (
            integrations(workspace, filters.integration)
            if filters.integration
            else None
        )
        self.event = events.BY_KEY.get(filters.event)
        self.is_named = bool(filters.text or resource_id)

    def records(self) -> QuerySet[RequestRecord]:
        """Return the requests, newest first."""
        found = RequestRecord.objects.filter(directory__workspace=self.workspace)
        found = found.order_by("-id")
        if self.places is not None:
            found = found.filter(directory__in=self.places.values("directory"))
        action, status = self.filters.action, self.filters.status
        is_of_jobs = action in JOBS or status in {"open", "held", "paused"}
        if is_of_jobs or self.event is not None:
            return found.none()
        if action:
            found = found.filter(method__in=METHODS[action])
        if status:
            is_failed = status == "failed"
            found = found.filter(FAILED_REQUEST if is_failed else ~FAILED_REQUEST)
        if self.is_named:
            found = found.filter(
                Q(resource_id__in=self.names) | Q(request_id=self.filters.text or "-")
            )
        return found.filter(at__gte=self.since) if self.since else found

    def jobs(self) -> QuerySet[Job]:
        """Return the syncs and provisionings, newest first."""
        action, status = self.filters.action, self.filters.status
        found = Job.objects.filter(workspace=self.workspace).order_by("-id")
        if action in METHODS or (self.event is not None and self.event.action):
            return found.none()
        found = found.filter(kind__in=JOBS[action] if action else KINDS)
        if self.event is not None:
            found = found.filter(events.condition(self.event, self.workspace))
        if status:
            found = found.filter(state__in=_JOB_STATES[status])
            if status == "failed":
                # What somebody cancelled or discarded did not fail.
                found = found.filter(ended_by=None)
        if self.places is not None:
            people = Provisioning.objects.filter(integration__in=self.places)
            found = found.filter(
                Q(kind=sync.JOB, subject__in=self.places.values("directory__key"))
                | Q(
                    kind__in=OF_PEOPLE,
                    subject__in=people.values("resource_id_public"),
                )
            )
        if self.is_named:
            found = found.filter(kind__in=OF_PEOPLE, subject__in=self.names)
        return found.filter(created_at__gte=self.since) if self.since else found

    def audited(self) -> QuerySet[AuditEvent]:
        """Return what people did to integrations and accounts, newest first."""
        found = AuditEvent.objects.filter(workspace=self.workspace).order_by("-id")
        filters = self.filters
        if filters.action or filters.status not in {"", "succeeded"} or self.is_named:
            return found.none()
        chosen = [self.event.action] if self.event else events.ACTIONS
        found = found.filter(action__in=chosen)
        if self.places is not None:
            found = found.filter(
                target_type="integration",
                target_id__in=self.places.values("directory__key"),
            )
        return found.filter(at__gte=self.since) if self.since else found


_JOB_STATES = {
    "succeeded": (Job.State.COMPLETED,),
    "failed": (Job.State.NOT_COMPLETED, Job.State.RETRYING),
    "open": (*Job.READY, *Job.LEASED),
    "held": (Job.State.HELD,),
    "paused": (Job.State.PAUSED,),
}


def integrations(workspace: Workspace, text: str) -> QuerySet[Integration]:
    """Return what is meant: the one with this key or name, else all like it."""
    rows = Integration.objects.in_workspace(workspace).order_by()
    exact = rows.filter(Q(directory__key=text) | Q(name=text))
    return exact if exact.exists() else rows.filter(name__icontains=text)


def _matching(workspace: Workspace, text: str) -> list[str]:
    """Return the public ids of who is meant: by name, address or either side's id."""
    people = Provisioning.objects.filter(integration__workspace=workspace).filter(
        Q(user_name__icontains=text) | Q(resource_id_public=text)
    )
    resources = Resource.objects.filter(directory__workspace=workspace).filter(
        Q(label__icontains=text) | Q(external_id=text) | Q(public_id=text)
    )
    known = islice(people.values_list("resource_id_public", flat=True), _MOST_NAMES)
    return [*known, *resources.values_list("public_id", flat=True)[:_MOST_NAMES]]


def _known(query: QueryDict, name: str, choices: list[tuple[str, str]]) -> str:
    given = query.get(name, "")
    return given if given in dict(choices) else ""
