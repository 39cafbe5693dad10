"""Set up your IdP: every value in the IdP's own field names, and the live line.

S0-42 to S0-46, S0-70 to S0-72, E0-12 and E0-13.
"""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import AppEntitlement, Integration
from integrations.set_up.idps import IDPS
from scim.models import Resource
from tests import factories
from tests.integrations.test_pages import get
from tests.portal.test_rotation import add_record
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import User, Workspace

HTMX = {"hx-request": "true"}
URN = "urn:keyway:scim:schemas:extension:{}:2.0:User"


@pytest.fixture
def token(integration: Integration) -> ScimToken:
    return factories.issue_token(integration.directory, name="okta-prod").token


def path(integration: Integration, idp: str = "okta") -> str:
    return f"/integrations/{integration.directory.key}/set-up/{idp}/"


def content(client: Client, integration: Integration, idp: str = "okta") -> str:
    answer = client.get(path(integration, idp))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


class TestValues:
    @pytest.mark.parametrize("idp", IDPS)
    def test_s0_46_page_of_each_idp_has_the_url_to_copy(
        self, alice_client: Client, integration: Integration, token: ScimToken, idp: str
    ) -> None:
        page = content(alice_client, integration, idp)

        assert f'value="{integration.directory.base_url}"' in page
        assert "Copy" in page

    @pytest.mark.parametrize(
        ("idp", "labels"),
        [
            (
                "okta",
                [
                    "SCIM connector base URL",
                    "Unique identifier field for users",
                    "Supported provisioning actions",
                    "Authentication Mode",
                    "Authorization",
                    "App's login page URL",
                    "Import Now",
                    "External name",
                    "External namespace",
                ],
            ),
            ("entra", ["Tenant URL", "Secret Token", "Test Connection", "Mappings"]),
            ("google", ["Endpoint URL", "Access token"]),
            ("other", ["SCIM base URL", "Authorization header", "Schemas"]),
        ],
    )
    def test_s0_72_fields_have_the_names_of_the_idp(
        self,
        alice_client: Client,
        integration: Integration,
        token: ScimToken,
        idp: str,
        labels: list[str],
    ) -> None:
        page = content(alice_client, integration, idp)

        for label in labels:
            assert label in page

    def test_no_value_of_a_token_is_there_but_how_to_know_it(
        self, alice_client: Client, integration: Integration
    ) -> None:
        issued = factories.issue_token(integration.directory, name="okta-prod")

        page = content(alice_client, integration)

        assert issued.plaintext not in page
        assert issued.token.hint in page
        assert "Authorization: Bearer YOUR_TOKEN" in page

    def test_without_a_token_it_says_where_to_make_one(
        self, alice_client: Client, integration: Integration
    ) -> None:
        text = get(alice_client, path(integration))

        assert "There is no working token" in text
        assert "no working token. Generate one, then paste it" in text

    def test_unknown_idp_is_404(
        self, alice_client: Client, integration: Integration
    ) -> None:
        assert alice_client.get(path(integration, "nobody")).status_code == 404

    def test_other_tenant_is_404(
        self,
        client: Client,
        charlie: User,
        other_workspace: Workspace,
        integration: Integration,
    ) -> None:
        client.force_login(charlie)

        assert client.get(path(integration)).status_code == 404

    def test_connected_services_leads_to_each(
        self, alice_client: Client, integration: Integration
    ) -> None:
        key = integration.directory.key
        page = alice_client.get(f"/integrations/{key}/settings/connected-services/")

        for idp in IDPS:
            assert f'href="{path(integration, idp)}"' in page.content.decode()


class TestAttributes:
    """E0-13: from the live schema."""

    def rows(
        self, client: Client, integration: Integration, idp: str = "okta"
    ) -> dict[str, object]:
        tables = client.get(path(integration, idp)).context["tables"]
        return {row.display_name: row for table in tables for row in table.rows}

    def test_e0_13_standard_attributes_with_type_and_name(
        self, alice_client: Client, integration: Integration
    ) -> None:
        rows = self.rows(alice_client, integration)

        user_name, email = rows["User name"], rows["Email"]
        assert user_name.external_name == "userName"  # type: ignore[attr-defined]
        assert user_name.is_required  # type: ignore[attr-defined]
        assert email.external_name == "emails.^[primary==true].value"  # type: ignore[attr-defined]
        assert email.data_type == "string, several values"  # type: ignore[attr-defined]

    def test_e0_12_own_attributes_with_namespace_and_values(
        self, alice_client: Client, integration: Integration
    ) -> None:
        directory = integration.directory
        directory.user_schema = {
            "attributes": [
                {
                    "name": "costCenter",
                    "type": "string",
                    "label": "Cost center",
                    "required": True,
                    "canonicalValues": ["A1", "B2"],
                    "description": "Who pays.",
                }
            ]
        }
        directory.save()

        row = self.rows(alice_client, integration)["Cost center"]
        page = content(alice_client, integration)

        assert row.external_name == "costCenter"  # type: ignore[attr-defined]
        assert row.is_required  # type: ignore[attr-defined]
        assert [v.value for v in row.values] == ["A1", "B2"]  # type: ignore[attr-defined]
        assert f'value="{URN.format(directory.key)}"' in page
        assert "Allowed values of Cost center" in page
        assert "Who pays." in page
        entra = self.rows(alice_client, integration, "entra")["Cost center"]
        assert entra.external_name == (  # type: ignore[attr-defined]
            f"{URN.format(directory.key)}:costCenter"
        )

    @pytest.fixture
    def with_roles(self, integration: Integration) -> Integration:
        manifest = integration.app.manifest
        manifest["capabilities"]["entitlements"].append(
            {"kind": "role", "label": "Roles", "assignable": True}
        )
        integration.app.save()
        return integration

    def add_role(self, integration: Integration, number: int, name: str) -> Resource:
        now = database_now()
        resource = Resource.objects.create(
            directory=integration.directory,
            resource_type="Role",
            document="{}",
            comparable={},
            label=name,
            created_at=now,
            modified_at=now,
        )
        AppEntitlement.objects.create(
            integration=integration,
            kind="role",
            external_id=str(number),
            name=name,
            resource=resource,
            seen_at=now,
        )
        return resource

    def test_e0_13_roles_with_their_values(
        self, alice_client: Client, with_roles: Integration
    ) -> None:
        self.add_role(with_roles, 1, "Manager")
        twins = [self.add_role(with_roles, n, "Guest") for n in (2, 3)]

        row = self.rows(alice_client, with_roles)["Roles"]

        assert [(v.display_name, v.value) for v in row.values] == [  # type: ignore[attr-defined]
            ("Guest", twins[0].public_id),
            ("Guest", twins[1].public_id),
            ("Manager", "Manager"),
        ]

    def test_roles_that_no_sync_has_read_ask_for_one(
        self, alice_client: Client, with_roles: Integration
    ) -> None:
        assert "Sync first" in self.rows(alice_client, with_roles)["Roles"].note  # type: ignore[attr-defined]

    def test_app_without_roles_has_no_such_row(
        self, alice_client: Client, integration: Integration
    ) -> None:
        rows = self.rows(alice_client, integration)

        assert "Roles" not in rows
        assert "Entitlements" not in rows

    def test_long_lists_are_cut_and_counted(
        self, alice_client: Client, with_roles: Integration
    ) -> None:
        for number in range(53):
            self.add_role(with_roles, number, f"Role {number:02}")

        row = self.rows(alice_client, with_roles)["Roles"]

        assert len(row.values) == 50  # type: ignore[attr-defined]
        assert row.more_values == 3  # type: ignore[attr-defined]


class TestLiveLine:
    def poll(
        self, client: Client, integration: Integration, seen: str = ""
    ) -> tuple[int, str]:
        answer = client.get(
            path(integration), {"seen": seen} if seen else {}, headers=HTMX
        )
        return answer.status_code, unescape(answer.content.decode())

    def test_waits_for_the_first_request(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        assert "Waiting for the first request…" in get(alice_client, path(integration))

    def test_tells_who_called_when_and_that_the_test_passed(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        add_record(integration, token, 0.05)

        text = get(alice_client, path(integration))

        assert "Okta called 3 s ago, test passed" in text.replace(" ,", ",")
        assert "GET /Users was answered with 200" in text

    def test_older_call_has_its_age_in_local_time(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        add_record(integration, token, 90, dialect="entra")

        page = content(alice_client, integration, "entra")

        assert "Microsoft Entra ID called" in page
        assert 'data-local-time="relative"' in page

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (400, "Compare its mapping"),
            (404, "exactly the SCIM Gateway URL"),
            (409, "confirm the match"),
            (418, "says what was expected"),
            (429, "by itself"),
            (503, "This gateway failed"),
        ],
    )
    def test_refusal_names_cause_and_fix(
        self,
        alice_client: Client,
        integration: Integration,
        token: ScimToken,
        status: int,
        words: str,
    ) -> None:
        add_record(integration, token, 0, status=status, request_id="req-1")

        text = get(alice_client, path(integration))

        assert f"refused with {status}" in text
        assert words in text
        assert ("req-1" in text) == (status >= 500)

    def test_says_what_to_check_where_the_idp_shows_401(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        text = get(alice_client, path(integration))

        assert "your IdP shows 401" in text
        assert "is not listed as Expired, Replaced or Revoked" in text

    def test_poll_gets_the_line_alone(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        status, part = self.poll(alice_client, integration)

        assert status == 200
        assert "Waiting for the first request" in part
        assert "<html" not in part
        assert "hx-swap-oob" not in part

    def test_poll_announces_news_once_and_then_is_quiet(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        waiting = alice_client.get(path(integration)).context["live"].seen
        record = add_record(integration, token, 0)

        _, news = self.poll(alice_client, integration, waiting)
        seen = f"{record.pk}-1"
        _, again = self.poll(alice_client, integration, seen)
        record.at = database_now() - timedelta(minutes=5)
        record.save()
        status, _ = self.poll(alice_client, integration, seen)

        assert 'hx-swap-oob="innerHTML:#live"' in news
        assert "hx-swap-oob" not in again
        assert status == 204

    def test_call_to_another_gateway_is_no_news(
        self,
        alice_client: Client,
        workspace: Workspace,
        integration: Integration,
        token: ScimToken,
    ) -> None:
        neighbour = factories.IntegrationFactory(workspace=workspace)
        add_record(neighbour, factories.issue_token(neighbour.directory).token, 0)

        assert "Waiting for the first request" in get(alice_client, path(integration))

    def test_poll_is_cheap(
        self, alice_client: Client, integration: Integration, token: ScimToken
    ) -> None:
        self.poll(alice_client, integration)
        with CaptureQueriesContext(connection) as captured:
            self.poll(alice_client, integration)

        assert len(captured) <= 10

    def test_without_scripts_there_is_a_link_to_refresh(
        self, alice_client: Client, integration: Integration
    ) -> None:
        page = content(alice_client, integration)

        without = page.partition("<noscript>")[2].partition("</noscript>")[0]
        assert f'href="{path(integration)}"' in without
        assert "Refresh" in without
