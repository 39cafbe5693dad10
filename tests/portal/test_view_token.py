"""**View Token**: confirm, see the value, and nothing before or after."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests import factories
from tests.confirming import (
    Portal,
    new_code,
    sync_token,
    with_authenticator,
    with_recovery_codes,
    wrong_code,
)
from tests.portal.words import text_of
from tokens.models import ScimToken
from workspaces import confirmations
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    CodeAttempts,
    Confirmation,
    Membership,
    Role,
    User,
    Workspace,
)

TITLE = "Confirm your identity to continue"


@pytest.fixture
def app(alice: User, workspace: Workspace) -> AuthenticatorApp:
    return with_authenticator(alice)


@pytest.fixture
def issued(workspace: Workspace) -> tuple[ScimToken, str]:
    return sync_token(workspace)


@pytest.fixture
def portal(
    alice_client: Client, app: AuthenticatorApp, issued: tuple[ScimToken, str]
) -> Portal:
    return Portal(alice_client, issued[0])


@pytest.fixture
def value(issued: tuple[ScimToken, str]) -> str:
    return issued[1]


def session_id(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def copy_of(client: Client) -> Client:
    """Return a browser with the same cookies."""
    other = Client()
    other.cookies.load(client.cookies.output(header=""))
    return other


def test_button_opens_the_dialog(portal: Portal, value: str) -> None:
    """S0-77 S0-78."""
    answer = portal.view()

    words = text_of(answer)
    assert answer.status_code == 200
    assert TITLE in words
    assert "To view the SCIM API authentication token" in words
    assert value not in answer.content.decode()


def test_dialog_names_what_is_confirmed(
    portal: Portal, issued: tuple[ScimToken, str]
) -> None:
    """STP-12: tenant, action, masked token, browser and address."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
    words = text_of(portal.view(user_agent=agent))

    for told in ("Acme", issued[0].hint, "Firefox on Linux", "127.0.0.1"):
        assert told in words


def test_reading_the_page_changes_nothing(portal: Portal, value: str) -> None:
    answer = portal.client.get(f"{portal.base}/view/")

    assert answer.status_code == 200
    assert TITLE in text_of(answer)
    assert not Confirmation.objects.exists()
    assert value not in answer.content.decode()


def test_confirmed_person_sees_the_value_once(
    portal: Portal, app: AuthenticatorApp, value: str
) -> None:
    """S0-81 S0-82 S0-83 S0-78: the value is in the last answer and in none before."""
    answers = [portal.client.get(f"{portal.base}/view/"), portal.view()]
    answers.append(portal.answer(app, new_code(app)))
    confirmation = portal.latest()
    path = f"/confirmations/{confirmation.public_id}/"
    assert answers[-1]["Location"] == path
    answers.append(portal.client.get(path))

    answer = portal.show(confirmation)

    content = answer.content.decode()
    assert answer.status_code == 200
    assert "<h1>Show Token</h1>" in content
    assert content.count(value) == 1
    assert "no-store" in answer["Cache-Control"]
    assert all(value not in before.content.decode() for before in answers)
    again = portal.show(confirmation)
    assert again.status_code == 403
    assert value not in again.content.decode()
    assert TITLE in text_of(again)


def test_reload_of_the_value_asks_again(
    portal: Portal, app: AuthenticatorApp, value: str
) -> None:
    """STP-03: the same form sent again is a replay, and recorded as one."""
    confirmation = portal.confirm(app)
    portal.show(confirmation)

    portal.show(confirmation)

    event = AuditEvent.objects.filter(action="workspaces.confirmation.refused")[0]
    assert event.data["reason"] == "replayed"
    assert event.data["action"] == "tokens.view"
    assert value not in str(event.data)


def test_fresh_session_alone_gets_403_and_the_methods(
    portal: Portal, value: str
) -> None:
    """STP-01."""
    answer = portal.show()

    assert answer.status_code == 403
    words = text_of(answer)
    assert TITLE in words
    assert "One-time password" in words
    assert value not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("step", ["open", "pending", "wrong", "denied", "cancelled"])
def test_skipped_steps_show_nothing(
    portal: Portal, app: AuthenticatorApp, value: str, step: str
) -> None:
    """STP-08."""
    portal.view()
    confirmation = portal.latest()
    if step == "wrong":
        portal.answer(app, wrong_code(app))
    elif step == "denied":
        confirmations.deny(confirmation, reason="not me", now=database_now())
    elif step == "cancelled":
        portal.client.post(f"/confirmations/{confirmation.public_id}/cancel/")

    answer = portal.show(None if step == "open" else confirmation)

    assert answer.status_code == 403
    assert value not in answer.content.decode()


@pytest.mark.parametrize("given", ["nonsense", "../..", "0", "\x00"])
def test_nonsense_for_a_confirmation_shows_nothing(
    portal: Portal, app: AuthenticatorApp, value: str, given: str
) -> None:
    portal.confirm(app)

    answer = portal.client.post(f"{portal.base}/show/", {"confirmation": given})

    assert answer.status_code == 403
    assert value not in answer.content.decode()


def test_session_id_changes_when_it_succeeds(
    portal: Portal, app: AuthenticatorApp, value: str
) -> None:
    """STP-19: the former id is worth nothing, the confirmation stays bound."""
    thief = copy_of(portal.client)
    before = session_id(portal.client)

    confirmation = portal.confirm(app)

    assert session_id(portal.client) != before
    assert thief.post(f"{portal.base}/show/").status_code == 302
    assert value in portal.show(confirmation).content.decode()


def test_another_session_of_the_person_cannot_use_it(
    portal: Portal, app: AuthenticatorApp, alice: User, value: str
) -> None:
    """STP-02 STP-11."""
    confirmation = portal.confirm(app)
    elsewhere = Portal(Client(), ScimToken.objects.get())
    elsewhere.client.force_login(alice)

    answer = elsewhere.show(confirmation)

    assert answer.status_code == 403
    assert value not in answer.content.decode()
    path = f"/confirmations/{confirmation.public_id}/"
    assert elsewhere.client.get(path).status_code == 404
    assert elsewhere.client.post(f"{path}code/").status_code == 404
    assert elsewhere.client.post(f"{path}cancel/").status_code == 404


def test_signing_out_ends_it(
    portal: Portal, app: AuthenticatorApp, alice: User, value: str
) -> None:
    """STP-15: the session is over, and a new one has nothing of it."""
    confirmation = portal.confirm(app)
    portal.client.post("/logout/")
    assert portal.show(confirmation).status_code == 302
    portal.client.force_login(alice)

    assert portal.show(confirmation).status_code == 403


def test_switch_of_the_workspace_ends_it(
    portal: Portal, app: AuthenticatorApp, alice: User, other_workspace: Workspace
) -> None:
    """STP-15."""
    factories.MembershipFactory(workspace=other_workspace, user=alice, role=Role.ADMIN)
    confirmation = portal.confirm(app)
    portal.client.post("/switch-workspace/", {"workspace": "other"})

    assert portal.show(confirmation).status_code == 404


def test_role_taken_away_ends_it(
    portal: Portal, app: AuthenticatorApp, membership: Membership
) -> None:
    """STP-15 S0-7."""
    confirmation = portal.confirm(app)
    membership.role = Role.MEMBER
    membership.save()

    assert portal.show(confirmation).status_code == 403


def test_wrong_code_says_so_and_how_many_are_left(
    portal: Portal, app: AuthenticatorApp
) -> None:
    """S0-84."""
    portal.view()

    answer = portal.answer(app, wrong_code(app))

    assert answer.status_code == 422
    words = text_of(answer)
    assert words.count("This code is wrong") == 1
    assert "This code is wrong, or it was used before." in words
    assert "4 tries left" in words
    assert "Error:" in words


def test_too_many_wrong_codes_say_until_when(
    portal: Portal, app: AuthenticatorApp
) -> None:
    """STP-06."""
    portal.view()
    for _ in range(3):
        portal.answer(app, wrong_code(app))

    answer = portal.answer(app, new_code(app))

    assert answer.status_code == 429
    assert "Too many attempts" in text_of(answer)
    assert 0 < int(answer["Retry-After"]) <= 300


def test_denied_after_five(portal: Portal, app: AuthenticatorApp) -> None:
    """STP-06 S0-84."""
    portal.view()
    confirmation = portal.latest()
    answers = []
    for _ in range(5):
        CodeAttempts.objects.all().delete()
        answers.append(portal.answer(app, wrong_code(app)))

    assert answers[-1].status_code == 409
    assert "It was denied." in text_of(answers[-1])
    page = portal.client.get(f"/confirmations/{confirmation.public_id}/")
    assert "It was denied." in text_of(page)


@pytest.mark.parametrize(
    ("state", "words"),
    [("expired", "It has expired."), ("abandoned", "Another one took its place")],
)
def test_what_is_over_says_how(
    portal: Portal, app: AuthenticatorApp, state: str, words: str
) -> None:
    """S0-84."""
    portal.view()
    first = portal.latest()
    if state == "abandoned":
        portal.view()
    else:
        Confirmation.objects.update(expires_at=database_now() - timedelta(seconds=1))

    answer = portal.client.get(f"/confirmations/{first.public_id}/")

    assert words in text_of(answer)


def test_cancel_goes_back_to_the_page_it_came_from(portal: Portal) -> None:
    """S0-84: abandoned, and recorded."""
    portal.view(referer="http://testserver/members/?page=2")

    path = f"/confirmations/{portal.latest().public_id}/cancel/"
    answer = portal.client.post(path)

    assert answer["Location"] == "/members/?page=2"
    assert portal.latest().state == Confirmation.State.ABANDONED
    assert AuditEvent.objects.filter(
        action="workspaces.confirmation.abandoned"
    ).exists()


@pytest.mark.parametrize(
    "referer", ["https://evil.example/x", "http://testserver//evil.example/", "x"]
)
def test_way_back_leads_to_this_site_only(portal: Portal, referer: str) -> None:
    portal.view(referer=referer)

    assert portal.latest().back_path == "/"


def test_other_ways_stand_under_try_another_way(
    portal: Portal, app: AuthenticatorApp, alice: User
) -> None:
    """S0-79 S0-80 E0-23; email is no factor."""
    with_recovery_codes(alice)

    content = portal.view().content.decode()

    before, _, after = content.partition("Try another way")
    assert "One-time password" in before
    assert "Recovery code" not in before
    assert "Recovery code" in after


class TestWithoutFactor:
    def test_person_is_led_to_set_one_up(
        self, alice_client: Client, issued: tuple[ScimToken, str]
    ) -> None:
        """S0-80: never around it."""
        portal = Portal(alice_client, issued[0])

        for answer in (portal.view(), portal.show()):
            content = answer.content.decode()
            assert "You have no second factor yet" in content
            assert 'href="/security/?next=' in content
            assert issued[1] not in content
        assert not Confirmation.objects.exists()
        reasons = [
            event.data["reason"]
            for event in AuditEvent.objects.filter(
                action="workspaces.confirmation.refused"
            )
        ]
        assert "no factor that may confirm" in reasons

    def test_new_factor_of_a_stolen_session_does_not_help(
        self, portal: Portal, app: AuthenticatorApp, alice: User
    ) -> None:
        """STP-14: the first is deleted, the second is younger than a day."""
        with_authenticator(alice, "Thief's app")
        app.delete()

        answer = portal.view()

        assert "Your second factor is too new" in text_of(answer)
        assert not Confirmation.objects.exists()


class TestInTheDialog:
    """What htmx puts into the page."""

    HX = {"hx-request": "true"}

    def test_every_stage_is_a_fragment(
        self, portal: Portal, app: AuthenticatorApp, value: str
    ) -> None:
        """S0-77 S0-81: each takes the place of the one before."""
        asked = portal.view(**self.HX)
        wrong = portal.answer(app, wrong_code(app), **self.HX)
        right = portal.answer(app, new_code(app), **self.HX)
        shown = portal.show(portal.latest(), **self.HX)

        titles = [self.title(a) for a in (asked, wrong, right, shown)]
        assert titles == [TITLE, TITLE, "Identity confirmed", "Show Token"]
        assert 'hx-trigger="load, submit"' in right.content.decode()
        assert value in shown.content.decode()
        assert value not in right.content.decode()

    def test_answers_with_an_error_say_that_they_are_a_dialog(
        self, portal: Portal
    ) -> None:
        answer = portal.show(**self.HX)

        assert answer.status_code == 403
        assert answer["X-Confirmation"] == "dialog"

    def test_waiting_dialog_hears_of_the_other_device(
        self, portal: Portal, app: AuthenticatorApp
    ) -> None:
        """S0-77: pending says nothing, approved leads on, and the session id changes."""
        portal.view(**self.HX)
        made = portal.latest()
        number = confirmations.ask_elsewhere(made, now=database_now())
        path = f"/confirmations/{made.public_id}/"
        page = portal.client.get(path, headers=self.HX)
        assert f'<p class="number">{number}</p>' in page.content.decode()
        assert portal.client.get(f"{path}?poll", headers=self.HX).status_code == 204

        confirmations.approve(
            made, method="totp", device_id=str(app.public_id), now=database_now()
        )
        before = session_id(portal.client)
        heard = portal.client.get(f"{path}?poll", headers=self.HX)

        assert self.title(heard) == "Identity confirmed"
        assert session_id(portal.client) != before

    def test_waiting_dialog_hears_of_a_denial(self, portal: Portal) -> None:
        """S0-84."""
        portal.view(**self.HX)
        made = portal.latest()
        confirmations.deny(made, reason="not me", now=database_now())

        path = f"/confirmations/{made.public_id}/?poll"
        heard = portal.client.get(path, headers=self.HX)

        assert "It was denied." in text_of(heard)

    @staticmethod
    def title(answer: Any) -> str:
        found = re.search(r'id="dialog-title"[^>]*>([^<]*)<', answer.content.decode())
        assert found, answer.content
        return found[1]


def test_kept_value_that_cannot_be_read_says_so(
    portal: Portal, app: AuthenticatorApp
) -> None:
    ScimToken.objects.update(sealed_value="v1.1.AAAA")
    confirmation = portal.confirm(app)

    answer = portal.show(confirmation)

    assert answer.status_code == 409
    assert "The kept value cannot be read" in text_of(answer)


def test_gateway_token_has_no_such_page(alice_client: Client, integration: Any) -> None:
    """S0-50."""
    token = factories.issue_token(integration.directory).token

    assert Portal(alice_client, token).view().status_code == 404
    assert Portal(alice_client, token).show().status_code == 404


class TestRule:
    def test_owner_tightens_it(
        self, alice_client: Client, issued: tuple[ScimToken, str]
    ) -> None:
        path = f"/tokens/{issued[0].directory.key}/reveal-rule/"
        assert "Tokens can be seen" in text_of(alice_client.get(path))

        answer = alice_client.post(path, {"rule": "once"})

        assert answer.status_code == 302
        assert ScimToken.objects.get().sealed_value == ""
        assert Portal(alice_client, issued[0]).view().status_code == 404

    def test_admin_may_not(
        self, client: Client, issued: tuple[ScimToken, str], workspace: Workspace
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        client.force_login(admin.user)

        path = f"/tokens/{issued[0].directory.key}/reveal-rule/"

        assert client.post(path, {"rule": "once"}).status_code == 403
        assert ScimToken.objects.get().sealed_value
