"""Set a stream up, change it, test it, stop it. Owners do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from integrations.audit import Action
from integrations.audit_stream import streaming
from integrations.models import AuditStream
from integrations.models.audit_stream import url_of
from workspaces import audit, secrets
from workspaces.confirmable import Action as Confirmed
from workspaces.confirmable import Subject
from workspaces.models import AuditChain, User, Workspace
from workspaces.permissions import Permission
from workspaces.sealed import SealedColumn

SEND = Confirmed(
    "integrations.audit_stream.send",
    "choose where the audit log goes",
    "Continue",
    Permission.MANAGE_POLICY,
    setting="Stream the audit log, or change its destination",
)
"""The log leaves this house: a workspace can ask who says where it goes."""
SEALED = SealedColumn(
    AuditStream,
    "sealed_header",
    lambda stream: stream.header_address,
    related=("workspace",),
)


class HeaderNeeded(ValueError):
    """The value of the header was entered for another address, or never."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where events go, and how. `header_value` empty keeps the present one."""

    transport: str
    address: str
    format: str
    authority: str = ""
    header_name: str = ""
    header_value: str = ""


def subject_of(workspace: Workspace) -> Subject:
    """Return what a confirmation of a destination is about: the workspace."""
    return Subject(str(workspace.public_id), workspace.name)


@transaction.atomic
def save(
    workspace: Workspace,
    destination: Destination,
    *,
    whole_log: bool = False,
    actor: User,
    now: datetime,
) -> AuditStream:
    """Stream the log of a workspace to a destination, from now on or from its start.

    A stream that is there goes on where it stands. Raises HeaderNeeded.
    """
    # The lock makes the second of two who set it up see the first one's.
    Workspace.objects.select_for_update(of=("self",)).get(pk=workspace.pk)
    stream = AuditStream.objects.filter(workspace=workspace).first()
    is_new = stream is None
    if stream is None:
        stream = AuditStream(workspace=workspace)
        stream.sequence = 0 if whole_log else _length(workspace)
    sealed = _sealed(stream, destination)
    stream.transport = destination.transport
    stream.address = destination.address
    stream.format = destination.format
    stream.authority = destination.authority
    stream.header_name = destination.header_name
    stream.sealed_header = sealed
    stream.failures, stream.failing_since, stream.last_error = 0, None, ""
    stream.changed_at = now
    stream.save()
    audit.record(
        Action.STREAM_SET_UP if is_new else Action.STREAM_CHANGED,
        workspace=workspace,
        actor=actor,
        target=stream,
        data={"format": stream.format, "from_sequence": stream.sequence},
    )
    streaming.wake(stream, now=now)
    return stream


@transaction.atomic
def test(stream: AuditStream, *, actor: User, now: datetime) -> None:
    """Write an event into the log, and let it be sent at once as any other."""
    audit.record(
        Action.STREAM_TESTED, workspace=stream.workspace, actor=actor, target=stream
    )
    streaming.wake(stream, now=now)


@transaction.atomic
def stop(stream: AuditStream, *, actor: User) -> None:
    """Forget the destination, its header and how far it has come."""
    audit.record(
        Action.STREAM_STOPPED, workspace=stream.workspace, actor=actor, target=stream
    )
    stream.delete()


def _sealed(stream: AuditStream, destination: Destination) -> str:
    """Return the header's value encrypted. Raises HeaderNeeded.

    What is kept goes on to the address for which it was entered, and to no other.
    """
    if not destination.header_name:
        return ""
    if destination.header_value:
        return secrets.encrypt(destination.header_value, stream.header_address)
    there = url_of(destination.transport, destination.address)
    is_kept = bool(stream.sealed_header) and stream.url == there
    if not is_kept or stream.header_name != destination.header_name:
        raise HeaderNeeded(
            "Enter the value of the header. Keyway sends it only to the address for "
            "which it was entered."
        )
    return stream.sealed_header


def _length(workspace: Workspace) -> int:
    chain = AuditChain.objects.filter(workspace=workspace).first()
    return chain.length if chain else 0
