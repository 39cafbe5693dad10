"""Generate token: shown once, by the answer to the POST, and nowhere else.

S0-42 to S0-55.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.confirming import sign_in_verified
from tests.conftest import ScimClient
from tokens import credential, token_format
from tokens import services as token_services
from tokens.audit import Action
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Role, User, Workspace

_FIELD = re.compile(r'<input[^>]*id="token-value"[^>]*>', re.DOTALL)
_VALUE = re.compile(r'value="([^"]*)"')


@pytest.fixture
def page(integration: Integration) -> str:
    key = integration.directory.key
    return f"/integrations/{key}/settings/connected-services/"


@pytest.fixture
def generate(integration: Integration) -> str:
    return f"/tokens/{integration.directory.key}/generate/"


def field_of(content: bytes) -> str:
    (field,) = _FIELD.findall(content.decode())
    return field


def value_of(content: bytes) -> str:
    (value,) = _VALUE.findall(field_of(content))
    return html.unescape(value)


def works(integration: Integration, token: str) -> bool:
    return ScimClient(integration.directory, token).get("/Users").status == 200


class TestUrl:
    """S0-42 to S0-46."""

    def test_is_shown_in_full_any_number_of_times(
        self, alice_client: Client, integration: Integration, page: str
    ) -> None:
        """S0-42 and S0-44."""
        url = f"http://testserver/scim/{integration.directory.key}/v2".encode()

        for _ in range(3):
            assert alice_client.get(page).content.count(b'value="' + url + b'"') == 1

    def test_does_not_change_with_the_token(
        self, alice_client: Client, integration: Integration, page: str, generate: str
    ) -> None:
        """S0-45: it stays when the token changes."""
        before = alice_client.get(page).context["gateway_url"]
        alice_client.post(generate)
        token = integration.directory.tokens.get()
        alice_client.post(f"/tokens/{token.directory.key}/{token.key}/revoke/")
        alice_client.post(generate)

        assert alice_client.get(page).context["gateway_url"] == before

    def test_is_unlike_that_of_any_other_integration(
        self, workspace: Workspace, integration: Integration
    ) -> None:
        """S0-45: it is unique."""
        others = [factories.IntegrationFactory(workspace=workspace) for _ in range(5)]

        urls = {each.directory.base_url for each in [integration, *others]}

        assert len(urls) == 6

    def test_works_as_it_is_pasted(
        self, alice_client: Client, integration: Integration, generate: str
    ) -> None:
        """S0-46."""
        answer = alice_client.post(generate)
        url, token = answer.context["gateway_url"], value_of(answer.content)
        path = url.removeprefix("http://testserver")

        for sent in (f"Bearer {token}", f"bearer {token}", token):
            listed = Client().get(f"{path}/Users", headers={"authorization": sent})
            assert listed.status_code == 200


class TestFirstToken:
    """S0-47 to S0-55."""

    def test_button_is_there_until_there_is_a_token(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        before = alice_client.get(page).content
        alice_client.post(generate)
        after = alice_client.get(page).content

        assert b"Generate token" in before
        assert generate.encode() in before
        assert b"Generate token" not in after
        assert generate.encode() not in after

    def test_s0_13_section_holds_the_url_and_the_actions(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        first = alice_client.get(page).content.decode()
        alice_client.post(generate)
        later = alice_client.get(page).content.decode()

        for content in (first, later):
            section = content[content.index("SCIM Gateway</h2>") :]
            assert 'id="gateway-url"' in section
        assert "Generate token" in first
        assert "Generate new token" in later
        assert "Revoke token" in later

    def test_is_made_at_once_and_shown(
        self, alice_client: Client, alice: User, integration: Integration, generate: str
    ) -> None:
        """S0-48."""
        answer = alice_client.post(generate)

        token = ScimToken.objects.get()
        value = value_of(answer.content)
        assert answer.status_code == 200
        assert token_format.PATTERN.fullmatch(value)
        assert token.key in value
        assert token.directory == integration.directory
        assert token.created_by == alice
        assert works(integration, value)

    def test_field_holds_the_exact_value_and_invites_nobody(
        self, alice_client: Client, generate: str
    ) -> None:
        field = field_of(alice_client.post(generate).content)

        for attribute in (
            *("readonly", "data-secret", 'autocomplete="off"', 'spellcheck="false"'),
            *("data-1p-ignore", 'data-lpignore="true"'),
        ):
            assert attribute in field
        assert _VALUE.findall(field)[0] == _VALUE.findall(field)[0].strip()

    def test_dialog_says_that_it_is_shown_once_and_what_if_it_is_lost(
        self, alice_client: Client, generate: str
    ) -> None:
        """S0-51."""
        content = alice_client.post(generate).content.decode()

        assert "Generate token" in content
        assert "only once" in content
        assert "lost token must be replaced by a new one" in content

    def test_dialog_stays_until_it_is_closed(
        self, alice_client: Client, generate: str
    ) -> None:
        """S0-52: no Esc and no click beside it; the journeys press them."""
        content = alice_client.post(generate, headers={"hx-request": "true"}).content

        assert b"<dialog" in content
        assert b"data-keep-open" in content
        assert b'closedby="none"' in content
        assert b"<html" not in content

    def test_dialog_and_page_are_never_stored(
        self, alice_client: Client, generate: str
    ) -> None:
        answer = alice_client.post(generate)

        assert "no-store" in answer["Cache-Control"]
        assert b'hx-history="false"' in answer.content
        assert "token" not in answer.headers.get("HX-Push-Url", "")

    def test_fragment_is_never_stored_either(
        self, alice_client: Client, generate: str
    ) -> None:
        answer = alice_client.post(generate, headers={"hx-request": "true"})

        assert "no-store" in answer["Cache-Control"]
        assert b'hx-history="false"' in answer.content
        assert value_of(answer.content)

    def test_done_keeps_name_and_expiry(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        """S0-127: the dialog's form is sent by Done and leads back to the page."""
        answer = alice_client.post(generate)
        token = ScimToken.objects.get()
        assert answer.context["form"].initial == {"name": "IdP", "lifetime": "730"}
        assert answer.context["edit_url"].encode() in answer.content

        done = alice_client.post(
            answer.context["edit_url"], {"name": "okta-prod", "lifetime": "90"}
        )

        assert done["Location"] == page
        token.refresh_from_db()
        assert token.name == "okta-prod"
        assert token.expires_at == token.created_at + timedelta(days=90)

    def test_page_shows_its_state_afterwards(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        """S0-55."""
        alice_client.post(generate)

        content = alice_client.get(page).content.decode()

        token = ScimToken.objects.get()
        assert token.hint in content
        assert "Active" in content
        assert "by Alice" in content

    def test_opens_this_gateway_only(
        self,
        alice_client: Client,
        workspace: Workspace,
        integration: Integration,
        generate: str,
    ) -> None:
        """S0-53 and S0-54: it authenticates, and for one gateway."""
        neighbour = factories.IntegrationFactory(workspace=workspace)

        value = value_of(alice_client.post(generate).content)

        assert works(integration, value)
        assert not works(neighbour, value)

    def test_opens_no_page_of_the_portal(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        """S0-54: it bounds what may be done with it."""
        value = value_of(alice_client.post(generate).content)

        answer = Client().get(page, headers={"authorization": f"Bearer {value}"})

        assert answer.status_code == 302

    def test_is_recorded_without_its_value(
        self, alice_client: Client, alice: User, generate: str
    ) -> None:
        value = value_of(alice_client.post(generate).content)

        event = AuditEvent.objects.filter(action=Action.GENERATED).get()

        assert event.actor == alice
        assert value not in str(AuditEvent.objects.values())


class TestSecondTime:
    def test_double_submit_makes_one_token_and_says_so(
        self, alice_client: Client, generate: str
    ) -> None:
        first = alice_client.post(generate)
        second = alice_client.post(generate)

        assert second.status_code == 409
        assert b"already shown" in second.content
        assert value_of(first.content).encode() not in second.content
        assert "no-store" in second["Cache-Control"]
        assert ScimToken.objects.count() == 1

    def test_fragment_says_so_too(self, alice_client: Client, generate: str) -> None:
        alice_client.post(generate)

        answer = alice_client.post(generate, headers={"hx-request": "true"})

        assert answer.status_code == 409
        assert b"<dialog" in answer.content
        assert b"already shown" in answer.content

    def test_offers_a_new_token_in_its_place(
        self, alice_client: Client, generate: str
    ) -> None:
        alice_client.post(generate)
        token = ScimToken.objects.get()

        for headers in ({}, {"hx-request": "true"}):
            content = alice_client.post(generate, headers=headers).content.decode()
            assert f'href="/tokens/{token.directory.key}/{token.key}/new/"' in content
            assert "Generate new token" in content

    def test_names_who_made_it_and_leads_back(
        self, alice_client: Client, page: str, generate: str
    ) -> None:
        alice_client.post(generate)

        content = alice_client.post(generate).content.decode()

        assert "made by Alice" in content
        assert f'href="{page}"' in content

    def test_is_possible_once_the_first_is_revoked(
        self, alice_client: Client, integration: Integration, generate: str
    ) -> None:
        first = value_of(alice_client.post(generate).content)
        token = ScimToken.objects.get()
        alice_client.post(f"/tokens/{token.directory.key}/{token.key}/revoke/")

        second = value_of(alice_client.post(generate).content)

        assert first != second
        assert not works(integration, first)
        assert works(integration, second)

    def test_get_makes_nothing(self, alice_client: Client, generate: str) -> None:
        assert alice_client.get(generate).status_code == 405
        assert not ScimToken.objects.exists()

    def test_cross_site_post_makes_nothing(
        self, alice: User, integration: Integration, generate: str
    ) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)

        for content_type in ("application/x-www-form-urlencoded", "text/plain"):
            answer = client.post(generate, "", content_type=content_type)
            assert answer.status_code == 403
        assert not ScimToken.objects.exists()


class TestShowOnce:
    def test_value_is_in_no_later_page(
        self,
        alice_client: Client,
        alice: User,
        integration: Integration,
        page: str,
        generate: str,
    ) -> None:
        """S0-50 and S0-128."""
        value = value_of(alice_client.post(generate).content)
        key = integration.directory.key
        alice.is_superuser = True
        alice.save()
        sign_in_verified(alice_client, alice)
        token = ScimToken.objects.get()
        pages = [
            *("/", "/integrations/", f"/integrations/{key}/", page),
            *(f"/integrations/{key}/users/", f"/integrations/{key}/groups/"),
            f"/tokens/{key}/{token.key}/revoke/",
            *("/admin/", "/admin/tokens/scimtoken/"),
            f"/admin/tokens/scimtoken/{token.pk}/change/",
            f"/admin/tokens/scimtoken/{token.pk}/history/",
            *(
                "/admin/workspaces/auditevent/",
                f"/admin/tokens/scimtoken/?q={token.key}",
            ),
            *(
                f"/admin/workspaces/auditevent/{e.pk}/change/"
                for e in AuditEvent.objects.all()
            ),
        ]

        for path in pages:
            answer = alice_client.get(path, follow=True)
            assert answer.status_code == 200, path
            _assert_absent(value, answer.content.decode(), path)
            _assert_absent(value, str(answer.headers), path)

    def test_value_is_in_no_table(
        self, alice_client: Client, integration: Integration, generate: str
    ) -> None:
        """S0-128."""
        value = value_of(alice_client.post(generate).content)
        ScimClient(integration.directory, value).add_user()

        for table, row in every_row():
            _assert_absent(value, row, table)

    def test_value_is_in_no_cookie(self, alice_client: Client, generate: str) -> None:
        answer = alice_client.post(generate)

        _assert_absent(value_of(answer.content), str(answer.cookies), "cookie")

    def test_value_is_in_no_log(
        self,
        alice_client: Client,
        integration: Integration,
        generate: str,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """S0-128."""
        caplog.set_level("DEBUG")

        value = value_of(alice_client.post(generate).content)
        works(integration, value)
        works(integration, value[:-1] + "x")

        _assert_absent(value, caplog.text, "log")
        _assert_absent(value, "".join(capfd.readouterr()), "output")

    def test_value_shows_in_no_representation(self, integration: Integration) -> None:
        issued = factories.issue_token(integration.directory)

        for shown in (repr(issued), str(issued), repr(issued.token), str(issued.token)):
            _assert_absent(issued.plaintext, shown, "repr")


class TestRevoke:
    @pytest.fixture
    def issued(self, integration: Integration) -> token_services.IssuedToken:
        return factories.issue_token(integration.directory)

    @pytest.fixture
    def path(self, issued: token_services.IssuedToken) -> str:
        return f"/tokens/{issued.token.directory.key}/{issued.token.key}/revoke/"

    def test_asks_first_and_names_the_consequence(
        self,
        alice_client: Client,
        integration: Integration,
        issued: token_services.IssuedToken,
        path: str,
    ) -> None:
        ScimClient(integration.directory, issued.plaintext).add_user()

        content = alice_client.get(path).content.decode()

        assert "Revoke token" in content
        assert "Your IdP can no longer provision 1 user of Acme Demo" in content

    def test_names_the_tokens_that_still_work(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        factories.issue_token(integration.directory, name="spare")

        content = alice_client.get(path).content.decode()

        assert "can no longer" not in content
        assert "It can go on only with <strong>spare</strong>" in content

    def test_question_is_a_dialog_for_the_page(
        self, alice_client: Client, path: str
    ) -> None:
        answer = alice_client.get(path, headers={"hx-request": "true"})

        assert b"<dialog" in answer.content
        assert b"<html" not in answer.content

    def test_takes_effect_on_the_next_request(
        self,
        alice_client: Client,
        integration: Integration,
        issued: token_services.IssuedToken,
        path: str,
        page: str,
    ) -> None:
        assert works(integration, issued.plaintext)

        answer = alice_client.post(path, follow=True)

        assert not works(integration, issued.plaintext)
        assert answer.redirect_chain == [(page, 302)]
        assert b"test is revoked." in answer.content
        assert AuditEvent.objects.filter(action=Action.REVOKED).count() == 1

    def test_twice_is_harmless(self, alice_client: Client, path: str) -> None:
        alice_client.post(path)

        answer = alice_client.post(path, follow=True)

        assert answer.status_code == 200
        assert b"revoked already" in answer.content
        assert AuditEvent.objects.filter(action=Action.REVOKED).count() == 1

    def test_token_of_another_directory_of_the_workspace_is_404(
        self,
        alice_client: Client,
        workspace: Workspace,
        issued: token_services.IssuedToken,
    ) -> None:
        neighbour = factories.IntegrationFactory(workspace=workspace)

        answer = alice_client.post(
            f"/tokens/{neighbour.directory.key}/{issued.token.key}/revoke/"
        )

        assert answer.status_code == 404
        issued.token.refresh_from_db()
        assert issued.token.revoked_at is None


class TestDirectorySync:
    """It has no token before it is turned on."""

    @pytest.fixture
    def directory(self, workspace: Workspace) -> Directory:
        return workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)

    def test_no_token_is_made_before(
        self, alice_client: Client, directory: Directory
    ) -> None:
        answer = alice_client.post(f"/tokens/{directory.key}/generate/")

        assert answer.status_code == 404
        assert not ScimToken.objects.exists()

    def test_no_token_is_revoked_before(
        self, alice_client: Client, directory: Directory
    ) -> None:
        issued = factories.issue_token(directory)
        path = f"/tokens/{directory.key}/{issued.token.key}/revoke/"

        assert alice_client.get(path).status_code == 404
        assert alice_client.post(path).status_code == 404
        issued.token.refresh_from_db()
        assert issued.token.revoked_at is None


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_open_page_cannot_act_once_the_role_is_gone(
    alice_client: Client,
    alice: User,
    workspace: Workspace,
    page: str,
    generate: str,
    role: Role,
) -> None:
    """S0-7."""
    assert alice_client.get(page).status_code == 200
    workspace.memberships.filter(user=alice).update(role=role)

    answer = alice_client.post(generate)

    assert answer.status_code == 403
    assert not ScimToken.objects.exists()


def test_token_that_has_expired_lets_a_new_one_be_made(
    alice_client: Client, integration: Integration, page: str, generate: str
) -> None:
    issued = factories.issue_token(integration.directory)
    ScimToken.objects.filter(pk=issued.token.pk).update(expires_at=database_now())

    content = alice_client.get(page).content

    assert b"No working token" in content
    assert b"Expired" in content
    assert alice_client.post(generate).status_code == 200


def every_row() -> Iterator[tuple[str, str]]:
    """Yield the table and the text of each row of the database, ours or not."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield table, repr(row)


def _assert_absent(value: str, text: str, where: str) -> None:
    """Refuse the value, and its secret alone."""
    given = credential.parse(value)
    assert given is not None
    assert value not in text, where
    assert given.secret not in text, where
