"""The silence alarm: a connection that is silent for much longer than usual.

What is usual is learnt from its own requests, anew each day. A silence is told once,
and so is its end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import Max, OuterRef, QuerySet, Subquery

from integrations.audit import Action
from integrations.models import ConnectionWatch
from integrations.watching import notices
from integrations.watching.connections import target_of
from scim.models import RequestRecord
from scim.rhythm import rhythm_of
from tokens import ways
from workspaces import audit
from workspaces.models import Directory, User, Workspace

SHORTEST = timedelta(hours=1)
TIMES = 3
LEARN_EVERY = timedelta(days=1)
LEARN_AT_MOST = 500
AWAY = timedelta(hours=1)
"""If nobody looked for so long, Keyway itself was down: silence counts from now on."""


def look(workspace: Workspace, *, now: datetime) -> dict[str, int]:
    """Learn, and tell of connections that fell silent or are heard again."""
    expected = _expected(workspace, now)
    _note_presence(workspace, expected, now=now)
    watches = ConnectionWatch.objects.filter(directory__workspace=workspace)
    _learn(watches.filter(directory__in=expected), now=now)
    # Who has no way in is not expected to call.
    watches.exclude(silent_since=None).exclude(directory__in=expected).update(
        silent_since=None
    )
    told = {"silent": 0, "heard_again": 0}
    for watch in _with_last_call(watches.filter(directory__in=expected)):
        if watch.silent_since is not None:
            told["heard_again"] += _note_heard(watch, now=now)
        elif _is_too_long(watch, now=now):
            told["silent"] += _note_silence(watch, now=now)
    return told


@transaction.atomic
def switch(directory: Directory, *, on: bool, actor: User, now: datetime) -> bool:
    """Turn the alarm of a connection on or off. False if that was so before."""
    watch, _ = ConnectionWatch.objects.get_or_create(
        directory=directory, defaults={"watched_since": now}
    )
    changed = ConnectionWatch.objects.filter(pk=watch.pk, tells_silence=not on)
    if not changed.update(tells_silence=on, silent_since=None, watched_since=now):
        return False
    audit.record(
        Action.SILENCE_ALARM_CHANGED,
        workspace=directory.workspace,
        actor=actor,
        target=target_of(directory),
        data={"on": on},
    )
    return True


def _expected(workspace: Workspace, now: datetime) -> QuerySet[Directory]:
    """Return the connections that something opens."""
    return ways.open_directories(now).filter(workspace=workspace)


def _note_presence(
    workspace: Workspace, expected: QuerySet[Directory], *, now: datetime
) -> None:
    """Remember that somebody looks, and begin to watch what is new."""
    ConnectionWatch.objects.bulk_create(
        (
            ConnectionWatch(directory=each, watched_since=now)
            for each in expected.filter(watch=None)
        ),
        ignore_conflicts=True,
    )
    watches = ConnectionWatch.objects.filter(directory__workspace=workspace)
    looked_at = watches.aggregate(at=Max("looked_at"))["at"]
    if looked_at is None or now - looked_at > AWAY:
        watches.update(watched_since=now)
    watches.update(looked_at=now)


def _learn(watches: QuerySet[ConnectionWatch], *, now: datetime) -> None:
    due = watches.exclude(learnt_at__gt=now - LEARN_EVERY).select_related("directory")
    for watch in due.order_by("learnt_at")[:LEARN_AT_MOST]:
        rhythm = rhythm_of(watch.directory, now=now)
        if rhythm is None:
            watch.usual_gap = watch.alarm_after = None
        else:
            watch.usual_gap = rhythm.usual
            watch.alarm_after = max(
                TIMES * max(rhythm.usual, SHORTEST), rhythm.second_longest
            )
        watch.learnt_at = now
        watch.save(update_fields=["usual_gap", "alarm_after", "learnt_at"])


def _with_last_call(watches: QuerySet[ConnectionWatch]) -> QuerySet[ConnectionWatch]:
    newest = RequestRecord.objects.filter(directory=OuterRef("directory"))
    return (
        watches.filter(tells_silence=True)
        .exclude(alarm_after=None, silent_since=None)
        .select_related("directory__workspace")
        .annotate(last_call_at=Subquery(newest.order_by("-id").values("at")[:1]))
    )


def _last_call_at(watch: ConnectionWatch) -> datetime | None:
    return cast("datetime | None", watch.last_call_at)  # type: ignore[attr-defined]


def _is_too_long(watch: ConnectionWatch, *, now: datetime) -> bool:
    last = _last_call_at(watch)
    if last is None or watch.alarm_after is None:
        return False
    return now - max(last, watch.watched_since) > watch.alarm_after


@transaction.atomic
def _note_silence(watch: ConnectionWatch, *, now: datetime) -> int:
    last = _last_call_at(watch)
    news = ConnectionWatch.objects.filter(pk=watch.pk, silent_since=None)
    if last is None or not news.update(silent_since=last):
        return 0
    _tell(Action.CONNECTION_SILENT, watch, since=last, now=now)
    return 1


@transaction.atomic
def _note_heard(watch: ConnectionWatch, *, now: datetime) -> int:
    since, last = watch.silent_since, _last_call_at(watch)
    if since is None or last is None or last <= since:
        return 0
    news = ConnectionWatch.objects.filter(pk=watch.pk, silent_since=since)
    if not news.update(silent_since=None):
        return 0
    _tell(Action.CONNECTION_HEARD_AGAIN, watch, since=since, now=now)
    return 1


def _tell(
    action: Action, watch: ConnectionWatch, *, since: datetime, now: datetime
) -> None:
    directory = watch.directory
    usual = watch.usual_gap or SHORTEST
    event = audit.record(
        action,
        workspace=directory.workspace,
        actor=None,
        target=target_of(directory),
        data={
            "directory": directory.key,
            "silent_since": since.isoformat(timespec="seconds"),
            "usual_gap_seconds": round(usual.total_seconds()),
        },
    )
    notices.tell(event, f"{directory.key}:{event.public_id}", now=now)
