"""Custom roles on their way to the app: published, given, ranked. E0-5, E0-11.

The demo app knows groups only. Its manifest is changed here so that it calls some
of them roles; the app and all that happens in it stay real.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from integrations import services
from integrations.catalog.loader import check_manifest, shipped_manifests
from integrations.models import AppEntitlement, Integration, Provisioning
from integrations.provisioning import app_schema
from integrations.provisioning.schema_preview import preview
from integrations.set_up.attribute_table import tables
from scim import schema_changes
from scim.models import Change, Resource
from tests import factories
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import USERNAME, Outside
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import AuditEvent, Job, User, Workspace

Work = Callable[..., None]
Keep = Callable[..., None]

ANN = "ann.lee@acme.test"
LEAD: dict[str, Any] = {
    "value": "lead",
    "ranking": 1,
    "displayName": "Team lead",
    "description": "Leads a team.",
    "grants": [
        {"kind": "group", "name": "engineering"},
        {"kind": "group", "name": "Support"},
    ],
}
SELLER: dict[str, Any] = {
    "value": "seller",
    "ranking": 2,
    "incompatibleRoles": ["lead"],
    "grants": [{"kind": "group", "name": "Sales"}],
}


@pytest.fixture
def kind() -> str:
    return "group"


@pytest.fixture
def of_roles() -> str:
    """For an app that calls its groups roles."""
    return "role"


@pytest.fixture
def integration(kind: str, workspace: Workspace, outside: Outside) -> Integration:
    app = factories.AppFactory()
    if kind != "group":
        app.manifest = renamed(app.manifest, kind)
        app.full_clean()
        app.save()
    account = factories.ServiceAccountFactory(
        workspace=workspace, username=USERNAME, secret=outside.password
    )
    return factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=outside.base_url
    )


def renamed(manifest: Any, kind: str) -> Any:
    manifest = copy.deepcopy(manifest)
    manifest["capabilities"]["entitlements"][0] |= {"kind": kind, "label": "Things"}
    manifest["http"]["account"]["entitlements"] = {kind: "groups"}
    calls = manifest["http"]["calls"]
    calls["list_entitlements"][0]["kind"] = kind
    for call in ("grant", "revoke"):
        calls[call] = {kind: calls[call]["group"]}
    return manifest


@pytest.fixture
def sync(integration: Integration, work: Work) -> Callable[[], None]:
    def run() -> None:
        services.request_sync(integration, actor=None, now=database_now())
        work()

    return run


@pytest.fixture
def keep(integration: Integration, alice: User) -> Keep:
    """Save a user schema with these roles, as the drawer does."""

    def save(*roles: dict[str, Any]) -> None:
        directory = integration.directory
        directory.refresh_from_db()
        definition = {"attributes": [], "roles": list(roles)}
        app_schema.parse(integration.app.manifest, definition)
        schema_changes.change_user_schema(
            directory,
            definition,
            expected_version=schema_changes.version_of(directory),
            actor=alice,
            now=database_now(),
        )

    return save


def give(scim: ScimClient, user: JSON, *values: str) -> None:
    listed = [{"value": value} for value in values]
    change = {"op": "replace", "path": "roles", "value": listed}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200


def roles_of(scim: ScimClient) -> dict[str, JSON]:
    return {role["displayName"]: role for role in scim.get("/Roles").resources}


def groups(outside: Outside) -> set[str]:
    found = ("Engineering", "Sales", "Support")
    return {name for name in found if ANN in outside.members(name)}


def sources(user: JSON) -> set[str]:
    row = Provisioning.objects.get(resource_id_public=user["id"])
    return {source for _, _, source in row.granted}


class TestPublishing:
    def test_e0_11_role_is_a_role_of_the_directory(
        self, keep: Keep, scim: ScimClient
    ) -> None:
        keep(LEAD, SELLER)

        found = roles_of(scim)
        assert set(found) == {"Team lead", "seller"}
        assert found["Team lead"]["externalId"] == "lead"
        assert found["Team lead"]["description"] == "Leads a team."
        assert found["Team lead"]["type"] == "Role"

    def test_changed_role_keeps_its_id_and_a_dropped_one_goes(
        self, keep: Keep, scim: ScimClient
    ) -> None:
        keep(LEAD, SELLER)
        before = roles_of(scim)

        keep(LEAD | {"displayName": "Boss", "value": "LEAD"})

        assert roles_of(scim)["Boss"]["id"] == before["Team lead"]["id"]
        assert scim.get(f"/Roles/{before['seller']['id']}").status == 404

    def test_job_afterwards_finds_nothing_to_do(
        self, keep: Keep, scim: ScimClient, work: Work
    ) -> None:
        keep(LEAD)
        changes = Change.objects.count()

        work()

        assert Change.objects.count() == changes
        job = Job.objects.get(kind=schema_changes.JOB)
        assert job.state == Job.State.COMPLETED

    def test_large_directory_is_followed_by_the_job(
        self,
        keep: Keep,
        scim: ScimClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(schema_changes, "AT_ONCE", 0)
        scim.add_user(ANN)

        keep(LEAD)
        assert roles_of(scim) == {}
        Worker(threads=1).drain()

        assert set(roles_of(scim)) == {"Team lead"}

    def test_change_is_audited_by_values(self, keep: Keep) -> None:
        keep(LEAD, SELLER)
        keep(LEAD | {"ranking": 3})

        event = AuditEvent.objects.filter(action="scim.user_schema.changed").latest(
            "id"
        )
        assert event.data == {
            "added": "",
            "changed": "",
            "removed": "",
            "changed_roles": "lead",
            "removed_roles": "seller",
        }

    def test_e0_12_integration_begins_with_the_roles_of_the_manifest(
        self, workspace: Workspace
    ) -> None:
        app = factories.AppFactory()
        roles = [LEAD, SELLER]
        app.manifest["user_schema"] = {"attributes": [], "roles": roles}
        app.full_clean()
        app.save()
        account = factories.ServiceAccountFactory(workspace=workspace, app=app)

        made = factories.IntegrationFactory(
            workspace=workspace, service_account=account
        )

        made.directory.refresh_from_db()
        assert made.directory.user_schema["roles"] == roles
        found = Resource.objects.filter(directory=made.directory, resource_type="Role")
        assert sorted(r.label for r in found) == ["Team lead", "seller"]

    def test_manifest_may_grant_only_what_the_app_has(self) -> None:
        (manifest,) = (m for m in shipped_manifests() if m["slug"] == "demo-app")
        role = LEAD | {"grants": [{"kind": "repository", "name": "x"}]}
        manifest["user_schema"] = {"attributes": [], "roles": [role]}

        (problem,) = check_manifest(manifest)

        assert problem.where == "user_schema.roles[0].grants[0].kind"
        assert problem.message == "The app's kinds are: group."


class TestGiving:
    @pytest.mark.parametrize("by", ["value", "other case", "displayName", "id"])
    def test_e0_5_role_gives_all_that_it_stands_for_and_takes_it_back(
        self,
        by: str,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD)
        published = roles_of(scim)["Team lead"]
        values = {"value": "lead", "other case": "LEAD"}
        user = scim.add_user(ANN)
        give(scim, user, values.get(by) or published[by])
        work()

        assert groups(outside) == {"Engineering", "Support"}
        assert sources(user) == {"role"}

        give(scim, user)
        work()

        assert groups(outside) == set()

    def test_what_the_app_gave_is_left_alone(
        self,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD)
        user = scim.add_user(ANN)
        work()
        outside.add_member("Sales", ANN)

        give(scim, user, "lead")
        work()
        give(scim, user)
        work()

        assert groups(outside) == {"Sales"}

    def test_e0_5_strongest_of_incompatible_roles_is_given(
        self,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD, SELLER)
        user = scim.add_user(ANN, roles=[{"value": "seller"}])
        work()
        assert groups(outside) == {"Sales"}

        give(scim, user, "seller", "lead")
        work()

        assert groups(outside) == {"Engineering", "Support"}

    @pytest.mark.parametrize(
        ("roles", "expected"),
        [
            ([LEAD | {"ranking": 3}, SELLER], {"Sales"}),
            (
                [LEAD, SELLER | {"incompatibleRoles": []}],
                {"Engineering", "Sales", "Support"},
            ),
            ([LEAD | {"grants": LEAD["grants"][:1]}, SELLER], {"Engineering"}),
            ([SELLER | {"incompatibleRoles": []}], {"Sales"}),
            ([], set()),
        ],
        ids=["rank", "exclusion", "grants", "dropped", "all dropped"],
    )
    def test_save_reaches_who_holds_the_role(
        self,
        roles: list[dict[str, Any]],
        expected: set[str],
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD, SELLER)
        scim.add_user(ANN, roles=[{"value": "seller"}, {"value": "lead"}])
        work()

        keep(*roles)
        work()

        assert groups(outside) == expected

    def test_save_touches_nobody_else(
        self, sync: Callable[[], None], keep: Keep, work: Work, scim: ScimClient
    ) -> None:
        sync()
        keep(LEAD)
        scim.add_user(ANN, roles=[{"value": "lead"}])
        scim.add_user("bo@acme.test", roles=[{"value": "unknown"}])
        scim.add_user("cy@acme.test")
        work()
        before = list(Provisioning.objects.values_list("pk", "desired_version"))

        keep(LEAD | {"displayName": "Boss"}, SELLER)
        work()

        after = list(Provisioning.objects.values_list("pk", "desired_version"))
        assert sorted(after) == sorted(before)

    def test_inactive_user_holds_nothing_of_it(
        self,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD)
        user = scim.add_user(ANN, roles=[{"value": "lead"}])
        work()
        scim.patch(
            f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False}
        )
        work()

        keep(LEAD, SELLER)
        work()

        assert groups(outside) == set()


class TestSync:
    def test_never_deletes_a_custom_role(
        self, sync: Callable[[], None], keep: Keep, scim: ScimClient
    ) -> None:
        keep(LEAD)
        before = roles_of(scim)

        sync()
        sync()

        assert roles_of(scim) == before

    def test_that_finds_what_a_role_stands_for_gives_it(
        self,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        keep(LEAD)
        scim.add_user(ANN, roles=[{"value": "lead"}])
        work()
        assert groups(outside) == set()

        sync()
        work()

        assert groups(outside) == {"Engineering", "Support"}

    def test_membership_given_by_a_role_does_not_become_one_of_the_group(
        self,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(LEAD)
        user = scim.add_user(ANN, roles=[{"value": "lead"}])
        work()

        sync()
        give(scim, user)
        work()

        assert groups(outside) == set()


class TestRoleOfTheApp:
    """A custom role that has the name of a role of the app."""

    ENGINEERING: dict[str, Any] = {
        "value": "engineering",
        "ranking": 1,
        "displayName": "Engineer",
    }
    SALES: dict[str, Any] = {
        "value": "sales",
        "ranking": 2,
        "incompatibleRoles": ["engineering"],
    }

    @pytest.fixture
    def kind(self, of_roles: str) -> str:
        return of_roles

    def test_shows_its_words_under_one_id(
        self, sync: Callable[[], None], keep: Keep, scim: ScimClient
    ) -> None:
        sync()
        before = roles_of(scim)

        keep(self.ENGINEERING)
        sync()

        after = roles_of(scim)
        assert set(after) == {"Engineer", "Sales", "Support"}
        assert after["Engineer"]["id"] == before["Engineering"]["id"]
        assert after["Engineer"]["externalId"] == "engineering"

        keep()

        assert {n: {**r, "meta": 0} for n, r in roles_of(scim).items()} == {
            n: {**r, "meta": 0} for n, r in before.items()
        }

    def test_that_sync_finds_later_takes_the_role_over(
        self, sync: Callable[[], None], keep: Keep, scim: ScimClient
    ) -> None:
        keep(self.ENGINEERING)
        before = roles_of(scim)["Engineer"]["id"]

        sync()

        row = AppEntitlement.objects.select_related("resource").get(name="Engineering")
        assert row.resource is not None
        assert row.resource.public_id == before
        assert roles_of(scim)["Engineer"]["id"] == before

    def test_stays_when_the_app_drops_its_own(
        self,
        sync: Callable[[], None],
        keep: Keep,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(self.ENGINEERING)
        before = roles_of(scim)["Engineer"]
        outside.remove_group("Engineering")

        sync()

        assert roles_of(scim)["Engineer"] == before
        assert not AppEntitlement.objects.filter(name="Engineering").exists()

    def test_follows_when_the_app_renames_its_own(
        self,
        sync: Callable[[], None],
        keep: Keep,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(self.ENGINEERING)
        outside._execute(
            "UPDATE user_group SET name = 'Builders' WHERE name = 'Engineering'"
        )

        sync()

        found = roles_of(scim)
        assert set(found) == {"Builders", "Engineer", "Sales", "Support"}
        assert "externalId" not in found["Builders"]

        outside._execute(
            "UPDATE user_group SET name = 'Engineering' WHERE name = 'Builders'"
        )
        sync()

        assert set(roles_of(scim)) == {"Engineer", "Sales", "Support"}

    @pytest.mark.parametrize("by", ["value", "id", "name"])
    def test_e0_5_gives_it_a_rank_and_exclusions(
        self,
        by: str,
        sync: Callable[[], None],
        keep: Keep,
        work: Work,
        scim: ScimClient,
        outside: Outside,
    ) -> None:
        sync()
        keep(self.ENGINEERING, self.SALES)
        value = {
            "value": "ENGINEERING",
            "id": roles_of(scim)["Engineer"]["id"],
            "name": "Engineer",
        }[by]
        scim.add_user(
            ANN, roles=[{"value": "Sales"}, {"value": value}, {"value": "Support"}]
        )
        work()

        assert groups(outside) == {"Engineering", "Support"}

    def test_e0_13_allowed_values_begin_with_the_custom_roles(
        self,
        sync: Callable[[], None],
        keep: Keep,
        integration: Integration,
    ) -> None:
        sync()
        keep(self.SALES | {"ranking": 5}, self.ENGINEERING)
        integration.directory.refresh_from_db()

        core, *_ = tables(integration, paths={}, full_names=False)

        (row,) = [row for row in core.rows if row.display_name == "Roles"]
        assert [(v.display_name, v.value) for v in row.values] == [
            ("Engineer", "engineering"),
            ("sales", "sales"),
            ("Support", "Support"),
        ]


def test_e0_13_app_without_roles_lists_the_custom_ones(
    keep: Keep, integration: Integration
) -> None:
    keep(LEAD)
    integration.directory.refresh_from_db()

    core, *_ = tables(integration, paths={}, full_names=False)

    (row,) = [row for row in core.rows if row.display_name == "Roles"]
    assert [(v.display_name, v.value) for v in row.values] == [("Team lead", "lead")]


def test_preview_tells_what_becomes_of_each_role(
    sync: Callable[[], None], keep: Keep, integration: Integration, scim: ScimClient
) -> None:
    sync()
    asked = ("seller", "lead", "nobody")
    user = scim.add_user(ANN, roles=[{"value": value} for value in asked])
    lead = LEAD | {"grants": [*LEAD["grants"], {"kind": "group", "name": "Gone"}]}
    definition = {"attributes": [], "roles": [SELLER, lead]}

    found = preview(
        Resource.objects.get(public_id=user["id"]),
        app_schema.parse(integration.app.manifest, definition),
    ).roles

    assert found.asked == asked
    (held,) = found.held
    assert held.role.value == "lead"
    assert [row.name for row in held.gives] == ["Engineering", "Support"]
    assert [grant.name for grant in held.missing] == ["Gone"]
    assert [(a.value, b.value) for a, b in found.left_out] == [("seller", "lead")]
    assert found.unknown == ("nobody",)
    assert roles_of(scim) == {}


def test_holders_are_counted_by_value_name_and_id(
    keep: Keep, integration: Integration, scim: ScimClient
) -> None:
    keep(LEAD)
    published = roles_of(scim)["Team lead"]["id"]
    for number, value in enumerate(("LEAD", "Team lead", published, "other")):
        scim.add_user(f"u{number}@acme.test", roles=[{"value": value}])
    integration.directory.refresh_from_db()
    (role,) = schema_changes.user_schema_of(integration.directory).roles

    assert schema_changes.role_holders(integration.directory, role) == 3
