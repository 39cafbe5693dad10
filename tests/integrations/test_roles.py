"""Roles and entitlements of the app: shown by Sync, given by the user's attributes.

The demo app knows groups only. Its manifest is changed here so that it calls them
something else; the app and all that happens in it stay real.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from integrations import services
from integrations.models import AppEntitlement, Integration, Provisioning
from scim.models import Change, Resource
from tests import factories
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import USERNAME, Outside
from workspaces.clock import database_now
from workspaces.models import Workspace

Work = Callable[..., None]

ANN = "ann.lee@acme.test"
WALTER = "walter.finch@example.com"
KINDS = {"role": ("Roles", "roles"), "repository": ("Entitlements", "entitlements")}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def endpoint(kind: str) -> str:
    return f"/{KINDS[kind][0]}"


@pytest.fixture
def attribute(kind: str) -> str:
    return KINDS[kind][1]


@pytest.fixture
def source(attribute: str) -> str:
    return {"roles": "role", "entitlements": "entitlement"}[attribute]


@pytest.fixture
def integration(kind: str, workspace: Workspace, outside: Outside) -> Integration:
    app = factories.AppFactory()
    manifest = copy.deepcopy(app.manifest)
    (listed,) = manifest["capabilities"]["entitlements"]
    listed |= {"kind": kind, "label": "Things"}
    manifest["http"]["account"]["entitlements"] = {kind: "groups"}
    calls = manifest["http"]["calls"]
    calls["list_entitlements"][0]["kind"] = kind
    for call in ("grant", "revoke"):
        calls[call] = {kind: calls[call]["group"]}
    app.manifest = manifest
    app.full_clean()
    app.save()
    account = factories.ServiceAccountFactory(
        workspace=workspace, username=USERNAME, secret=outside.password
    )
    return factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=outside.base_url
    )


@pytest.fixture
def sync(integration: Integration, work: Work) -> Callable[[], None]:
    def run() -> None:
        services.request_sync(integration, actor=None, now=database_now())
        work()

    return run


def thing(scim: ScimClient, endpoint: str, name: str = "Engineering") -> JSON:
    (found,) = scim.get(endpoint, filter=f'displayName eq "{name}"').resources
    return found


def give(scim: ScimClient, user: JSON, attribute: str, *values: str) -> None:
    listed = [{"value": value} for value in values]
    change = {"op": "replace", "path": attribute, "value": listed}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200


def granted(user: JSON) -> list[list[str]]:
    return Provisioning.objects.get(resource_id_public=user["id"]).granted


class TestSync:
    def test_shows_what_the_app_has(
        self,
        sync: Callable[[], None],
        scim: ScimClient,
        endpoint: str,
        outside: Outside,
    ) -> None:
        """S0-62 and S0-70: roles and entitlements, which the IdP then lists."""
        sync()

        found = thing(scim, endpoint)
        assert found["type"] == endpoint.strip("/").removesuffix("s")
        assert found["description"] == "Things"
        assert scim.get("/Groups").resources == []
        row = Resource.objects.get(public_id=found["id"])
        assert row.source == Resource.Source.APP
        assert outside.writes() == []

    def test_again_changes_nothing(
        self, sync: Callable[[], None], scim: ScimClient, endpoint: str
    ) -> None:
        sync()
        before = scim.get(endpoint).resources
        changes = Change.objects.count()

        sync()

        assert scim.get(endpoint).resources == before
        assert Change.objects.count() == changes

    def test_follows_a_new_name(
        self,
        sync: Callable[[], None],
        scim: ScimClient,
        endpoint: str,
        outside: Outside,
    ) -> None:
        sync()
        before = thing(scim, endpoint)["id"]
        outside._execute(
            "UPDATE user_group SET name = 'Builders' WHERE name = 'Engineering'"
        )

        sync()

        assert thing(scim, endpoint, "Builders")["id"] == before

    def test_removes_what_the_app_no_longer_has(
        self,
        sync: Callable[[], None],
        scim: ScimClient,
        endpoint: str,
        outside: Outside,
    ) -> None:
        sync()
        gone = thing(scim, endpoint)
        outside.remove_group("Engineering")

        sync()

        assert scim.get(f"{endpoint}/{gone['id']}").status == 404
        assert not AppEntitlement.objects.filter(name="Engineering").exists()


class TestAssignment:
    """S0-69: access to what the app has, given and taken by SCIM."""

    @pytest.mark.parametrize("by", ["id", "displayName"])
    def test_value_is_given_and_taken(
        self,
        by: str,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        endpoint: str,
        attribute: str,
        kind: str,
        source: str,
        outside: Outside,
    ) -> None:
        sync()
        found = thing(scim, endpoint)
        user = scim.add_user(ANN, **{attribute: [{"value": found[by]}]})
        work()

        assert ANN in outside.members("Engineering")
        row = AppEntitlement.objects.get(resource__public_id=found["id"])
        assert granted(user) == [[kind, row.external_id, source]]

        give(scim, user, attribute)
        work()

        assert ANN not in outside.members("Engineering")
        assert granted(user) == []

    def test_role_of_entra_is_given(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        attribute: str,
        outside: Outside,
    ) -> None:
        sync()
        text = json.dumps({"id": "1", "value": "engineering", "displayName": "Eng"})
        scim.add_user(ANN, **{attribute: [{"value": text, "primary": "True"}]})
        work()

        assert ANN in outside.members("Engineering")

    def test_what_the_app_gave_is_left_alone(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        endpoint: str,
        attribute: str,
        outside: Outside,
    ) -> None:
        sync()
        user = scim.add_user(ANN)
        work()
        outside.add_member("Engineering", ANN)

        give(scim, user, attribute, thing(scim, endpoint, "Sales")["id"])
        work()
        give(scim, user, attribute)
        work()

        assert ANN in outside.members("Engineering")
        assert ANN not in outside.members("Sales")

    def test_inactive_user_holds_nothing_of_it(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        endpoint: str,
        attribute: str,
        outside: Outside,
    ) -> None:
        sync()
        value = thing(scim, endpoint)["id"]
        user = scim.add_user(ANN, **{attribute: [{"value": value}]})
        work()
        change = {"op": "replace", "path": "active", "value": False}
        scim.patch(f"/Users/{user['id']}", change)
        work()

        assert ANN not in outside.members("Engineering")
        assert granted(user) == []

    def test_value_that_names_nothing_gives_nothing(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        attribute: str,
        outside: Outside,
    ) -> None:
        sync()
        user = scim.add_user(ANN, **{attribute: [{"value": "Nobody knows"}]})
        work()

        row = Provisioning.objects.get(resource_id_public=user["id"])
        assert row.state == Provisioning.State.ONBOARDED
        assert row.granted == []

    def test_name_given_before_sync_knew_it_is_given_then(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        attribute: str,
        outside: Outside,
    ) -> None:
        scim.add_user(ANN, **{attribute: [{"value": "engineering"}]})
        work()
        assert ANN not in outside.members("Engineering")

        sync()
        work()

        assert ANN in outside.members("Engineering")

    def test_value_of_the_other_attribute_gives_nothing(
        self,
        sync: Callable[[], None],
        work: Work,
        scim: ScimClient,
        endpoint: str,
        attribute: str,
        outside: Outside,
    ) -> None:
        sync()
        (other,) = {"roles", "entitlements"} - {attribute}
        scim.add_user(ANN, **{other: [{"value": thing(scim, endpoint)["id"]}]})
        work()

        assert ANN not in outside.members("Engineering")


class TestUserSchema:
    def test_new_integration_has_that_of_the_manifest(
        self, workspace: Workspace
    ) -> None:
        app = factories.AppFactory()
        attributes = [{"name": "level", "label": "Level", "type": "integer"}]
        app.manifest = {**app.manifest, "user_schema": {"attributes": attributes}}
        app.full_clean()
        app.save()
        account = factories.ServiceAccountFactory(workspace=workspace, app=app)

        integration = factories.IntegrationFactory(
            workspace=workspace, service_account=account
        )

        integration.directory.refresh_from_db()
        assert integration.directory.user_schema == {"attributes": attributes}
