"""A saved password goes only to addresses for which somebody entered it.

Alice may change every setting and knows no password; Dana knew it when she saved it.
"""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from integrations import configuration, services
from integrations.audit import Action
from integrations.configuration import General
from integrations.connectors.addresses import origin_of
from integrations.connectors.base import Misconfigured
from integrations.models import Integration, IntegrationDraft, ServiceAccount
from integrations.outside import connections, origins
from integrations.outside.origins import PasswordNeeded, WrongPassword
from integrations.set_up import drafts
from tests import factories
from tests.factories import SERVICE_PASSWORD
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User, Workspace

HERE = "http://127.0.0.1:9"
ELSEWHERE = "http://127.0.0.1:10"


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


def general(integration: Integration, **values: str) -> dict[str, str]:
    return {
        "name": integration.name,
        "base_url": ELSEWHERE,
        "sync_every_hours": "0",
        "on_unassign": "deactivate",
        "calls_per_second": "0",
        "confirms_with_app": "no",
        **values,
    }


def page_of(integration: Integration, part: str = "general") -> str:
    return f"/integrations/{integration.directory.key}/settings/{part}/"


def known(account: ServiceAccount) -> list[str]:
    account.refresh_from_db()
    return account.origins


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://bi.example.com", "https://bi.example.com"),
        ("https://BI.example.com:443/team/", "https://bi.example.com"),
        ("https://bi.example.com:8443", "https://bi.example.com:8443"),
        ("http://bi.example.com", "http://bi.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
    ],
)
def test_origin_is_scheme_host_and_port(address: str, origin: str) -> None:
    assert origin_of(address) == origin


class TestGeneral:
    def test_address_of_another_host_asks_for_the_password(
        self, alice_client: Client, integration: Integration
    ) -> None:
        answer = alice_client.post(page_of(integration), general(integration))

        integration.refresh_from_db()
        assert answer.status_code == 422
        assert integration.base_url == HERE
        account = integration.service_account
        assert (
            f"The password of {account.name} is not meant for {ELSEWHERE}: Keyway sends "
            f"it to {HERE} only. Enter it again to use it there." in words(answer)
        )
        assert '<a href="#id_password">' in answer.content.decode()
        assert 'type="password"' in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert known(account) == [HERE]

    @pytest.mark.parametrize(
        "address", ["http://localhost:9", "https://127.0.0.1:9", "http://127.0.0.1:90"]
    )
    def test_host_scheme_and_port_count(
        self, alice_client: Client, integration: Integration, address: str
    ) -> None:
        answer = alice_client.post(
            page_of(integration), general(integration, base_url=address)
        )

        assert answer.status_code == 422
        assert "is not meant for" in words(answer)

    def test_another_path_of_the_same_host_does_not_ask(
        self, alice_client: Client, integration: Integration
    ) -> None:
        page = alice_client.get(page_of(integration)).content.decode()

        answer = alice_client.post(
            page_of(integration), general(integration, base_url=f"{HERE}/team")
        )

        assert 'type="password"' not in page
        assert answer.status_code == 302

    def test_with_the_password_it_is_saved_and_written_down(
        self, alice_client: Client, alice: User, integration: Integration
    ) -> None:
        answer = alice_client.post(
            page_of(integration), general(integration, password=SERVICE_PASSWORD)
        )

        integration.refresh_from_db()
        assert answer.status_code == 302
        assert integration.base_url == ELSEWHERE
        assert known(integration.service_account) == [HERE, ELSEWHERE]
        event = AuditEvent.objects.get(action=Action.ORIGIN_ALLOWED)
        assert (event.actor, event.data) == (alice, {"origin": ELSEWHERE})

    def test_wrong_password_is_refused_and_written_down(
        self, alice_client: Client, alice: User, integration: Integration
    ) -> None:
        answer = alice_client.post(
            page_of(integration), general(integration, password="a guess")
        )

        integration.refresh_from_db()
        assert answer.status_code == 422
        assert "This is not the password that is saved for" in words(answer)
        assert "a guess" not in answer.content.decode()
        assert integration.base_url == HERE
        event = AuditEvent.objects.get(action=Action.PASSWORD_REFUSED)
        assert event.actor == alice
        assert "a guess" not in str(event.data)

    def test_guessing_comes_to_an_end(
        self, alice_client: Client, integration: Integration
    ) -> None:
        for number in range(origins.MOST_GUESSES):
            alice_client.post(
                page_of(integration), general(integration, password=f"guess {number}")
            )

        answer = alice_client.post(
            page_of(integration), general(integration, password=SERVICE_PASSWORD)
        )

        assert answer.status_code == 422
        assert "Too many wrong passwords were entered" in words(answer)
        assert known(integration.service_account) == [HERE]

    def test_address_that_is_no_longer_allowed_asks_on_opening(
        self, alice_client: Client, integration: Integration
    ) -> None:
        ServiceAccount.objects.update(origins=[])

        page = alice_client.get(page_of(integration))
        answer = alice_client.post(
            page_of(integration),
            general(integration, base_url=HERE, password=SERVICE_PASSWORD),
        )

        assert 'type="password"' in page.content.decode()
        assert answer.status_code == 302
        assert known(integration.service_account) == [HERE]

    def test_name_that_is_taken_leaves_the_address(
        self, alice_client: Client, integration: Integration, workspace: Workspace
    ) -> None:
        factories.IntegrationFactory(workspace=workspace, name="Taken")

        answer = alice_client.post(
            page_of(integration),
            general(integration, name="Taken", password=SERVICE_PASSWORD),
        )

        integration.refresh_from_db()
        assert answer.status_code == 422
        assert integration.base_url == HERE

    def test_service_refuses_it_too(
        self, integration: Integration, alice: User
    ) -> None:
        wish = General(integration.name, ELSEWHERE, "", 0, "deactivate")

        with pytest.raises(PasswordNeeded):
            configuration.change_general(
                integration, wish, actor=alice, now=database_now()
            )


class TestSharedAccount:
    @pytest.fixture
    def second(self, integration: Integration) -> Integration:
        return factories.IntegrationFactory(
            workspace=integration.workspace,
            service_account=integration.service_account,
            name="Second",
            base_url=ELSEWHERE,
        )

    def test_may_be_used_at_the_address_of_the_other(
        self, alice_client: Client, integration: Integration, second: Integration
    ) -> None:
        answer = alice_client.post(page_of(integration), general(integration))

        assert answer.status_code == 302
        assert known(integration.service_account) == [HERE, ELSEWHERE]

    def test_is_not_sent_where_neither_is(
        self, alice_client: Client, integration: Integration, second: Integration
    ) -> None:
        answer = alice_client.post(
            page_of(second), general(second, base_url="http://127.0.0.1:11")
        )

        assert answer.status_code == 422
        assert f"to {HERE} and {ELSEWHERE} only" in words(answer)

    def test_new_password_goes_only_where_it_is_meant_for(
        self, alice_client: Client, integration: Integration, second: Integration
    ) -> None:
        account = integration.service_account
        page = f"/service-accounts/{account.public_id}/password/"

        offered = alice_client.get(page).content.decode()
        alice_client.post(page, {"password": "another", "origins": [HERE]})

        assert set(re.findall(r'name="origins" value="([^"]*)"', offered)) == {
            HERE,
            ELSEWHERE,
        }
        assert not re.findall(r'name="origins"[^>]*checked', offered)
        assert known(account) == [HERE]
        second.refresh_from_db()
        with (
            pytest.raises(Misconfigured, match="is not meant for"),
            connections.open_session(second),
        ):
            pass


class TestReplacePassword:
    def test_asks_where_it_may_be_sent(
        self, alice_client: Client, integration: Integration
    ) -> None:
        account = integration.service_account
        page = f"/service-accounts/{account.public_id}/password/"

        none = alice_client.post(page, {"password": "another"})
        other = alice_client.post(page, {"password": "another", "origins": ELSEWHERE})

        assert (none.status_code, other.status_code) == (422, 422)
        assert "Tick the address at which the account logs in." in words(none)
        assert known(account) == [HERE]

    def test_account_without_an_address_asks_for_one(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace)
        ServiceAccount.objects.update(origins=[])
        page = f"/service-accounts/{account.public_id}/password/"

        assert "Address of the app" in words(alice_client.get(page))
        alice_client.post(page, {"password": "another", "base_url": f"{HERE}/x"})

        assert known(account) == [HERE]

    def test_address_of_a_draft_is_offered_and_not_taken(
        self, alice_client: Client, alice: User, integration: Integration
    ) -> None:
        draft = drafts.start(
            integration.workspace, answers={"base_url": ELSEWHERE}, actor=alice
        )
        account = integration.service_account
        page = f"/service-accounts/{account.public_id}/password/"
        values = {"draft": str(draft.public_id), "password": "another"}

        offered = alice_client.get(f"{page}?draft={draft.public_id}")
        alice_client.post(page, {**values, "origins": [HERE]})

        assert f'value="{ELSEWHERE}"' in offered.content.decode()
        assert known(account) == [HERE]


class TestOtherAccount:
    @pytest.fixture
    def other(self, integration: Integration) -> ServiceAccount:
        return factories.ServiceAccountFactory(
            workspace=integration.workspace, name="admin-two", base_url=ELSEWHERE
        )

    def test_of_another_address_asks_for_its_password(
        self, alice_client: Client, integration: Integration, other: ServiceAccount
    ) -> None:
        page = page_of(integration, "service-account")
        values = {"account": str(other.public_id)}

        refused = alice_client.post(page, values)
        taken = alice_client.post(page, {**values, "password": SERVICE_PASSWORD})

        assert refused.status_code == 422
        assert f"The password of admin-two is not meant for {HERE}" in words(refused)
        assert taken.status_code == 302
        integration.refresh_from_db()
        assert integration.service_account == other

    def test_service_refuses_it_too(
        self, integration: Integration, other: ServiceAccount, alice: User
    ) -> None:
        with pytest.raises(PasswordNeeded):
            configuration.choose_service_account(
                integration, other, actor=alice, now=database_now()
            )


class TestWizard:
    @pytest.fixture
    def account(self, workspace: Workspace) -> ServiceAccount:
        return factories.ServiceAccountFactory(workspace=workspace, name="svc")

    @pytest.fixture
    def draft(
        self, workspace: Workspace, alice: User, account: ServiceAccount
    ) -> IntegrationDraft:
        answers = {"name": "New", "app": account.app.slug, "base_url": ELSEWHERE}
        return drafts.start(workspace, answers=answers, actor=alice)

    def test_account_of_another_address_asks_for_its_password(
        self, alice_client: Client, draft: IntegrationDraft, account: ServiceAccount
    ) -> None:
        page = f"/integrations/new/{draft.public_id}/service-account/"
        values = {
            "login_workflow": "password",
            "service_account": str(account.public_id),
        }

        opened = alice_client.get(page)
        refused = alice_client.post(page, values)
        wrong = alice_client.post(page, {**values, "password": "a guess"})
        draft.refresh_from_db()
        assert "service_account" not in draft.answers
        taken = alice_client.post(page, {**values, "password": SERVICE_PASSWORD})

        assert 'type="password"' in opened.content.decode()
        assert (refused.status_code, wrong.status_code) == (422, 422)
        assert f"The password of svc is not meant for {ELSEWHERE}" in words(refused)
        assert taken.status_code == 302
        assert known(account) == [HERE, ELSEWHERE]

    def test_address_that_is_changed_later_asks_again(
        self, alice_client: Client, draft: IntegrationDraft, account: ServiceAccount
    ) -> None:
        draft.answers |= {
            "login_workflow": "password",
            "service_account": str(account.public_id),
        }
        draft.save()

        answer = alice_client.post(
            f"/integrations/new/{draft.public_id}/check/", follow=True
        )

        assert not Job.objects.filter(kind=drafts.CHECK).exists()
        assert answer.redirect_chain[0][0].endswith("/service-account/")
        assert "is not meant for" in words(answer)
        assert 'type="password"' in answer.content.decode()

    def test_account_that_is_added_on_the_way_is_meant_for_the_app(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        page = alice_client.get(f"/service-accounts/new/?draft={draft.public_id}")

        assert f'value="{ELSEWHERE}"' in page.content.decode()


class TestDefenceInDepth:
    def test_integration_is_not_made_for_another_address(
        self, integration: Integration
    ) -> None:
        with pytest.raises(PasswordNeeded):
            services.create(
                integration.workspace,
                app=integration.app,
                service_account=integration.service_account,
                name="Second",
                base_url=ELSEWHERE,
                actor=None,
            )

    def test_session_is_not_opened_at_another_address(
        self, integration: Integration
    ) -> None:
        """As if somebody had written to the table."""
        integration.base_url = ELSEWHERE

        with (
            pytest.raises(Misconfigured, match=f"is not meant for {ELSEWHERE}"),
            connections.open_session(integration),
        ):
            pass

    def test_password_that_cannot_be_read_is_no_match(
        self, integration: Integration, alice: User
    ) -> None:
        account = integration.service_account
        account.sealed_secret = "v1.1.AAAA"
        account.save()

        with pytest.raises(WrongPassword, match="cannot be read"):
            origins.confirm(
                account, ELSEWHERE, password="x", actor=alice, now=database_now()
            )
