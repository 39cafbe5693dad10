"""Remember every SCIM request, without a round trip of its own.

A request leaves its record in memory; a thread writes what has gathered, once a
second. A process that is killed loses at most that second of records; what the
requests changed is in Change, in their own transactions.
"""

from __future__ import annotations

import atexit
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import (
    DatabaseError,
    IntegrityError,
    close_old_connections,
    transaction,
)
from django.http import HttpRequest, HttpResponse

from scim.models import RequestRecord
from scim.protocol import user_schema
from scim.protocol.dialects import recognise
from scim.protocol.tolerances import Tolerance
from scim.protocol.types import JSON
from workspaces import rows
from workspaces.clock import database_now
from workspaces.models import Directory, Job

FLUSH_SECONDS = 1.0
MAX_WAITING = 20_000
MAX_BODY_LENGTH = 65_536
PRUNE_JOB = "scim.prune_records"
PRUNE_EVERY = timedelta(days=1)
PRUNE_BATCH = 5_000
MASK = "***"
_NAMES = "password|secret|token|credential"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Facts:
    """What the view learns of a request, for its record."""

    directory: Directory | None = None
    token_key: str = ""
    resource_id: str = ""
    tolerances: set[Tolerance] = field(default_factory=set)


_waiting: deque[dict[str, Any]] = deque(maxlen=MAX_WAITING)
_writing = threading.Lock()
_started = threading.Event()


def note(
    request: HttpRequest, response: HttpResponse, facts: Facts, *, milliseconds: float
) -> None:
    """Leave the record of one answered request. Writes nothing yet."""
    if facts.directory is None:
        return
    is_read = request.method == "GET" and response.status_code < 400
    client = request.META.get("HTTP_USER_AGENT", "")
    dialect = facts.directory.dialect
    if dialect == Directory.Dialect.AUTO:
        dialect = recognise(client, facts.tolerances)
    _waiting.append(
        {
            "directory_id": facts.directory.pk,
            "token_key": facts.token_key,
            "request_id": getattr(request, "request_id", ""),
            "method": request.method,
            # Without the query, whose filters are personal data.
            "path": _line(request.path_info, 500),
            "status": response.status_code,
            "milliseconds": round(milliseconds),
            "dialect": dialect,
            "tolerances": sorted(facts.tolerances),
            "resource_id": facts.resource_id,
            "client": _line(client, 120),
            "address": request.META.get("REMOTE_ADDR"),
            "body": "" if is_read else masked(request.body, facts.directory),
            "at": datetime.now(UTC),
        }
    )


def _line(text: str, longest: int) -> str:
    """Return text that both databases can keep."""
    return text[:longest].replace("\0", "\ufffd")


def masked(body: bytes, directory: Directory) -> str:
    """Return a body with everything secret in it replaced, cut to its limit.

    Secret is what has such a name, and what the user schema calls confidential.
    """
    if not body:
        return ""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"{len(body)} bytes that are not JSON"
    names = _secret_names(orjson.dumps(directory.user_schema))
    return orjson.dumps(_masked(value, names)).decode()[:MAX_BODY_LENGTH]


@lru_cache(maxsize=256)
def _secret_names(described: bytes) -> re.Pattern[str]:
    """Return what finds a secret's name, also in a path and in a filter."""
    schema = user_schema.read(orjson.loads(described))
    own = "|".join(map(re.escape, sorted(schema.confidential)))
    pattern = rf"{_NAMES}|(?:^|[:.\s(])(?:{own})(?:$|[.\s\[])" if own else _NAMES
    return re.compile(pattern, re.IGNORECASE)


def _masked(value: JSON, names: re.Pattern[str]) -> JSON:
    if isinstance(value, list):
        return [_masked(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    hides = names.search(str(value.get("path", ""))) is not None
    return {
        name: _masked_member(name, member, names, beside_path=hides)
        for name, member in value.items()
    }


def _masked_member(
    name: str, member: JSON, names: re.Pattern[str], *, beside_path: bool
) -> JSON:
    """Return a member of an object; `beside_path` if its `path` names a secret."""
    kind = name.lower()
    if names.search(name) or (beside_path and kind == "value"):
        return MASK
    if kind == "path" and beside_path and isinstance(member, str) and "[" in member:
        # The brackets hold the value itself.
        return f"{member.partition('[')[0]}[{MASK}]"
    if kind == "filter" and isinstance(member, str) and names.search(member):
        return MASK
    return _masked(member, names)


def flush() -> int:
    """Write what has gathered. Returns how many records."""
    with _writing:
        batch = [_waiting.popleft() for _ in range(len(_waiting))]
        if batch:
            _write(batch)
        return len(batch)


def _write(batch: list[dict[str, Any]]) -> None:
    """Write records. Those of directories that were deleted since are left out."""
    try:
        with transaction.atomic():
            rows.insert_many(RequestRecord, batch)
    except IntegrityError:
        wanted = {record["directory_id"] for record in batch}
        present = Directory.objects.filter(pk__in=wanted).values_list("pk", flat=True)
        left = set(present)
        rows.insert_many(RequestRecord, [r for r in batch if r["directory_id"] in left])


def start_writer() -> None:
    """Start this process's writing thread, once."""
    if not _started.is_set():
        _started.set()
        threading.Thread(target=_write_for_ever, name="records", daemon=True).start()
        atexit.register(_last_flush)


def prune(job: Job) -> dict[str, int]:
    """Delete the workspace's records that are older than the set time."""
    keep = timedelta(days=settings.KEYWAY_RECORD_DAYS)
    old = RequestRecord.objects.filter(
        directory__workspace=job.workspace_id, at__lt=database_now() - keep
    )
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:PRUNE_BATCH]):
        RequestRecord.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    return {"deleted": deleted}


def _write_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(FLUSH_SECONDS):
        _try_to_flush()


def _last_flush() -> None:
    _try_to_flush()


def _try_to_flush() -> None:
    try:
        flush()
    except DatabaseError:
        log.exception("request_records_lost")
    finally:
        close_old_connections()
