"""The User schema drawer, of a draft and of an integration.

S0-32 to S0-34, E0-10, E0-12.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from integrations.models import App, Integration, IntegrationDraft
from integrations.set_up import drafts
from scim import schema_changes
from scim.protocol import user_schema
from tests import factories
from tests.conftest import ScimClient
from workspaces.clock import database_now
from workspaces.models import Directory, User, Workspace

HTMX = {"hx-request": "true"}
COST = {"name": "costCenter", "type": "string", "label": "Cost center"}


@pytest.fixture
def page(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/settings/user-schema/"


@pytest.fixture
def draft(workspace: Workspace, alice: User) -> IntegrationDraft:
    app: App = factories.AppFactory()
    answers = {"name": "Acme BI", "app": app.slug, "base_url": "http://127.0.0.1:9"}
    return drafts.start(workspace, answers=answers, actor=alice)


@pytest.fixture
def ann(directory: Directory) -> dict[str, Any]:
    """A user with a cost center, under a schema that has one."""
    keep(directory, COST)
    scim = ScimClient(directory, factories.issue_token(directory).plaintext)
    urn = user_schema.urn_of(directory.key)
    body = {"userName": "ann@acme.test", urn: {"costCenter": "K-7"}}
    made = scim.post("/Users", {"schemas": [urn], **body})
    assert made.status == 201, made.text
    return made.body


def keep(directory: Directory, *attributes: dict[str, Any]) -> None:
    directory.refresh_from_db()
    schema_changes.change_user_schema(
        directory,
        {"attributes": list(attributes)},
        expected_version=schema_changes.version_of(directory),
        actor=None,
        now=database_now(),
    )


def form(*rows: dict[str, str], **values: str) -> dict[str, str]:
    sent = {"count": str(len(rows)), "action": "save", **values}
    for number, row in enumerate(rows):
        sent |= {f"{number}-{name}": value for name, value in row.items()}
    return sent


def names(directory: Directory) -> list[str]:
    directory.refresh_from_db()
    return [a.name for a in schema_changes.attributes_of(directory)]


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


class TestOfAnIntegration:
    def test_s0_33_holds_the_fields_of_every_user_and_the_own_ones(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        keep(directory, COST)

        content = text(alice_client.get(page))

        assert '<h2 id="schema-title">User schema</h2>' in content
        assert "<code>userName</code>" in content
        assert "<code>login</code>" in content
        assert 'value="costCenter"' in content

    def test_drawer_is_the_same_form(self, alice_client: Client, page: str) -> None:
        content = text(alice_client.get(page, headers=HTMX)).lstrip()

        assert content.startswith("<dialog")
        assert "data-guard" in content
        assert f'action="{page}"' in content

    def test_s0_33_save_keeps_every_part_and_leads_back(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        """E0-10: every part that an attribute has."""
        row = {
            "name": "costCenter",
            "label": "Cost center",
            "type": "string",
            "required": "1",
            "multiValued": "1",
            "caseExact": "1",
            "mutability": "immutable",
            "returned": "request",
            "dataClassification": "confidential",
            "canonicalValues": "K-7\r\n\r\n K-8 ",
            "description": "Of the ledger",
        }

        answer = alice_client.post(page, form(row))

        assert answer.status_code == 302
        directory.refresh_from_db()
        (attribute,) = schema_changes.attributes_of(directory)
        assert attribute == user_schema.UserAttribute(
            name="costCenter",
            type="string",
            multi_valued=True,
            required=True,
            case_exact=True,
            mutability="immutable",
            returned="request",
            data_classification="confidential",
            canonical_values=("K-7", "K-8"),
            label="Cost center",
            description="Of the ledger",
        )

    def test_what_is_shown_and_saved_again_is_the_same(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        keep(directory, COST, {"name": "site", "type": "reference"})
        before = schema_changes.version_of(directory)
        rows = alice_client.get(page).context["rows"]
        sent = [
            {name: str(value) for name, value in row.values.items() if value}
            for row in rows
        ]

        answer = alice_client.post(page, form(*sent), follow=True)

        directory.refresh_from_db()
        assert schema_changes.version_of(directory) == before
        assert "Nothing was changed." in text(answer)

    def test_s0_34_nothing_changes_without_save(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        keep(directory, COST)

        for action in ("add", "drop-0"):
            alice_client.post(page, form(COST, action=action))

        assert names(directory) == ["costCenter"]

    def test_add_shows_an_empty_row_and_keeps_what_was_typed(
        self, alice_client: Client, page: str
    ) -> None:
        answer = alice_client.post(page, form(COST, action="add"), headers=HTMX)

        content = text(answer)
        assert content.lstrip().startswith('<form id="schema-form"')
        assert "data-dirty" in content
        assert 'value="costCenter"' in content
        assert 'name="1-name"' in content
        assert 'name="count" value="2"' in content

    def test_delete_field_takes_its_row_away(
        self, alice_client: Client, page: str
    ) -> None:
        rows = ({"name": "one"}, {"name": "two"})

        content = text(alice_client.post(page, form(*rows, action="drop-0")))

        assert 'value="two"' in content
        assert 'value="one"' not in content

    def test_problems_stand_beside_their_fields(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        rows = ({"name": "7up", "type": "colour"}, {"name": "userName"})

        answer = alice_client.post(page, form(*rows))

        content = text(answer)
        assert answer.status_code == 422
        assert 'href="#schema-0-name"' in content
        assert 'href="#schema-0-type"' in content
        assert "User has an attribute of this name already." in content
        assert "<title>Error: User schema" in content
        assert 'value="7up"' in content
        assert names(directory) == []

    def test_field_without_a_name_is_asked_for_one(
        self, alice_client: Client, page: str
    ) -> None:
        answer = alice_client.post(page, form({"label": "Cost centre"}))

        assert answer.status_code == 422
        assert "Enter a name, such as costCenter." in text(answer)
        assert "modelDump" not in text(answer)

    def test_saved_drawer_leads_back_by_htmx(
        self, alice_client: Client, page: str
    ) -> None:
        answer = alice_client.post(page, form(COST), headers=HTMX)

        assert answer["HX-Redirect"] == page

    def test_somebody_elses_change_is_not_overwritten(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        version = schema_changes.version_of(directory)
        keep(directory, COST)

        answer = alice_client.post(page, form({"name": "mine"}, version=version))

        assert answer.status_code == 409
        assert "Somebody has changed the user schema" in text(answer)
        assert 'value="mine"' in text(answer)
        assert names(directory) == ["costCenter"]

    def test_values_are_taken_away_only_when_told_twice(
        self, alice_client: Client, page: str, directory: Directory, ann: Any
    ) -> None:
        first = alice_client.post(page, form())
        assert first.status_code == 422
        assert "costCenter from 1 user." in text(first)
        assert names(directory) == ["costCenter"]

        second = alice_client.post(page, form(confirmed="1"))

        assert second.status_code == 302
        assert names(directory) == []

    def test_preview_shows_one_user_and_changes_nothing(
        self, alice_client: Client, page: str, directory: Directory, ann: Any
    ) -> None:
        row = {"name": "team", "type": "string"}

        answer = alice_client.post(page, form(row, action="preview", user=ann["id"]))

        content = text(answer)
        assert "would lose costCenter" in content
        assert "&quot;username&quot;: &quot;ann@acme.test&quot;" in content
        assert names(directory) == ["costCenter"]

    def test_preview_of_a_user_of_another_directory_is_404(
        self,
        alice_client: Client,
        page: str,
        ann: Any,
        other_integration: Integration,
    ) -> None:
        there = other_integration.directory
        scim = ScimClient(there, factories.issue_token(there).plaintext)
        bea = scim.post("/Users", {"userName": "bea@other.test"}).body

        answer = alice_client.post(page, form(action="preview", user=bea["id"]))

        assert answer.status_code == 404

    @pytest.mark.parametrize("count", ["", "-1", "9999", "x", "٣"])
    def test_nonsense_is_no_error_of_ours(
        self, alice_client: Client, page: str, count: str
    ) -> None:
        answer = alice_client.post(page, {"action": "add", "count": count})

        assert answer.status_code == 200


class TestOfADraft:
    def test_s0_33_save_reaches_the_integration(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        page = f"/integrations/new/{draft.public_id}/user-schema/"

        answer = alice_client.post(page, form(COST), follow=True)

        draft.refresh_from_db()
        schema = drafts.own_schema_of(draft)
        assert schema is not None
        assert [a.name for a in schema.attributes] == ["costCenter"]
        assert "1 custom field: costCenter." in text(answer)

    def test_preview_of_a_draft_is_of_an_invented_user(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        """E0-12: before the integration has users."""
        page = f"/integrations/new/{draft.public_id}/user-schema/"
        rows = (
            {"name": "level", "type": "integer"},
            {"name": "site", "type": "string", "canonicalValues": "Bonn\r\nOslo"},
        )

        answer = alice_client.post(page, form(*rows, action="preview"))

        content = text(answer)
        assert "What the SCIM user Ann Example would hold" in content
        assert "&quot;level&quot;: 7" in content
        assert "&quot;site&quot;: &quot;Bonn&quot;" in content
        assert "&quot;username&quot;: &quot;ann@example.com&quot;" in content
        draft.refresh_from_db()
        assert drafts.own_schema_of(draft) is None

    def test_e0_12_begins_with_the_schema_of_the_app(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        app = App.objects.get()
        app.manifest["user_schema"] = {"attributes": [COST]}
        app.save()

        page = f"/integrations/new/{draft.public_id}/user-schema/"
        content = text(alice_client.get(page))

        assert 'value="costCenter"' in content
        assert "from Demo app" in content

    def test_s0_34_leaving_changes_nothing(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        page = f"/integrations/new/{draft.public_id}/user-schema/"

        alice_client.post(page, form(COST, action="add"))

        draft.refresh_from_db()
        assert drafts.own_schema_of(draft) is None

    def test_another_tenant_finds_nothing(
        self, draft: IntegrationDraft, charlie: User, other_workspace: Workspace
    ) -> None:
        client = Client()
        client.force_login(charlie)

        page = f"/integrations/new/{draft.public_id}/user-schema/"
        assert client.get(page).status_code == 404
        assert client.post(page, form(COST)).status_code == 404


class TestOptionsOfAField:
    """E0-10: what a field may be is offered, and refused where it would do nothing."""

    def test_what_needs_the_fields_of_the_app_is_offered_where_keyway_reads_them(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        keep(directory, COST)
        app = App.objects.get(integration__directory=directory)
        read = text(alice_client.get(page))
        del app.manifest["http"]["account"]["attributes"]
        app.save()

        unread = text(alice_client.get(page))

        for words in ("Primary identifier", "Allow empty in sync"):
            assert words in read
            assert words not in unread
        assert "Data classification" in unread

    def test_what_would_do_nothing_is_refused(
        self, alice_client: Client, page: str, directory: Directory
    ) -> None:
        app = App.objects.get(integration__directory=directory)
        del app.manifest["http"]["account"]["attributes"]
        app.save()

        answer = alice_client.post(page, form({"name": "a", "primaryIdentifier": "1"}))

        assert answer.status_code == 422
        assert "cannot read this app&#x27;s own fields" in text(answer)
        assert names(directory) == []

    def test_preview_hides_what_is_confidential(
        self, alice_client: Client, page: str, ann: dict[str, Any]
    ) -> None:
        row = {**COST, "dataClassification": "confidential"}
        sent = form(row, action="preview", user=ann["id"])

        answer = alice_client.post(page, sent)

        assert "ann@acme.test" in text(answer)
        assert "K-7" not in text(answer)
        assert text(answer).count("[hidden]") == 2
