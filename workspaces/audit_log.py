"""Read the audit log of one workspace: filters, pages, words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict

from workspaces import audit
from workspaces.models import AuditEvent, Workspace
from workspaces.pages import PAGE_SIZE

_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_WORDS = {"scim": "SCIM", "idp": "IdP", "api": "API"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the log is asked for. Empty means everything."""

    who: str = ""
    what: str = ""
    object: str = ""
    start: date | None = None
    end: date | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Filters:
        """Return the filters of a URL. What cannot be read is left out."""
        return cls(
            who=_text(query, "who"),
            what=_text(query, "what"),
            object=_text(query, "object"),
            start=_date(query, "from"),
            end=_date(query, "to"),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left out."""
        return self == Filters()


@dataclass(frozen=True, slots=True)
class EventPage:
    """Up to 50 events, newest first, and the events that the next pages start at."""

    events: list[AuditEvent]
    newer: str | None
    older: str | None


def events(workspace: Workspace, filters: Filters) -> QuerySet[AuditEvent]:
    """Return the events that the filters leave, newest first."""
    found = AuditEvent.objects.filter(workspace=workspace).order_by("-id")
    if filters.who:
        who = filters.who
        found = found.filter(
            Q(actor_label__icontains=who) | Q(actor__email_key__icontains=who.lower())
        )
    if filters.what:
        found = found.filter(action=filters.what)
    if filters.object:
        thing = filters.object
        found = found.filter(
            Q(target_label__icontains=thing) | Q(target_id=thing) | Q(request_id=thing)
        )
    if filters.start:
        found = found.filter(at__gte=_start_of(filters.start))
    if filters.end:
        found = found.filter(at__lt=_start_of(filters.end) + timedelta(days=1))
    return found


def page(
    workspace: Workspace, filters: Filters, *, before: str = "", after: str = ""
) -> EventPage:
    """Return a page by the public id of its neighbour: never a count, never a skip."""
    found = events(workspace, filters)
    edge = _edge(workspace, before or after)
    if edge is not None and after and not before:
        rows = list(found.filter(pk__gt=edge).order_by("id")[: PAGE_SIZE + 1])
        has_newer, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        return _page(rows, has_newer=has_newer, has_older=True)
    if edge is not None:
        found = found.filter(pk__lt=edge)
    rows = list(found[: PAGE_SIZE + 1])
    has_older = len(rows) > PAGE_SIZE
    return _page(rows[:PAGE_SIZE], has_newer=edge is not None, has_older=has_older)


def label_of(action: str) -> str:
    """Return an action in words: `SCIM token generated`."""
    _, _, rest = action.partition(".")
    words = rest.replace("_", " ").replace(".", " ").split()
    text = " ".join(_WORDS.get(word, word) for word in words)
    return text[:1].upper() + text[1:]


def actions() -> list[tuple[str, str]]:
    """Return every known action with its words, in the order of the words."""
    known = [(action, label_of(action)) for action in audit.registered()]
    return sorted(known, key=lambda pair: pair[1].lower())


def _page(rows: list[AuditEvent], *, has_newer: bool, has_older: bool) -> EventPage:
    return EventPage(
        rows,
        newer=str(rows[0].public_id) if rows and has_newer else None,
        older=str(rows[-1].public_id) if rows and has_older else None,
    )


def _edge(workspace: Workspace, public_id: str) -> int | None:
    try:
        key = uuid.UUID(public_id)
    except ValueError:
        return None
    found = AuditEvent.objects.filter(workspace=workspace, public_id=key)
    return found.values_list("pk", flat=True).first()


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "").strip()[:200]


def _date(query: QueryDict, name: str) -> date | None:
    try:
        given = date.fromisoformat(query.get(name, ""))
    except ValueError:
        return None
    # Beyond these years neither database nor clock can count on.
    return given if _FIRST_YEAR <= given.year <= _LAST_YEAR else None


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
