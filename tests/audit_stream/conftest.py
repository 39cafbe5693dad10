"""A log to stream, and a worker for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integrations.audit_stream import services, streaming
from integrations.audit_stream.services import Destination
from integrations.models import AuditStream
from workspaces import audit, audit_chain, leases
from workspaces.clock import database_now
from workspaces.models import AuditChain, Job, User, Workspace


def write_events(workspace: Workspace, count: int) -> int:
    """Add events to a log and seal them. Returns the length of its chain."""
    for _ in range(count):
        audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
    audit_chain.seal(workspace.pk)
    return AuditChain.objects.get(workspace=workspace).length


Stream = Callable[..., AuditStream]


@pytest.fixture
def stream_to(workspace: Workspace, alice: User) -> Stream:
    """Set a stream of the whole log up."""

    def save(
        transport: str, address: str, layout: str = "ocsf", **more: str
    ) -> AuditStream:
        return services.save(
            workspace,
            Destination(transport, address, layout, **more),
            whole_log=True,
            actor=alice,
            now=database_now(),
        )

    return save


def work(workspace: Workspace) -> Job:
    """Carry the one job of the stream out, whenever it is due."""
    audit_chain.seal(workspace.pk)
    streaming.ask_for_due(database_now())
    waiting = Job.objects.filter(kind=streaming.JOB, state__in=Job.WAITING)
    waiting.update(due_at=database_now())
    job = leases.claim(worker="w", now=database_now(), only=waiting.get().public_id)
    assert job is not None
    leases.carry_out(job)
    job.refresh_from_db()
    return job
