"""The hash chain over the audit log: each event vouches for all before it.

An event is written in the transaction of its change, and sealed right after that
transaction: it gets its place in the chain of its workspace, and the digest of
itself and its forerunner. Sealing apart keeps changes from waiting for each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce

from workspaces import checkpoints
from workspaces.checkpoints import Checkpoint
from workspaces.clock import database_now
from workspaces.key_ring import in_use
from workspaces.models import AuditChain, AuditEvent, Job, Workspace

JOB = "workspaces.seal_audit_log"
EVERY = timedelta(minutes=10)
GRACE = timedelta(hours=1)
"""How long an event may stay without a seal: a crash between, then the job's turn."""

_BATCH = 500
_DELETED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain. `place` is that of the event, or None."""

    place: int | None
    message: str

    def __str__(self) -> str:
        return f"Event {self.place}: {self.message}" if self.place else self.message


def content(event: AuditEvent) -> dict[str, Any]:
    """Return what is told of an event outside Keyway, and what its digest covers."""
    return {
        "id": str(event.public_id),
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": event.action,
        "actor": event.actor_label,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "target": event.target_label,
        "data": event.data,
        "address": event.address,
        "request_id": event.request_id,
        "sequence": event.sequence,
    }


def digest_of(event: AuditEvent, *, previous: str) -> str:
    """Return the SHA-256, in hex, of the digest before and the event's JSON.

    The JSON has sorted keys, no spaces, and escapes for all but ASCII.
    """
    text = json.dumps(content(event), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def seal_after_commit(workspace_id: int | None) -> None:
    """Seal what the present transaction adds, once it is there to be seen."""
    transaction.on_commit(partial(seal, workspace_id), robust=True)


def seal(workspace_id: int | None) -> int:
    """Give every event that has none its place. Returns how many there were."""
    sealed = 0
    while _unsealed(workspace_id).exists():
        sealed += _seal_batch(workspace_id)
    return sealed


@transaction.atomic
def _seal_batch(workspace_id: int | None) -> int:
    chain = _locked(workspace_id)
    events = list(_unsealed(workspace_id).order_by("id")[:_BATCH])
    for event in events:
        event.sequence = chain.length + 1
        event.digest = digest_of(event, previous=chain.digest)
        AuditEvent.sealing.filter(pk=event.pk).update(
            sequence=event.sequence, digest=event.digest
        )
        chain.length, chain.digest = event.sequence, event.digest
    chain.save(update_fields=["length", "digest"])
    return len(events)


def carry_out(job: Job) -> None:
    """Seal what a crash left over, and what belongs to no workspace."""
    for workspace_id in (job.workspace_id, None):
        seal(workspace_id)


def checkpoint(workspace: Workspace | None) -> Checkpoint:
    """Return how the chain stands, signed: to be kept where nobody here can reach it."""
    chain = AuditChain.objects.filter(workspace=workspace).first() or AuditChain()
    return checkpoints.sign(
        log=str(workspace.public_id) if workspace else "",
        length=chain.length,
        digest=chain.digest,
        at=database_now(),
    )


def pruned_under(number: int) -> int:
    """Return how many logs were pruned up to a checkpoint that one key signed."""
    return AuditChain.objects.filter(pruned__key=number).count()


def sign_pruned_anew() -> int:
    """Sign what says where pruned logs begin with the key in use. Returns how many.

    One whose signature is wrong stays as it is, for `verify` to find.
    """
    return sum(map(_sign_anew, AuditChain.objects.exclude(pruned=None)))


@transaction.atomic
def _sign_anew(chain: AuditChain) -> bool:
    chain = AuditChain.objects.select_for_update(of=("self",)).get(pk=chain.pk)
    old = Checkpoint.from_json(chain.pruned)
    if old.key == in_use(settings.KEYWAY_TOKEN_KEYS) or not checkpoints.is_genuine(
        old, log=old.log
    ):
        return False
    chain.pruned = checkpoints.sign(
        log=old.log,
        length=old.length,
        digest=old.digest,
        at=datetime.fromisoformat(old.at),
    ).as_json()
    chain.save(update_fields=["pruned"])
    return True


@transaction.atomic
def prune(workspace: Workspace, *, before: datetime) -> int:
    """Delete the events before a time; what stays can still be verified.

    Returns how many. The end of what goes is kept as a signed checkpoint.
    """
    chain = _locked(workspace.pk)
    stays = _chain_of(workspace).filter(at__gte=before).order_by("sequence").first()
    length = stays.sequence - 1 if stays and stays.sequence else chain.length
    going = AuditEvent.sealing.filter(workspace=workspace, sequence__lte=length)
    last = going.filter(sequence=length).first()
    if last is None:
        return 0
    signed = checkpoints.sign(
        log=str(workspace.public_id),
        length=length,
        digest=last.digest,
        at=database_now(),
    )
    chain.pruned = signed.as_json()
    # First: the database deletes nothing behind the end that is recorded.
    chain.save(update_fields=["pruned"])
    return _delete_to(length, workspace)


def _delete_to(length: int, workspace: Workspace) -> int:
    """Delete the events up to a place, in statements that no timeout ends."""
    oldest = following(workspace, 0).first()
    first = (oldest.sequence if oldest else None) or length + 1
    events = _by_place(AuditEvent.sealing, workspace)
    count = 0
    for place in range(first, length + 1, _DELETED_AT_ONCE):
        last = min(place + _DELETED_AT_ONCE - 1, length)
        deleted, _ = events.filter(sequence__range=(place, last)).delete()
        count += deleted
    return count


def following(workspace: Workspace, place: int) -> QuerySet[AuditEvent]:
    """Return the sealed events behind a place of the chain, in their order."""
    events = _by_place(AuditEvent.objects, workspace)
    return events.filter(sequence__gt=place).order_by("sequence")


def _by_place(
    events: models.Manager[AuditEvent], workspace: Workspace
) -> QuerySet[AuditEvent]:
    """Ask as the index of places is built, so that it costs what it returns."""
    log = Coalesce("workspace", Value(0))
    return events.alias(log=log).filter(log=workspace.pk)


def length_kept(workspace: Workspace | None) -> int:
    """Return how many sealed events a log has, by its chain."""
    chain = AuditChain.objects.filter(workspace=workspace).first() or AuditChain()
    return chain.length - (chain.pruned["length"] if chain.pruned else 0)


def verify(
    workspace: Workspace | None,
    *,
    known: Checkpoint | None = None,
    told: Callable[[int], object] = lambda _count: None,
) -> Iterator[Fault]:
    """Yield what is wrong with a chain: edits, gaps, another order, a cut end.

    `known` is a checkpoint that was kept elsewhere. An empty result vouches for
    every event from the first one kept to the last one sealed. `told` hears of each
    event that was looked at.
    """
    log = str(workspace.public_id) if workspace else ""
    chain = AuditChain.objects.filter(workspace=workspace).first() or AuditChain()
    start = Checkpoint(log, 0, "", "")
    if chain.pruned:
        start = Checkpoint.from_json(chain.pruned)
        if not checkpoints.is_genuine(start, log=log):
            yield Fault(None, "The checkpoint of what was pruned is not genuine.")
    place, digest = start.length, start.digest
    for event in _chain_of(workspace).order_by("sequence").iterator(chunk_size=1000):
        told(1)
        found = event.sequence or 0
        if found != place + 1:
            yield Fault(place + 1, _gap(place + 1, found - 1))
        elif digest_of(event, previous=digest) != event.digest:
            yield Fault(found, "This event was changed, or one before it was swapped.")
        place, digest = found, event.digest
        if known and place == known.length and digest != known.digest:
            yield Fault(place, f"The log differs from the checkpoint of {known.at}.")
    yield from _end(chain, place, digest, known=known)
    yield from _overdue(workspace)


def _end(
    chain: AuditChain, place: int, digest: str, *, known: Checkpoint | None
) -> Iterator[Fault]:
    length = max(chain.length, known.length if known else 0)
    if place < length:
        yield Fault(place + 1, _gap(place + 1, length))
    elif (place, digest) != (chain.length, chain.digest):
        yield Fault(place, "This event was added behind the end of the chain.")


def _overdue(workspace: Workspace | None) -> Iterator[Fault]:
    """Yield a fault if events wait for their seal although sealing runs."""
    limit = database_now() - GRACE
    waiting = _unsealed(workspace.pk if workspace else None)
    count = waiting.filter(at__lt=limit).count()
    if count:
        yield Fault(None, f"{count} events have no seal. Is a worker running?")


def _gap(first: int, last: int) -> str:
    return "This event is missing." if first == last else f"Missing up to {last}."


def _chain_of(workspace: Workspace | None) -> Any:
    return AuditEvent.objects.filter(workspace=workspace).exclude(sequence=None)


def _unsealed(workspace_id: int | None) -> Any:
    return AuditEvent.objects.filter(workspace=workspace_id, sequence=None)


def _locked(workspace_id: int | None) -> AuditChain:
    """Return the chain, which nobody else can prolong before we commit."""
    AuditChain.objects.bulk_create(
        [AuditChain(workspace_id=workspace_id)], ignore_conflicts=True
    )
    return AuditChain.objects.select_for_update(of=("self",)).get(
        workspace=workspace_id
    )
