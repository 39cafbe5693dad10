"""The user schema and the people of an integration by API: the rules of their pages."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Integration
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.routes import values_of
from workspaces.models import AuditEvent, Role

COST_CODE = {"name": "costCode", "label": "Cost code"}
LEAD = {"value": "lead", "ranking": 1}


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}/user-schema"


def put(api: ApiClient, path: str, **changed: Any) -> Any:
    seen = api.get(path).body
    return api.call("PUT", path, seen | changed)


class TestUserSchema:
    def test_attributes_and_roles_are_served_from_the_next_request_on(
        self, api: ApiClient, integration: Integration, path: str
    ) -> None:
        """E0-10, E0-11."""
        scim = ScimClient(
            integration.directory,
            factories.issue_token(integration.directory).plaintext,
        )

        changed = put(api, path, attributes=[COST_CODE], roles=[LEAD])

        assert changed.status == 200
        assert changed.body["attributes"][0]["name"] == "costCode"
        assert api.get(path).body == changed.body
        assert "costCode" in str(scim.get("/Schemas").body)
        event = AuditEvent.objects.get(action="scim.user_schema.changed")
        assert event.data["added"] == "costCode"

    def test_each_problem_is_told_with_its_place(
        self, api: ApiClient, path: str
    ) -> None:
        wrong = {"name": "costCode", "type": "money"}

        answer = put(api, path, attributes=[COST_CODE, wrong], roles=[{"value": "x"}])

        assert answer.status == 422
        pointers = [error["pointer"] for error in answer.body["errors"]]
        assert "#/attributes/1/type" in pointers
        assert "#/attributes/1/name" in pointers
        assert "#/roles/0/ranking" in pointers

    def test_change_of_what_somebody_else_changed_is_refused(
        self, api: ApiClient, path: str
    ) -> None:
        seen = api.get(path).body
        put(api, path, attributes=[COST_CODE])

        late = api.call("PUT", path, seen | {"attributes": []})

        assert late.status == 409
        assert "Somebody has changed the user schema" in late.body["detail"]

    def test_what_users_would_lose_is_told_before_it_is_done(
        self, api: ApiClient, integration: Integration, path: str
    ) -> None:
        put(api, path, attributes=[COST_CODE])
        directory = integration.directory
        directory.refresh_from_db()
        scim = ScimClient(directory, factories.issue_token(directory).plaintext)
        urn = f"urn:keyway:scim:schemas:extension:{directory.key}:2.0:User"
        scim.add_user("zoe", **{urn: {"costCode": "c-1"}})

        asked = put(api, path, attributes=[])
        kept = api.get(path).body["attributes"]
        done = put(api, path, attributes=[], discardValues=True)

        assert asked.status == 409
        assert "costCode (1)" in asked.body["detail"]
        assert [each["name"] for each in kept] == ["costCode"]
        assert (done.status, done.body["attributes"]) == (200, [])


class TestPeople:
    @pytest.fixture
    def hand(self, integration: Integration) -> str:
        return f"/v1/integrations/{values_of(integration)['hand']}/task-people"

    def test_people_are_named_and_taken_back(
        self, api: ApiClient, integration: Integration, hand: str
    ) -> None:
        admin = factories.MembershipFactory(
            workspace=integration.workspace, role=Role.ADMIN
        )

        named = api.call("PUT", hand, {"people": [admin.pk]})
        nobody = api.call("PUT", hand, {"people": []})

        assert named.body == {"people": [admin.pk]}
        assert nobody.body == {"people": []} == api.get(hand).body

    def test_only_administrators_of_the_workspace_can_be_named(
        self, api: ApiClient, integration: Integration, hand: str
    ) -> None:
        auditor = factories.MembershipFactory(
            workspace=integration.workspace, role=Role.AUDITOR
        )
        stranger = factories.MembershipFactory(role=Role.ADMIN)

        for wrong in (auditor.pk, stranger.pk):
            answer = api.call("PUT", hand, {"people": [wrong]})
            assert answer.status == 422
            assert answer.body["errors"][0]["pointer"] == "#/people"

    def test_app_that_keyway_calls_has_none(
        self, api: ApiClient, integration: Integration
    ) -> None:
        key = integration.directory.key

        assert api.get(f"/v1/integrations/{key}/task-people").status == 404
