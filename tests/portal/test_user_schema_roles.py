"""Custom roles in the User schema drawer, of a draft and of an integration. E0-11."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import AppEntitlement, Integration, IntegrationDraft
from integrations.provisioning import role_publishing
from integrations.set_up import drafts
from scim import schema_changes
from scim.models import Resource
from scim.protocol.custom_roles import CustomRole, Grant
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import text_of
from workspaces.clock import database_now
from workspaces.models import Directory, Role, User, Workspace

HTMX = {"hx-request": "true"}
LEAD = {
    "value": "lead",
    "displayName": "Team lead",
    "ranking": "1",
    "grants": "group: Engineering\r\n\r\nSupport",
    "incompatibleRoles": "",
    "description": "Leads a team.",
}
SELLER = {"value": "seller", "ranking": "2", "incompatibleRoles": "lead"}


@pytest.fixture
def page(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/settings/user-schema/"


@pytest.fixture
def known(integration: Integration) -> None:
    """The groups that a sync has found in the app."""
    for number, name in enumerate(("Engineering", "Sales")):
        AppEntitlement.objects.create(
            integration=integration,
            kind="group",
            external_id=str(number),
            name=name,
            seen_at=database_now(),
        )
    integration.last_synced_at = database_now()
    integration.save()


@pytest.fixture
def draft(workspace: Workspace, alice: User) -> IntegrationDraft:
    app = factories.AppFactory()
    answers = {"name": "Acme BI", "app": app.slug, "base_url": "http://127.0.0.1:9"}
    return drafts.start(workspace, answers=answers, actor=alice)


@pytest.fixture
def ann(directory: Directory) -> dict[str, Any]:
    """A user to whom the IdP gave both roles."""
    scim = ScimClient(directory, factories.issue_token(directory).plaintext)
    roles = [{"value": "seller"}, {"value": "LEAD"}, {"value": "nobody"}]
    return scim.add_user("ann@acme.test", roles=roles)


def form(*roles: dict[str, str], **values: str) -> dict[str, str]:
    sent = {"count": "0", "roles": str(len(roles)), "action": "save", **values}
    for number, role in enumerate(roles):
        sent |= {f"role-{number}-{name}": value for name, value in role.items()}
    return sent


def roles_of(directory: Directory) -> tuple[CustomRole, ...]:
    directory.refresh_from_db()
    return schema_changes.user_schema_of(directory).roles


class TestOfAnIntegration:
    def test_s0_33_page_stands_in_the_frame_of_settings(
        self, alice_client: Client, page: str
    ) -> None:
        answer = alice_client.get(page)

        content = answer.content.decode()
        assert "User schema · Acme Demo" in content
        for label in ("General", "Connected services", "Danger zone"):
            assert label in content
        current = [
            tab["label"] for tab in answer.context["left_tabs"] if tab["current"]
        ]
        assert current == ["User schema"]
        assert content.count("<h1>") == 1

    def test_e0_11_save_keeps_every_part_of_a_role(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        """S0-33: of an app with one kind a grant need not name it."""
        answer = alice_client.post(page, form(LEAD, SELLER))

        assert answer.status_code == 302
        assert answer["Location"] == page
        assert roles_of(directory) == (
            CustomRole(
                "lead",
                1,
                display_name="Team lead",
                description="Leads a team.",
                grants=(Grant("group", "Engineering"), Grant("group", "Support")),
            ),
            CustomRole("seller", 2, incompatible_roles=("lead",)),
        )
        labels = Resource.objects.filter(directory=directory, resource_type="Role")
        assert sorted(r.label for r in labels) == ["Team lead", "seller"]

    def test_what_is_shown_and_saved_again_is_the_same(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        alice_client.post(page, form(LEAD, SELLER))
        directory.refresh_from_db()
        before = schema_changes.version_of(directory)
        rows = alice_client.get(page).context["role_rows"]

        sent = form(*[row.values for row in rows])
        answer = alice_client.post(page, sent, follow=True)

        assert "Nothing was changed." in text_of(answer)
        directory.refresh_from_db()
        assert schema_changes.version_of(directory) == before

    def test_add_shows_an_empty_role_that_is_weaker_than_all_others(
        self, alice_client: Client, page: str
    ) -> None:
        sent = form(LEAD | {"ranking": "7"}, action="add-role")

        content = alice_client.post(page, sent, headers=HTMX).content.decode()

        assert 'name="role-1-value"' in content
        assert 'name="roles" value="2"' in content
        assert 'value="8"' in content
        assert 'value="Team lead"' in content

    def test_s0_34_nothing_changes_without_save(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        alice_client.post(page, form(LEAD))

        for action in ("add-role", "drop-role-0", "add"):
            alice_client.post(page, form(LEAD, action=action))

        assert [role.value for role in roles_of(directory)] == ["lead"]

    def test_e0_11_problems_stand_beside_their_fields(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        wrong = {
            "value": "LEAD",
            "ranking": "first",
            "grants": "repository: x\nrole: y",
            "incompatibleRoles": "nobody",
        }

        answer = alice_client.post(page, form(LEAD, wrong))

        assert answer.status_code == 422
        content = answer.content.decode()
        for part in ("value", "ranking", "incompatibleRoles"):
            assert f'href="#role-1-{part}"' in content
            assert f'id="role-1-{part}"' in content
        assert "roles[0] has this value" in content
        assert "No role of this schema has the value nobody." in content
        assert "<title>Error: User schema" in " ".join(content.split())
        assert roles_of(directory) == ()

    def test_grant_of_a_kind_that_the_app_has_not_is_refused(
        self, alice_client: Client, page: str, integration: Integration
    ) -> None:
        manifest = integration.app.manifest
        manifest["capabilities"]["entitlements"].append(
            {"kind": "role", "label": "Roles", "assignable": True}
        )
        integration.app.save()

        sent = form(LEAD | {"grants": "Role: Admin\nrepository: x\nplain"})
        answer = alice_client.post(page, sent)

        assert answer.status_code == 422
        assert "Entry 3: This must be a name" in text_of(answer)

        sent = form(LEAD | {"grants": "Role: Admin\nrepository: x"})
        answer = alice_client.post(page, sent)

        assert "Entry 2: The app's kinds are: group, role." in text_of(answer)

    def test_says_what_the_last_sync_did_not_find(
        self, alice_client: Client, page: str, known: None
    ) -> None:
        alice_client.post(page, form(LEAD))

        words = text_of(alice_client.get(page))

        assert "The last sync found no group: Support in Demo app" in words
        assert "group: Sales" in words
        assert "found no group: Engineering" not in words

    def test_e0_11_role_of_users_is_dropped_only_when_told_twice(
        self, alice_client: Client, page: str, directory: Directory, ann: Any
    ) -> None:
        alice_client.post(page, form(LEAD, SELLER))
        dropped = form(SELLER | {"incompatibleRoles": ""})

        first = alice_client.post(page, dropped)
        assert first.status_code == 422
        assert "Team lead from 1 user." in text_of(first)
        assert len(roles_of(directory)) == 2

        second = alice_client.post(page, dropped | {"confirmed": "1"})

        assert second.status_code == 302
        assert [role.value for role in roles_of(directory)] == ["seller"]

    def test_drop_tells_who_loses_the_role(
        self, alice_client: Client, page: str, ann: Any
    ) -> None:
        alice_client.post(page, form(LEAD))

        answer = alice_client.post(page, form(LEAD, action="drop-role-0"), headers=HTMX)

        assert "Team lead from 1 user." in text_of(answer)
        assert 'name="confirmed"' in answer.content.decode()

    def test_e0_5_preview_shows_what_is_granted_and_what_is_left_out(
        self,
        alice_client: Client,
        page: str,
        known: None,
        directory: Directory,
        ann: Any,
    ) -> None:
        sent = form(LEAD, SELLER, action="preview", user=ann["id"])

        words = text_of(alice_client.post(page, sent))

        assert "from your IdP: seller, LEAD, nobody" in words
        assert "Granted Team lead Gives Engineering." in words
        assert "Not found in the app: group: Support." in words
        assert "Left out seller Team lead is stronger" in words
        assert "Unknown nobody No role has this value" in words
        assert roles_of(directory) == ()

    def test_preview_of_a_deactivated_user_says_so(
        self, alice_client: Client, page: str, directory: Directory, ann: Any
    ) -> None:
        Resource.objects.filter(public_id=ann["id"]).update(active=False)

        sent = form(LEAD, action="preview", user=ann["id"])

        assert "is deactivated and holds no role" in text_of(
            alice_client.post(page, sent)
        )

    def test_field_problems_and_roles_live_in_one_form(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        sent = form(LEAD) | {"count": "1", "0-name": "costCenter"}

        alice_client.post(page, sent)

        assert len(roles_of(directory)) == 1
        fields = schema_changes.attributes_of(directory)
        assert [a.name for a in fields] == ["costCenter"]

    def test_page_costs_the_same_with_many_roles(
        self, alice_client: Client, page: str, integration: Integration, known: None
    ) -> None:
        def queries(number: int) -> int:
            rows = [LEAD | {"value": f"r{n}", "ranking": "1"} for n in range(number)]
            alice_client.post(page, form(*rows))
            with CaptureQueriesContext(connection) as captured:
                assert alice_client.get(page).status_code == 200
            return len(captured)

        queries(1)
        assert queries(2) == queries(40)

    @pytest.mark.parametrize("count", ["", "-1", "9999", "x", "٣"])
    def test_nonsense_is_no_error_of_ours(
        self, alice_client: Client, page: str, count: str
    ) -> None:
        answer = alice_client.post(page, {"action": "add-role", "roles": count})

        assert answer.status_code == 200

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.MEMBER])
    def test_who_may_not_manage_saves_nothing(
        self, role: str, page: str, workspace: Workspace, directory: Directory
    ) -> None:
        client = Client()
        client.force_login(
            factories.MembershipFactory(workspace=workspace, role=role).user
        )

        assert client.post(page, form(LEAD)).status_code == 403
        assert roles_of(directory) == ()

    def test_another_tenant_finds_nothing(
        self, page: str, charlie: User, other_workspace: Workspace, directory: Directory
    ) -> None:
        client = Client()
        client.force_login(charlie)

        assert client.post(page, form(LEAD)).status_code == 404
        assert roles_of(directory) == ()


class TestOfADraft:
    def test_e0_11_roles_are_kept_and_published_with_the_integration(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        page = f"/integrations/new/{draft.public_id}/user-schema/"

        answer = alice_client.post(page, form(LEAD, SELLER), follow=True)

        assert "2 custom roles: Team lead, seller." in text_of(answer)
        draft.refresh_from_db()
        schema = drafts.own_schema_of(draft)
        assert schema is not None
        made = factories.IntegrationFactory(
            workspace=draft.workspace, own_schema=schema
        )
        found = Resource.objects.filter(directory=made.directory, resource_type="Role")
        assert found.count() == 2

    def test_e0_12_begins_with_the_roles_of_the_app(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        app = drafts.app_of(draft)
        assert app is not None
        app.manifest["user_schema"]["roles"] = [{"value": "boss", "ranking": 3}]
        app.save()
        page = f"/integrations/new/{draft.public_id}/user-schema/"

        words = text_of(alice_client.get(page, headers=HTMX))

        assert "boss rank 3 · from Demo app" in words

    def test_problem_changes_nothing(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        page = f"/integrations/new/{draft.public_id}/user-schema/"

        answer = alice_client.post(page, form({"value": "", "ranking": "0"}))

        assert answer.status_code == 422
        draft.refresh_from_db()
        assert drafts.own_schema_of(draft) is None


def test_directory_of_no_integration_has_nothing_to_follow(
    workspace: Workspace,
) -> None:
    directory = Directory.objects.get(
        workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
    )

    role_publishing.follow(directory, database_now())

    assert not Resource.objects.filter(directory=directory).exists()
