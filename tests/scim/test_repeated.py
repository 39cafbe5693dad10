"""F24: an IdP sends each call several times at once, and it has one effect."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from scim.models import Change, Resource
from tests.conftest import JSON, Answer, ScimClient
from tests.scim.test_bulk import REQUEST, new_user
from tests.scim.together import together

pytestmark = pytest.mark.django_db(transaction=True)

_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EVA = {"userName": "eva", "externalId": "e-1", "active": True}
BEN = {"userName": "ben", "externalId": "b-1", "active": True}
BEN_ALONE = {"displayName": "Crew", "members": [{"value": "BEN"}]}


def patch(**operation: object) -> JSON:
    return {"schemas": [_PATCH], "Operations": [operation]}


@dataclass(frozen=True)
class Call:
    """What is sent; ANN, BEN and CREW stand for their ids. Ann is in Crew."""

    method: str
    path: str
    body: Any = None
    statuses: dict[int, int] = field(default_factory=lambda: {200: 4})
    headers: dict[str, str] = field(default_factory=dict)


TITLE = patch(op="add", path="title", value="T")
OFF = patch(op="replace", path="active", value=False)
JOIN = patch(op="add", path="members", value=[{"value": "BEN"}])
LEAVE = patch(op="remove", path='members[value eq "ANN"]')
BULK = {"schemas": [REQUEST], "Operations": [new_user("eva")]}
CALLS = {
    "create a user": Call("POST", "/Users", EVA, {201: 1, 409: 4}),
    "bring a user back": Call("POST", "/Users", BEN, {201: 1, 409: 3}),
    "create a group": Call("POST", "/Groups", {"displayName": "G"}, {201: 1, 409: 2}),
    "create in bulk": Call("POST", "/Bulk", BULK),
    "replace a user": Call("PUT", "/Users/ANN", {"userName": "ann", "title": "T"}),
    "change a user": Call("PATCH", "/Users/ANN", TITLE, {200: 5}),
    "change one version": Call(
        "PATCH", "/Users/ANN", TITLE, {200: 1, 412: 3}, {"if_match": 'W/"1"'}
    ),
    "deactivate a user": Call("PATCH", "/Users/ANN", OFF),
    "add a member": Call("PATCH", "/Groups/CREW", JOIN, {200: 5}),
    "remove a member": Call("PATCH", "/Groups/CREW", LEAVE),
    "replace a group": Call("PUT", "/Groups/CREW", BEN_ALONE),
    "delete a user": Call("DELETE", "/Users/ANN", None, {204: 1, 404: 4}),
    "delete a group": Call("DELETE", "/Groups/CREW", None, {204: 1, 404: 1}),
}


def send(scim: ScimClient, call: Call, ids: dict[str, str]) -> Answer:
    """Send a call as one client of several does."""
    sent = json.dumps([call.path, call.body])
    for name, value in ids.items():
        sent = sent.replace(name, value)
    path, body = json.loads(sent)
    client = ScimClient(scim.directory, scim.token)
    return client.request(call.method, path, body, **call.headers)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_call_that_comes_several_times_at_once_has_one_effect(
    call: Call, scim: ScimClient
) -> None:
    ann = scim.add_user("ann")
    ben = scim.add_user("ben", externalId="b-1", active=False)
    ids = {"ANN": ann["id"], "BEN": ben["id"]}
    ids["CREW"] = scim.add_group("Crew", ann["id"])["id"]
    before = Change.objects.count()

    answers = together([lambda: send(scim, call, ids)] * sum(call.statuses.values()))

    assert Counter(answer.status for answer in answers) == call.statuses
    assert Change.objects.count() == before + 1


def test_of_three_users_of_one_external_id_one_is_created(scim: ScimClient) -> None:
    """F24: Entra and Okta mean one person by it, whatever the user name."""
    calls = [Call("POST", "/Users", {**EVA, "userName": f"eva{n}"}) for n in range(3)]

    answers = together([lambda call=call: send(scim, call, {}) for call in calls])

    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    assert Resource.objects.filter(external_id="e-1").count() == 1
