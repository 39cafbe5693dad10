"""The own user schema on its way to the app."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations.catalog.loader import check_manifest
from integrations.models import Integration, Provisioning
from integrations.provisioning.schema_preview import preview
from scim.models import Resource
from scim.protocol.user_schema import UserSchema, parse, urn_of
from scim.schema_changes import change_user_schema, version_of
from tests import factories
from tests.conftest import JSON, ScimClient
from tests.fakes.json_app import Asked, JsonApp, json_app
from tests.integrations.connectors.manifests import small
from tests.scim.urns import ENTERPRISE
from workspaces.clock import database_now
from workspaces.models import User, Workspace

Work = Callable[..., None]
BODY = (
    "{name: account.username, cost: account.attributes.costCode,"
    ' grade: account.attributes.level, "first tag": account.attributes.tags[0]}'
)
ATTRIBUTES: list[JSON] = [
    {"name": "costCode", "label": "Cost code", "type": "string"},
    {"name": "level", "label": "Level", "type": "integer"},
    {"name": "tags", "label": "Tags", "type": "string", "multiValued": True},
]


@pytest.fixture
def outside() -> Iterator[JsonApp]:
    """An app that takes what it is sent, as the accounts 7, 8, and so on."""
    users: dict[str, Any] = {}

    def answer(asked: Asked) -> tuple[int, object]:
        *_, last = asked.path.split("/")
        if asked.method == "POST":
            last = str(7 + len(users))
        if asked.method in {"POST", "PUT"} and isinstance(asked.body, dict):
            users[last] = {**asked.body, "id": last}
        if last == "users":
            return 200, {"users": list(users.values())}
        return 200, users[last]

    with json_app(answer) as app:
        yield app


@pytest.fixture
def integration(workspace: Workspace, outside: JsonApp) -> Integration:
    calls = {
        "create_account": {"method": "POST", "path": "/users", "body": BODY},
        "update_account": {"method": "PUT", "path": "/users/{id}", "body": BODY},
    }
    manifest = small(calls=calls)
    manifest["capabilities"] |= {"create": True, "update": True}
    manifest["user_schema"] = {"attributes": ATTRIBUTES}
    assert check_manifest(manifest) == []
    app = factories.AppFactory(slug="small", manifest=manifest)
    account = factories.ServiceAccountFactory(workspace=workspace, app=app)
    return factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=outside.base_url
    )


@pytest.fixture
def urn(integration: Integration) -> str:
    return urn_of(integration.directory.key)


def in_app(outside: JsonApp) -> Any:
    """Return what the app was last told to keep."""
    return [asked.body for asked in outside.asked if asked.body is not None][-1]


def test_custom_attribute_reaches_the_app_by_the_manifest(
    scim: ScimClient, urn: str, outside: JsonApp, work: Work
) -> None:
    own = {"costCode": "C7", "level": 3, "tags": ["red", "blue"]}
    user = scim.add_user("ann", **{urn: own})
    work()

    assert Provisioning.objects.get().state == Provisioning.State.ONBOARDED
    told = {"name": "ann", "cost": "C7", "grade": 3, "first tag": "red"}
    assert in_app(outside) == told

    operation = {"op": "replace", "path": f"{urn}:costCode", "value": "C8"}
    scim.patch(f"/Users/{user['id']}", operation)
    work()

    assert in_app(outside) == {**told, "cost": "C8"}


def test_custom_attribute_in_the_enterprise_namespace_reaches_the_app(
    scim: ScimClient, urn: str, outside: JsonApp, work: Work
) -> None:
    scim.add_user("ann", **{ENTERPRISE: {"costCode": "C7", "department": "R&D"}})
    work()

    assert in_app(outside)["cost"] == "C7"


def test_removed_attribute_leaves_the_app(
    integration: Integration,
    alice: User,
    scim: ScimClient,
    urn: str,
    outside: JsonApp,
    work: Work,
) -> None:
    scim.add_user("ann", **{urn: {"costCode": "C7", "level": 3}})
    work()

    change_user_schema(
        integration.directory,
        {"attributes": ATTRIBUTES[1:]},
        expected_version=version_of(integration.directory),
        actor=alice,
        now=database_now(),
    )
    work()

    assert in_app(outside)["cost"] is None
    assert in_app(outside)["grade"] == 3


class TestPreview:
    @pytest.fixture
    def ann(self, scim: ScimClient, urn: str) -> Resource:
        own = {"costCode": "7", "level": 3, "tags": ["red"]}
        user = scim.add_user("ann", **{urn: own})
        return Resource.objects.get(public_id=user["id"])

    def test_shows_extension_and_account(self, ann: Resource) -> None:
        definition = [
            {"name": "costCode", "type": "integer"},
            {"name": "tags", "type": "boolean"},
            {"name": "new"},
        ]

        shown = preview(ann, parse({"attributes": definition}))

        assert shown.extension == {"costCode": 7}
        assert shown.lost == ("level", "tags")
        assert shown.account.username == "ann"
        assert shown.account.attributes == {"costCode": 7}

    def test_of_no_schema_is_empty(self, ann: Resource) -> None:
        shown = preview(ann, UserSchema())

        assert (shown.extension, shown.account.attributes) == ({}, {})
        assert shown.lost == ("costCode", "level", "tags")

    def test_changes_nothing(self, ann: Resource, scim: ScimClient) -> None:
        before = scim.get(f"/Users/{ann.public_id}").text

        preview(ann, UserSchema())

        assert scim.get(f"/Users/{ann.public_id}").text == before


def test_manifest_with_two_attributes_too_alike_is_refused() -> None:
    manifest = copy.deepcopy(small())
    manifest["user_schema"]["attributes"] = [
        {"name": name, "label": "Cost", "type": "string"}
        for name in ("costCode", "cost_code")
    ]

    (problem,) = check_manifest(manifest)

    assert problem.where == "user_schema.attributes[1].name"
