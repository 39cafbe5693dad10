"""Events in CEF, OCSF and syslog: what is in them, and that nothing breaks out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from integrations.audit_stream.formats import cef, ocsf, ocsf_event
from integrations.audit_stream.syslog import message

LINE: dict[str, Any] = {
    "id": "0d5e1c1e-6a0e-4d28-9f0a-0d4bb5f0a001",
    "at": "2026-11-22T10:00:00.250000+00:00",
    "action": "tokens.scim_token.generated",
    "actor": "Alice",
    "target_type": "scim_token",
    "target_id": "k1",
    "target": "okta-prod",
    "data": {"overlap": "now"},
    "address": "203.0.113.9",
    "request_id": "r-1",
    "sequence": 7,
    "digest": "ab" * 32,
}


def line(**changes: Any) -> dict[str, Any]:
    return {**LINE, **changes}


def test_cef_holds_all_that_the_log_does() -> None:
    text = cef(LINE, workspace="acme")

    assert text.startswith(
        "CEF:0|Keyway|Keyway|1|tokens.scim_token.generated|SCIM token generated|3|"
        "rt=1795341600250 externalId=0d5e1c1e"
    )
    for part in (
        "suser=Alice",
        "src=203.0.113.9",
        "outcome=success",
        "cn1Label=sequence cn1=7",
        "cs1=acme",
        "cs4Label=target cs4=okta-prod",
        'cs6={"overlap": "now"}',
        f"flexString1={'ab' * 32}",
    ):
        assert part in text


@pytest.mark.parametrize(
    "name", ["a|b", "a=b", "a\\=b", "one\ntwo", "one\r\ntwo", "é 🚀", "a suser=root"]
)
def test_cef_value_stays_in_its_field(name: str) -> None:
    text = cef(line(actor=name, target=name), workspace="acme")

    value = text.partition(" suser=")[2].partition(" outcome=")[0]
    unescaped = re.sub(
        r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value
    )
    assert unescaped == name
    assert "\n" not in text
    assert "\r" not in text
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", text)) >= 7


def test_cef_leaves_out_what_is_empty_and_names_ipv6() -> None:
    text = cef(line(target_type="", target="", address="2001:db8::1"), workspace="a")

    assert "cs2" not in text
    assert "c6a2Label=Source IPv6 Address c6a2=2001:db8::1" in text
    assert " src=" not in text


def test_ocsf_entity_management_has_what_its_class_wants() -> None:
    event = ocsf_event(LINE, workspace="acme")

    assert (event["class_uid"], event["category_uid"]) == (3004, 3)
    assert (event["activity_id"], event["type_uid"]) == (1, 300401)
    assert event["time"] == 1795341600250
    assert event["entity"] == {"type": "scim_token", "name": "okta-prod", "uid": "k1"}
    assert event["actor"]["user"]["name"] == "Alice"
    assert event["src_endpoint"] == {"ip": "203.0.113.9"}
    assert event["metadata"]["uid"] == LINE["id"]
    assert event["metadata"]["sequence"] == 7
    assert event["metadata"]["product"]["vendor_name"] == "Keyway"
    assert event["unmapped"] == LINE


@pytest.mark.parametrize(
    ("action", "activity", "status"),
    [
        ("workspaces.session.signed_in", 300201, 1),
        ("workspaces.session.signed_out", 300202, 1),
        ("workspaces.session.failed", 300201, 2),
        ("workspaces.permission.refused", 300403, 2),
        ("integrations.integration.deleted", 300404, 1),
        ("workspaces.audit_log.exported", 300402, 1),
        ("integrations.integration.settings_changed", 300403, 1),
    ],
)
def test_ocsf_class_and_activity_follow_the_action(
    action: str, activity: int, status: int
) -> None:
    event = ocsf_event(line(action=action, target_type=""), workspace="acme")

    assert (event["type_uid"], event["status_id"]) == (activity, status)
    assert event["user" if activity < 300300 else "entity"]


def test_ocsf_is_one_line_of_json() -> None:
    text = ocsf(line(actor="one\ntwo", address=None), workspace="acme")

    assert "\n" not in text
    assert json.loads(text)["actor"]["user"]["name"] == "one\ntwo"


def test_syslog_header_is_that_of_rfc_5424() -> None:
    said = message(line(action="workspaces.session.failed"), "CEF:0|é").decode()

    assert said == (
        "<108>1 2026-11-22T10:00:00.250000+00:00 testserver keyway - audit "
        '[meta sequenceId="7"] CEF:0|é'
    )


def test_syslog_sequence_begins_anew_where_the_rfc_ends_it() -> None:
    """RFC 5424 section 7.3.1: from 1 to 2147483647."""
    assert b'sequenceId="1"' in message(line(sequence=2**31), "")
