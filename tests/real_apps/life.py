"""The whole life of one account in a real app: a short form of the contract test.

For apps whose pages are too slow for a new account in each test.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.connectors.base import PermanentFailure, Session
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount


def lead_a_life(session: Session, wanted: DesiredAccount, group: str) -> None:
    """Take an account from its creation to its end, each act twice where it must."""
    session.check()
    assert session.find_account(wanted.username) is None

    made = session.create_account(wanted)
    assert made == ObservedAccount(
        external_id=made.external_id,
        username=wanted.username,
        email=wanted.email,
        given_name=wanted.given_name,
        family_name=wanted.family_name,
    )
    assert session.get_account(made.external_id) == made
    assert session.find_account(wanted.username) == made
    assert session.find_account(wanted.username[:-1]) is None
    with pytest.raises(PermanentFailure, match="already"):
        session.create_account(replace(wanted, email=f"other-{wanted.email}"))

    held = _of_name(session, group)
    for _ in range(2):
        session.grant(made.external_id, held)
        session.deactivate_account(made.external_id)
    renamed = replace(wanted, username=f"re-{wanted.username}", given_name="Bea")
    session.update_account(made.external_id, renamed)
    listed = {each.external_id: each for each in session.list_accounts()}
    assert listed[made.external_id] == replace(
        made,
        username=renamed.username,
        given_name="Bea",
        active=False,
        entitlements=frozenset({(held.kind, held.external_id)}),
    )

    for _ in range(2):
        session.reactivate_account(made.external_id)
        session.revoke(made.external_id, held)
    assert session.get_account(made.external_id) == replace(
        made, username=renamed.username, given_name="Bea"
    )

    for _ in range(2):
        session.delete_account(made.external_id)
    assert session.get_account(made.external_id) is None
    session.revoke(made.external_id, held)
    with pytest.raises(PermanentFailure, match="no such account"):
        session.update_account(made.external_id, wanted)


def _of_name(session: Session, name: str) -> Entitlement:
    return next(each for each in session.list_entitlements() if each.name == name)
