"""The reference of audit actions is what the code declares, and what it writes."""

from __future__ import annotations

import re

import pytest

from tests.described import UndescribedDetails, require_described
from tokens.audit import Action
from workspaces import audit, audit_reference
from workspaces.management.commands import write_audit_actions
from workspaces.models import AuditEvent, Workspace


def test_written_page_is_current() -> None:
    assert write_audit_actions.PAGE.read_text() == audit_reference.page(), (
        "manage.py write_audit_actions"
    )


def test_every_action_says_when_it_is_written() -> None:
    found = [
        each
        for kind in audit.enumerations()
        for each in audit_reference.described(kind)
    ]

    assert sorted(each.action for each in found) == audit.registered()
    assert [each.action for each in found if not each.text.endswith(".")] == []


def test_page_has_a_line_for_each_action() -> None:
    rows = re.findall(r"\| `(\w+\.\w+\.\w+)` \|", write_audit_actions.PAGE.read_text())

    assert sorted(rows) == audit.registered()


def test_details_are_the_names_in_backticks() -> None:
    described = {each.action: each for each in audit_reference.described(Action)}

    assert described[Action.REPLACED].details == {"directory", "replaced_by", "overlap"}
    assert described[Action.API_REVOKED].details == frozenset()


def test_event_with_a_detail_that_is_not_described_fails_the_test(
    workspace: Workspace,
) -> None:
    event = AuditEvent(action=Action.API_REVOKED, data={"value": "kwa_"})

    with pytest.raises(UndescribedDetails, match="value"):
        require_described(event)
