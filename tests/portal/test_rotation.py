"""New token: the choice what happens to the old one, and the way to its end.

S0-56 to S0-61.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from scim.models import RequestRecord
from tests import factories
from tests.conftest import ScimClient
from tests.portal.test_token_dialog import value_of
from tokens.models import ScimToken
from tokens.services import IssuedToken
from workspaces.clock import database_now
from workspaces.models import Role, User, Workspace

HTMX = {"hx-request": "true"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def issued(integration: Integration) -> IssuedToken:
    return factories.issue_token(integration.directory, name="okta-prod")


@pytest.fixture
def page(integration: Integration) -> str:
    key = integration.directory.key
    return f"/integrations/{key}/settings/connected-services/"


@pytest.fixture
def new(issued: IssuedToken) -> str:
    return url(issued.token, "new")


def url(token: ScimToken, action: str) -> str:
    return f"/tokens/{token.directory.key}/{token.key}/{action}/"


def works(integration: Integration, token: str) -> bool:
    return ScimClient(integration.directory, token).get("/Users").status == 200


def add_record(
    integration: Integration, token: ScimToken, minutes_ago: float, **columns: object
) -> RequestRecord:
    values: dict[str, object] = {
        "method": "GET",
        "path": f"{integration.directory.path}/Users",
        "status": 200,
        "milliseconds": 5,
        "dialect": "okta",
        "at": database_now() - minutes_ago * MINUTE,
        **columns,
    }
    return RequestRecord.objects.create(
        directory=integration.directory, token_key=token.key, **values
    )


def use(token: ScimToken, minutes_ago: float) -> None:
    ScimToken.objects.filter(pk=token.pk).update(
        last_used_at=database_now() - minutes_ago * MINUTE
    )


class TestDialog:
    def test_s0_56_section_has_more_options_with_generate_new_token(
        self, alice_client: Client, page: str, new: str
    ) -> None:
        content = alice_client.get(page).content.decode()

        menu = content[content.index('id="gateway-menu"') :].partition("</div>")[0]
        assert "Generate new token" in menu
        assert f'href="{new}"' in menu
        assert "Revoke token" in menu

    def test_s0_56_no_more_options_without_a_token(
        self, alice_client: Client, page: str
    ) -> None:
        assert b"gateway-menu" not in alice_client.get(page).content

    def test_s0_58_names_the_old_token_and_asks(
        self, alice_client: Client, new: str
    ) -> None:
        answer = alice_client.get(new)

        content = answer.content.decode()
        assert "<h1>New token</h1>" in content
        assert "replaces <strong>okta-prod</strong>" in content
        assert "Immediately: provisioning stops" in content
        for choice in ("In 1 hour", "In 24 hours", "In 7 days"):
            assert choice in content
        assert re.search(r'value="now"[^>]*checked', content)
        assert "no-store" in answer["Cache-Control"]

    def test_s0_57_is_a_dialog_for_the_page(
        self, alice_client: Client, new: str
    ) -> None:
        content = alice_client.get(new, headers=HTMX).content

        assert b"<dialog" in content
        assert b"<html" not in content

    def test_s0_59_makes_the_token_and_shows_it_once(
        self, alice_client: Client, integration: Integration, new: str
    ) -> None:
        answer = alice_client.post(new, {"overlap": "now"}, headers=HTMX)

        assert answer.status_code == 200
        assert b"Generate token" in answer.content
        assert b"data-keep-open" in answer.content
        assert "no-store" in answer["Cache-Control"]
        assert works(integration, value_of(answer.content))

    def test_s0_60_looking_at_the_dialog_changes_nothing(
        self,
        alice_client: Client,
        integration: Integration,
        issued: IssuedToken,
        new: str,
    ) -> None:
        alice_client.get(new)

        assert works(integration, issued.plaintext)
        assert ScimToken.objects.count() == 1

    @pytest.mark.parametrize(
        ("overlap", "lives"),
        [("now", False), ("1h", True), ("24h", True), ("7d", True)],
    )
    def test_s0_61_old_token_does_as_chosen(
        self,
        alice_client: Client,
        integration: Integration,
        issued: IssuedToken,
        new: str,
        overlap: str,
        lives: bool,
    ) -> None:
        answer = alice_client.post(new, {"overlap": overlap})

        assert works(integration, issued.plaintext) == lives
        assert works(integration, value_of(answer.content))
        words = b"Old token stops" if lives else b"old token no longer works"
        assert words in answer.content

    @pytest.mark.parametrize("data", [{}, {"overlap": "for ever"}])
    def test_choice_that_is_none_is_said(
        self, alice_client: Client, new: str, data: dict[str, str]
    ) -> None:
        for headers in ({}, HTMX):
            answer = alice_client.post(new, data, headers=headers)
            assert answer.status_code == 422
            assert b"There is a problem" in answer.content
        assert ScimToken.objects.count() == 1

    def test_sent_twice_makes_one_token_and_shows_it_once(
        self, alice_client: Client, new: str
    ) -> None:
        """S0-50: so does a reload, and Back."""
        first = alice_client.post(new, {"overlap": "24h"})
        second = alice_client.post(new, {"overlap": "24h"})

        assert second.status_code == 409
        assert b"This token was already shown" in second.content
        assert value_of(first.content).encode() not in second.content
        assert b"Generate new token" in second.content
        assert ScimToken.objects.count() == 2

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_old_token_that_ended_meanwhile_leads_back(
        self,
        alice_client: Client,
        issued: IssuedToken,
        new: str,
        page: str,
        headers: dict[str, str],
    ) -> None:
        alice_client.post(url(issued.token, "revoke"))

        answer = alice_client.post(new, {"overlap": "now"}, headers=headers)

        target = answer.headers.get("HX-Redirect") or answer["Location"]
        assert target == page
        assert b"okta-prod has ended: revoked" in alice_client.get(page).content
        assert ScimToken.objects.count() == 1


class TestEdit:
    def test_keeps_what_is_entered(
        self, alice_client: Client, issued: IssuedToken, page: str
    ) -> None:
        answer = alice_client.post(
            url(issued.token, "edit"), {"name": "entra", "lifetime": "365"}
        )

        issued.token.refresh_from_db()
        assert answer["Location"] == page
        assert issued.token.name == "entra"
        assert issued.token.expires_at == issued.token.created_at + timedelta(days=365)

    def test_offers_no_token_without_an_end(
        self, alice_client: Client, issued: IssuedToken
    ) -> None:
        answer = alice_client.get(url(issued.token, "edit"))

        choices = answer.context["form"].fields["lifetime"].choices
        assert [value for value, _ in choices] == ["90", "365", "730"]

    def test_end_of_a_command_is_kept_unless_changed(
        self, alice_client: Client, integration: Integration
    ) -> None:
        token = factories.issue_token(
            integration.directory, lifetime=timedelta(days=3)
        ).token

        content = alice_client.get(url(token, "edit")).content.decode()
        alice_client.post(url(token, "edit"), {"name": "x", "lifetime": "keep"})

        assert "as it is now" in content
        token.refresh_from_db()
        assert token.expires_at == token.created_at + timedelta(days=3)

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"name": "", "lifetime": "90"}, "Enter a name for the token."),
            ({"name": "x", "lifetime": "7"}, "Choose one of the times"),
            ({"name": "x" * 101, "lifetime": "90"}, "at most 100 characters"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self,
        alice_client: Client,
        issued: IssuedToken,
        data: dict[str, str],
        words: str,
    ) -> None:
        answer = alice_client.post(url(issued.token, "edit"), data, headers=HTMX)

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert data["name"] in answer.content.decode()

    def test_end_that_is_over_is_refused(
        self, alice_client: Client, issued: IssuedToken
    ) -> None:
        ScimToken.objects.update(created_at=database_now() - timedelta(days=100))

        answer = alice_client.post(
            url(issued.token, "edit"), {"name": "x", "lifetime": "90"}
        )

        assert answer.status_code == 422
        assert b"would have expired already" in answer.content

    def test_of_an_ended_token_leads_back(
        self, alice_client: Client, issued: IssuedToken, page: str
    ) -> None:
        alice_client.post(url(issued.token, "revoke"))

        answer = alice_client.post(
            url(issued.token, "edit"), {"name": "x", "lifetime": "90"}
        )

        assert answer["Location"] == page


class TestOverlap:
    """What the page tells while both tokens work."""

    @pytest.fixture
    def fresh(
        self, alice_client: Client, integration: Integration, new: str
    ) -> ScimToken:
        alice_client.post(new, {"overlap": "24h"})
        return ScimToken.objects.get(name="okta-prod 2")

    def test_says_when_the_old_token_stops_by_itself(
        self,
        alice_client: Client,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        content = alice_client.get(page).content.decode()

        issued.token.refresh_from_db()
        assert issued.token.overlap_ends_at is not None
        ends = issued.token.overlap_ends_at.strftime("%Y-%m-%dT%H:%M")
        assert "okta-prod 2 replaces okta-prod" in content
        assert f'datetime="{ends}' in content
        assert "The new token has not been used yet" in content
        assert "Retire old token now" not in content

    def test_shows_which_token_each_recent_request_used(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        add_record(integration, issued.token, 5)
        add_record(integration, fresh, 1)

        answer = alice_client.get(page)

        assert [call["token"] for call in answer.context["calls"]] == [
            "okta-prod 2",
            "okta-prod",
        ]

    def test_does_not_offer_to_retire_a_token_in_use(
        self, alice_client: Client, page: str, issued: IssuedToken, fresh: ScimToken
    ) -> None:
        use(issued.token, 2)
        use(fresh, 1)

        content = alice_client.get(page).content.decode()

        assert "Both tokens are in use" in content
        assert "quiet for 1 h" in content
        assert "Retire old token now" not in content

    def test_learns_the_usual_interval_and_offers_to_retire(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        for minutes in (140, 100, 60, 20):
            add_record(integration, issued.token, minutes)
        use(issued.token, 45)
        use(fresh, 1)

        content = alice_client.get(page).content.decode()

        assert "Retire old token now" in content
        assert "quiet for longer than 40 min, the usual time" in content

    def test_retire_ends_the_old_token(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        answer = alice_client.post(url(issued.token, "retire"), follow=True)

        assert answer.redirect_chain == [(page, 302)]
        assert b"okta-prod is retired." in answer.content
        assert not works(integration, issued.plaintext)
        assert b"Replaced" in answer.content

    def test_retire_of_a_token_that_has_no_successor_is_explained(
        self, alice_client: Client, integration: Integration, issued: IssuedToken
    ) -> None:
        answer = alice_client.post(url(issued.token, "retire"), follow=True)

        assert b"No token has replaced this one" in answer.content
        assert works(integration, issued.plaintext)

    def test_poll_gets_the_part_and_only_news(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        seen = alice_client.get(page).context["rotation_seen"]

        same = alice_client.get(page, {"seen": seen}, headers=HTMX)
        add_record(integration, fresh, 0)
        changed = alice_client.get(page, {"seen": seen}, headers=HTMX)

        assert same.status_code == 204
        assert changed.status_code == 200
        assert b"<html" not in changed.content
        assert b"okta-prod 2 replaces okta-prod" in changed.content

    def test_poll_reloads_the_page_at_the_end(
        self, alice_client: Client, page: str, issued: IssuedToken, fresh: ScimToken
    ) -> None:
        ScimToken.objects.filter(pk=issued.token.pk).update(
            overlap_ends_at=database_now()
        )

        answer = alice_client.get(page, headers=HTMX)

        assert answer["HX-Refresh"] == "true"
        assert b"Retire" not in alice_client.get(page).content

    def test_more_options_are_about_the_new_token(
        self, alice_client: Client, page: str, fresh: ScimToken
    ) -> None:
        panel = alice_client.get(page).context["panel"]

        assert panel["current"]["key"] == fresh.key
        [_, old] = panel["tokens"]
        assert old["rotate_url"] is None
        assert old["revoke_url"]

    def test_page_costs_the_same_for_few_and_many_requests(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        issued: IssuedToken,
        fresh: ScimToken,
    ) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                alice_client.get(page)
            return len(captured)

        add_record(integration, fresh, 1)
        queries()
        few = queries()
        for number in range(30):
            add_record(integration, issued.token, number)

        assert queries() == few
        assert few <= 21


@pytest.mark.parametrize("action", ["new", "edit", "retire"])
@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_s0_3_other_roles_may_not(
    client: Client,
    workspace: Workspace,
    issued: IssuedToken,
    action: str,
    role: Role,
) -> None:
    user = factories.UserFactory()
    factories.MembershipFactory(workspace=workspace, user=user, role=role)
    client.force_login(user)

    answer = client.post(
        url(issued.token, action), {"overlap": "now", "name": "x", "lifetime": "90"}
    )

    assert answer.status_code == 403
    assert ScimToken.objects.count() == 1


@pytest.mark.parametrize("action", ["new", "edit", "retire"])
def test_token_of_another_tenant_is_404(
    client: Client,
    charlie: User,
    other_workspace: Workspace,
    issued: IssuedToken,
    action: str,
) -> None:
    client.force_login(charlie)

    assert client.post(url(issued.token, action)).status_code == 404


def test_token_of_another_directory_is_404(
    alice_client: Client,
    workspace: Workspace,
    issued: IssuedToken,
) -> None:
    neighbour = factories.IntegrationFactory(workspace=workspace)

    answer = alice_client.get(
        f"/tokens/{neighbour.directory.key}/{issued.token.key}/new/"
    )

    assert answer.status_code == 404


def test_value_of_the_successor_is_in_no_later_page(
    alice_client: Client, page: str, new: str, issued: IssuedToken
) -> None:
    """S0-50."""
    value = value_of(alice_client.post(new, {"overlap": "24h"}).content)
    token = ScimToken.objects.get(name="okta-prod 2")

    for path in (page, url(token, "edit"), url(token, "new"), url(token, "revoke")):
        assert value not in alice_client.get(path).content.decode()
