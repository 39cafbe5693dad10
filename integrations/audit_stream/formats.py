"""What one event looks like to a log system: CEF and OCSF.

Pure functions. They take what `workspaces.audit_chain.content` tells of an event,
with its `digest`: what arrives can be verified like an export.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Any

import orjson

from integrations.models import AuditStream
from workspaces import audit_log

Line = Mapping[str, Any]
"""An event: `id`, `at`, `action`, `actor`, `target…`, `data`, `sequence`, `digest`."""

OCSF_VERSION = "1.3.0"
_FAILED = ("failed", "refused", "denied")
_DELETES = (
    "deleted",
    "removed",
    "revoked",
    "left",
    "stopped",
    "pruned",
    "deprovisioned",
)
_CREATES = (
    "added",
    "created",
    "generated",
    "invited",
    "joined",
    "provisioned",
    "set_up",
)
_READS = ("exported", "viewed", "shown", "taken")
_ENTITY_MANAGEMENT, _AUTHENTICATION = 3004, 3002
_SESSIONS = {
    "workspaces.session.signed_in": (1, True),
    "workspaces.session.failed": (1, False),
    "workspaces.session.second_step_failed": (1, False),
    "workspaces.session.signed_out": (2, True),
}
"""OCSF's activity, 1 Logon and 2 Logoff, and whether it went well."""


def has_failed(line: Line) -> bool:
    """Say whether the event tells of something that was refused or went wrong."""
    return str(line["action"]).endswith(_FAILED)


def cef(line: Line, *, workspace: str) -> str:
    """Return an event in ArcSight's Common Event Format, version 0."""
    action = str(line["action"])
    severity = 6 if has_failed(line) else 3
    header = ["CEF:0", "Keyway", "Keyway", "1", action, audit_log.label_of(action)]
    details = json.dumps(line["data"], sort_keys=True, ensure_ascii=False)
    fields = {
        "rt": _milliseconds(line),
        "externalId": line["id"],
        "suser": line["actor"],
        "outcome": "failure" if has_failed(line) else "success",
        **_source(line["address"]),
        **_labelled("cn1", "sequence", line["sequence"]),
        **_labelled("cs1", "workspace", workspace),
        **_labelled("cs2", "targetType", line["target_type"]),
        **_labelled("cs3", "targetId", line["target_id"]),
        **_labelled("cs4", "target", line["target"]),
        **_labelled("cs5", "requestId", line["request_id"]),
        **_labelled("cs6", "details", details),
        **_labelled("flexString1", "digest", line["digest"]),
    }
    extension = " ".join(f"{key}={_in_field(fields[key])}" for key in fields)
    parts = [*map(_in_header, header), str(severity), extension]
    return "|".join(parts)


def ocsf(line: Line, *, workspace: str) -> str:
    """Return an event as JSON of the Open Cybersecurity Schema Framework."""
    return orjson.dumps(ocsf_event(line, workspace=workspace)).decode()


def ocsf_event(line: Line, *, workspace: str) -> dict[str, Any]:
    """Return an event of the class Authentication or Entity Management."""
    action = str(line["action"])
    person = {"name": line["actor"], "type_id": 1}
    if line["actor"] == "Keyway":
        person = {"name": "Keyway", "type_id": 3}
    if action in _SESSIONS:
        activity, is_fine = _SESSIONS[action]
        kind: dict[str, Any] = {"user": person, "service": {"name": "Keyway"}}
        class_uid = _AUTHENTICATION
    else:
        activity, is_fine = _activity(action), not has_failed(line)
        kind = {"entity": _entity(line, workspace), "actor": {"user": person}}
        class_uid = _ENTITY_MANAGEMENT
    event = {
        "class_uid": class_uid,
        "category_uid": 3,
        "activity_id": activity,
        "activity_name": action,
        "type_uid": class_uid * 100 + activity,
        "severity_id": 1 if is_fine else 3,
        "status_id": 1 if is_fine else 2,
        "time": _milliseconds(line),
        "message": audit_log.label_of(action),
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Keyway", "vendor_name": "Keyway"},
            "uid": line["id"],
            "sequence": line["sequence"],
            "event_code": action,
            "profiles": ["host"],
            "tenant_uid": workspace,
            "correlation_uid": line["request_id"],
        },
        **kind,
        "unmapped": dict(line),
    }
    if line["address"]:
        event["src_endpoint"] = {"ip": line["address"]}
    return event


FORMATS: dict[str, Callable[..., str]] = {
    AuditStream.Format.CEF: cef,
    AuditStream.Format.OCSF: ocsf,
}


def _milliseconds(line: Line) -> int:
    return int(datetime.fromisoformat(line["at"]).timestamp() * 1000)


def _activity(action: str) -> int:
    """Return OCSF's activity: 1 Create, 2 Read, 3 Update, 4 Delete."""
    verb = action.rpartition(".")[2]
    for number, verbs in ((4, _DELETES), (1, _CREATES), (2, _READS)):
        if verb.endswith(verbs):
            return number
    return 3


def _entity(line: Line, workspace: str) -> dict[str, str]:
    """Return what was acted on; the workspace where the event names nothing else."""
    if not line["target_type"]:
        return {"type": "workspace", "name": workspace, "uid": workspace}
    return {
        "type": line["target_type"],
        "name": line["target"],
        "uid": line["target_id"],
    }


def _source(address: str | None) -> dict[str, str]:
    if address is None:
        return {}
    if isinstance(ip_address(address), IPv6Address):
        return _labelled("c6a2", "Source IPv6 Address", address)
    return {"src": address}


def _labelled(key: str, label: str, value: object) -> dict[str, str]:
    """Return a field whose meaning is ours to name; nothing for an empty one."""
    return {f"{key}Label": label, key: str(value)} if value else {}


def _in_header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _in_field(value: object) -> str:
    """Return a value of the extension. A line break cannot begin another event."""
    text = str(value).replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\r", "\\r").replace("\n", "\\n")
