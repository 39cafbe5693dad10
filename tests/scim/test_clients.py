"""Conversations of real IdPs, as recorded in `scim/conversations`, played to us."""

from __future__ import annotations

import json

import pytest

from scim import records
from scim.models import RequestRecord
from scim.simulation import DIALECTS, PARTS, Exchange, Person, Send, play
from tests.conftest import ScimClient
from tests.scim.urns import ENTERPRISE

WITH_GROUPS = [dialect for dialect in DIALECTS if dialect != "google"]
"""Google Workspace sends people only."""

TAKING_OUT = ["okta", "entra"]
"""Who takes a leaver out of the groups; the others only close the account."""


@pytest.fixture
def send(scim: ScimClient) -> Send:
    """Carry a conversation to the gateway in-process."""

    def carry(
        method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        answer = scim.request(
            method,
            path,
            raw=body,
            content_type=headers["Content-Type"],
            accept=headers["Accept"],
            user_agent=headers["User-Agent"],
        )
        return answer.status, answer.text.encode()

    return carry


def heard(dialect: str, parts: list[str], send: Send) -> list[Exchange]:
    """Play the parts and check that the IdP is content with every answer."""
    exchanges = list(play(dialect, parts, Person(), send))
    last = exchanges[-1]
    assert all(e.is_as_expected for e in exchanges), f"{last.say}: {last.answer}"
    return exchanges


def person(scim: ScimClient) -> dict[str, object]:
    [user] = scim.get("/Users", filter='userName eq "ann.lee@example.com"').resources
    return user


@pytest.mark.parametrize("dialect", DIALECTS)
def test_whole_conversation_is_as_the_idp_expects(dialect: str, send: Send) -> None:
    heard(dialect, list(PARTS), send)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conversation_can_be_played_twice(
    dialect: str, send: Send, scim: ScimClient
) -> None:
    heard(dialect, list(PARTS), send)
    heard(dialect, list(PARTS), send)

    assert scim.get("/Users").body["totalResults"] == 1
    groups = int(dialect in WITH_GROUPS)
    assert scim.get("/Groups").body["totalResults"] == groups


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_is_known_who_speaks(dialect: str, send: Send, scim: ScimClient) -> None:
    records._waiting.clear()
    heard(dialect, ["joiner"], send)

    records.flush()
    known = set(RequestRecord.objects.values_list("dialect", flat=True))
    # canaille says no more than which library it uses.
    assert known == {"generic" if dialect == "canaille" else dialect}


@pytest.mark.parametrize("dialect", WITH_GROUPS)
def test_joiner_is_active_and_in_the_group(
    dialect: str, send: Send, scim: ScimClient
) -> None:
    heard(dialect, ["joiner"], send)

    user = person(scim)
    assert user["active"] is True
    assert [group["display"] for group in user["groups"]] == ["Engineering"]  # type: ignore[attr-defined,index]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_mover_has_the_new_name_and_department(
    dialect: str, send: Send, scim: ScimClient
) -> None:
    heard(dialect, ["joiner", "mover"], send)

    user = person(scim)
    assert user["displayName"] == "Ann Novak"
    assert user[ENTERPRISE]["department"] == "Research"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_leaver_is_inactive(dialect: str, send: Send, scim: ScimClient) -> None:
    heard(dialect, list(PARTS), send)

    assert person(scim)["active"] is False


@pytest.mark.parametrize("dialect", TAKING_OUT)
def test_leaver_is_out_of_the_group(dialect: str, send: Send, scim: ScimClient) -> None:
    heard(dialect, list(PARTS), send)

    assert "groups" not in person(scim)


def test_password_that_okta_sends_is_never_answered(send: Send) -> None:
    exchanges = heard("okta", list(PARTS), send)

    assert "1mz050nq" not in json.dumps([e.answer for e in exchanges])


def test_conversation_stops_at_an_answer_that_the_idp_cannot_use(
    send: Send, scim: ScimClient
) -> None:
    scim.token = "wrong"

    exchanges = list(play("okta", ["joiner"], Person(), send))

    assert [e.status for e in exchanges] == [401]
