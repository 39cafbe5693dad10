"""The events of **Activity** that are no requests, by the names people know (E0-18).

An event is a stage of a job, or an entry of the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from integrations import service_accounts
from integrations.audit import Action
from integrations.models import Provisioning
from integrations.provisioning import wanted
from integrations.set_up import drafts
from workspaces.models import AuditEvent, Job, Workspace

HEALTH_CHECKS: Final = (service_accounts.JOB, drafts.CHECK)
_REQUESTED: Final = (Job.State.QUEUED, *Job.PARKED)
_IN_PROGRESS: Final = (*Job.LEASED, Job.State.RETRYING)
_DONE: Final = (Job.State.COMPLETED,)
_FAILED: Final = (Job.State.NOT_COMPLETED,)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens, with its name."""

    name: str
    action: str = ""
    """The action of the audit log that it is, if it is one."""

    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """Else the kinds and the states of the jobs that it is."""

    act: str = ""
    """What a provisioning does: see `wanted.ACTS`."""

    @property
    def key(self) -> str:
        """How the address of a filtered page names it."""
        return self.name.lower().replace(" ", "-")


def _of_people(act: str, noun: str, done: str) -> tuple[Event, ...]:
    stages = (
        (f"User {noun} requested", _REQUESTED),
        (f"User {noun} in progress", _IN_PROGRESS),
        (f"User {done}", _DONE),
        (f"User {noun} failed", _FAILED),
    )
    kinds = (wanted.JOB,)
    return tuple(Event(n, kinds=kinds, states=s, act=act) for n, s in stages)


EVENTS: Final = (
    Event("Service account created", Action.SERVICE_ACCOUNT_ADDED),
    Event("Service account updated", Action.SECRET_REPLACED),
    Event("Service account removed", Action.SERVICE_ACCOUNT_DELETED),
    *_of_people("invite", "invite", "invited"),
    *_of_people("update", "update", "updated"),
    *_of_people("removal", "removal", "removed"),
    Event("SCIM integration connected", Action.CREATED),
    Event("Health check triggered", "", HEALTH_CHECKS, (*_REQUESTED, *_IN_PROGRESS)),
    Event("Health validated", "", HEALTH_CHECKS, _DONE),
    Event("Health check failed", "", HEALTH_CHECKS, _FAILED),
    Event("Connection silent", Action.CONNECTION_SILENT),
    Event("Connection heard again", Action.CONNECTION_HEARD_AGAIN),
    Event("Token used from a new place", Action.CONNECTION_NEW_PLACE),
)
BY_KEY: Final = {event.key: event for event in EVENTS}
CHOICES: Final = [("", "All events"), *((e.key, e.name) for e in EVENTS)]
ACTIONS: Final = tuple(event.action for event in EVENTS if event.action)
WARNINGS: Final = (Action.CONNECTION_SILENT, Action.CONNECTION_NEW_PLACE)
"""Events of the audit log that a person should look at."""

_BY_ACTION: Final = {event.action: event.name for event in EVENTS if event.action}


def name_of(event: AuditEvent) -> str:
    """Return what an entry of the audit log is called here."""
    return _BY_ACTION[event.action]


def note_of(event: AuditEvent) -> str:
    """Return what an entry of the audit log says beside its name, empty if nothing."""
    if event.action != Action.CONNECTION_NEW_PLACE:
        return ""
    parts = (event.data[name] for name in ("token_name", "networks", "clients"))
    return ", ".join(part for part in parts if part)


def name_of_job(job: Job, state: str = "") -> str:
    """Return what a job is called at its present stage, empty if nothing fits.

    `state` is that of the person's provisioning: it tells what a job that has not
    begun will do.
    """
    act = job.progress.get("act", "")
    if not act and job.state in _REQUESTED:
        act = wanted.ACTS.get(state, "")
    fit = (e for e in EVENTS if job.kind in e.kinds and job.state in e.states)
    return next((e.name for e in fit if e.act in {"", act}), "")


def condition(event: Event, workspace: Workspace) -> Q:
    """Return which jobs of the workspace are this event."""
    found = Q(kind__in=event.kinds, state__in=event.states)
    if not event.act:
        return found
    begun = Q(progress__act=event.act)
    if event.states != _REQUESTED:
        return found & begun
    states = [state for state, act in wanted.ACTS.items() if act == event.act]
    people = Provisioning.objects.filter(
        integration__workspace=workspace, state__in=states
    )
    subjects = people.values("resource_id_public")
    waiting = ~Q(progress__has_key="act") & Q(subject__in=subjects)
    return found & (begun | waiting)
