"""The audit log as files, and a signed checkpoint of it. Each is recorded in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.http import HttpResponse, QueryDict, StreamingHttpResponse

from workspaces import audit, audit_chain, audit_log
from workspaces.csv_export import csv_response
from workspaces.models import AuditEvent, User, Workspace

_HEADER = [
    *("Time (UTC)", "Who", "What", "Object type", "Object", "Object id"),
    *("Address", "Request id", "Details"),
]


def table(
    workspace: Workspace, query: QueryDict, *, actor: User
) -> StreamingHttpResponse:
    """Answer with the log as CSV, filtered as the query of an address says."""
    events = _exported(workspace, query, actor=actor, form="CSV")
    return csv_response("audit-log", _HEADER, (_cells(event) for event in events))


def lines(
    workspace: Workspace, query: QueryDict, *, actor: User
) -> StreamingHttpResponse:
    """Answer with the log as JSON lines with their digests, filtered likewise."""
    events = _exported(workspace, query, actor=actor, form="JSON lines")
    response = StreamingHttpResponse(
        (
            json.dumps(audit_chain.content(event) | {"digest": event.digest}) + "\n"
            for event in events
        ),
        content_type="application/jsonl",
    )
    response["Content-Disposition"] = 'attachment; filename="audit-log.jsonl"'
    return response


def checkpoint(workspace: Workspace, *, actor: User) -> HttpResponse:
    """Answer with a signed checkpoint."""
    audit.record(audit.Log.CHECKPOINT_TAKEN, workspace=workspace, actor=actor)
    taken = audit_chain.checkpoint(workspace)
    response = HttpResponse(
        json.dumps(taken.as_json()) + "\n", content_type="application/json"
    )
    name = f"audit-{workspace.slug}-{taken.length}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _exported(
    workspace: Workspace, query: QueryDict, *, actor: User, form: str
) -> Iterator[AuditEvent]:
    found = audit_log.events(workspace, audit_log.Filters.read(query))
    audit.record(
        audit.Log.EXPORTED,
        workspace=workspace,
        actor=actor,
        data={"filters": query.urlencode()[:500], "form": form},
    )
    return found.iterator(chunk_size=1000)


def _cells(found: AuditEvent) -> list[object]:
    details = "; ".join(f"{name}={value}" for name, value in found.data.items())
    return [
        found.at.isoformat(timespec="seconds"),
        found.actor_label,
        audit_log.label_of(found.action),
        found.target_type,
        found.target_label,
        found.target_id,
        found.address,
        found.request_id,
        details,
    ]
