"""Undo gives back what the app shows of the user schema; what is confidential is not kept."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from integrations.models import Integration, RestorePoint
from integrations.provisioning import undoing
from scim.protocol.user_schema import urn_of
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import Outside
from tests.portal.words import read
from workspaces.clock import database_now
from workspaces.models import User

Work = Callable[..., None]
ANN = "ann.lee@acme.test"
SALARY = {"name": "salary", "dataClassification": "confidential"}
ATTRIBUTES = [
    {"name": "costCenter"},
    {"name": "skills", "multiValued": True},
    {"name": "floor", "type": "integer"},
    SALARY,
]
BEFORE = {"costCenter": "C-1", "skills": ["x", "y"], "floor": 3, "salary": "7,000"}


@pytest.fixture
def integration(connected: Integration) -> Integration:
    directory = connected.directory
    directory.user_schema = {"attributes": ATTRIBUTES}
    directory.save()
    return connected


@pytest.fixture
def ann(integration: Integration, scim: ScimClient, work: Work) -> JSON:
    """Ann, provisioned with a value of each attribute."""
    user = scim.add_user(ANN, **{urn_of(integration.directory.key): BEFORE})
    work()
    return user


@pytest.fixture
def change(
    integration: Integration, scim: ScimClient, ann: JSON, work: Work
) -> Callable[..., RestorePoint]:
    """Change attributes of Ann as the IdP does; return the restore point."""
    urn = urn_of(integration.directory.key)

    def make(**values: JSON) -> RestorePoint:
        operations = [
            {"op": "replace", "path": f"{urn}:{name}", "value": value}
            for name, value in values.items()
        ]
        assert scim.patch(f"/Users/{ann['id']}", *operations).status == 200
        work()
        return RestorePoint.objects.filter(is_undo=False).latest("pk")

    return make


def fields_of(outside: Outside) -> dict[str, JSON]:
    return dict(json.loads(str(outside.user(ANN)["fields"])))


def undo(point: RestorePoint, alice: User, work: Work) -> None:
    undoing.request(point, actor=alice, now=database_now())
    work()


def test_old_values_come_back(
    change: Callable[..., RestorePoint], outside: Outside, work: Work, alice: User
) -> None:
    point = change(costCenter="C-2", skills=["z"])
    assert undoing.plan([point]).steps == [
        "Change costCenter from C-2 back to C-1",
        "Change skills from z back to x, y",
    ]

    undo(point, alice, work)

    assert fields_of(outside) == BEFORE


def test_value_that_was_not_there_is_emptied_again(
    integration: Integration,
    scim: ScimClient,
    change: Callable[..., RestorePoint],
    outside: Outside,
    work: Work,
    alice: User,
) -> None:
    outside.change_user(ANN, fields=json.dumps({"floor": "3"}))

    point = change(floor=4)
    assert undoing.done(point) == [
        "Change costCenter from nothing to C-1, skills from nothing to x, y, "
        "floor from 3 to 4"
    ]
    undo(point, alice, work)

    told = fields_of(outside)
    assert (told["costCenter"], told["skills"], told["floor"]) == (None, None, "3")


def test_what_is_as_it_was_makes_no_point(
    change: Callable[..., RestorePoint], scim: ScimClient, ann: JSON, outside: Outside
) -> None:
    """An app that writes a number as a text has not changed it."""
    outside.change_user(ANN, fields=json.dumps({**BEFORE, "floor": "3"}))

    point = change(costCenter="C-1")

    assert [act for act, _ in point.changes] == ["create"]


def test_deleted_account_is_made_again_with_its_values(
    scim: ScimClient, ann: JSON, outside: Outside, work: Work, alice: User
) -> None:
    Integration.objects.update(on_unassign=Integration.OnUnassign.DELETE)
    scim.delete(f"/Users/{ann['id']}")
    work()

    undo(RestorePoint.objects.latest("pk"), alice, work)

    kept = {name: value for name, value in BEFORE.items() if name != "salary"}
    assert fields_of(outside) == kept


def test_confidential_value_is_not_kept_and_the_pages_say_so(
    integration: Integration,
    alice_client: Client,
    change: Callable[..., RestorePoint],
    outside: Outside,
    work: Work,
    alice: User,
) -> None:
    point = change(salary="8,000", floor=4)

    points = RestorePoint.objects.values_list("before", "changes")
    assert ",000" not in json.dumps(list(points))
    path = f"/integrations/{integration.directory.key}/changes/"
    for page in (path, f"{path}of/{point.public_id}/undo/"):
        assert "Confidential values are not kept: salary." in read(alice_client, page)
    undo(point, alice, work)
    assert fields_of(outside) == {**BEFORE, "salary": "8,000"}


def test_value_called_confidential_since_is_neither_shown_nor_put_back(
    integration: Integration, change: Callable[..., RestorePoint]
) -> None:
    point = change(costCenter="C-2")
    hidden = {"name": "costCenter", "dataClassification": "confidential"}
    integration.directory.user_schema = {"attributes": [hidden]}
    integration.directory.save()

    point = RestorePoint.objects.get(pk=point.pk)

    assert undoing.done(point) == []
    assert undoing.plan([point]).steps == []
