"""Actions that an Owner made need a confirmation."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.models import AuditStream, Integration, WebhookEndpoint
from tests import factories
from tests.confirming import Portal, new_code, sync_token, with_authenticator
from tests.portal.words import text_of
from tokens.models import ScimToken
from workspaces import confirmable, confirmation_policy
from workspaces.errors import NoLongerAllowed
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Confirmation,
    Membership,
    Role,
    User,
    Workspace,
)

TITLE = "Confirm your identity to continue"
ALL = (
    "integrations.audit_stream.send",
    "integrations.webhook.send",
    "integrations.service_account.replace_password",
    "tokens.generate",
    "tokens.generate_api",
    "tokens.let_in",
    "tokens.replace",
    "tokens.revoke",
    "workspaces.members.change",
)
SECRET = "a-new-password-of-the-app"


@pytest.fixture
def app(alice: User, workspace: Workspace) -> AuthenticatorApp:
    return with_authenticator(alice)


@pytest.fixture
def asked(workspace: Workspace, membership: Membership) -> None:
    """The workspace asks for everything."""
    confirmation_policy.set_actions(ALL, by=membership)


@pytest.fixture
def token(integration: Integration) -> ScimToken:
    return factories.issue_token(integration.directory, name="okta-prod").token


def confirm(client: Client, app: AuthenticatorApp) -> Any:
    """Answer the confirmation that was opened last; follow where it leads."""
    latest = Confirmation.objects.order_by("-id")[0]
    return client.post(
        f"/confirmations/{latest.public_id}/code/",
        {"device": str(app.public_id), "code": new_code(app)},
        follow=True,
    )


def opened(client: Client, path: str) -> Any:
    """Press **Continue** on the page that stands before a step."""
    return client.post(path, {"confirm_identity": "1", "back": "/members/"})


def test_table_of_optional_actions() -> None:
    names = {action.name for action in confirmable.optional_actions()}

    assert names == set(ALL)
    assert confirmable.action_of("tokens.view").is_always


def test_nothing_is_asked_by_default(
    alice_client: Client, token: ScimToken, workspace: Workspace
) -> None:
    """An admin without a factor can revoke a leaked token at once."""
    path = f"/tokens/{token.directory.key}/{token.key}/revoke/"

    assert workspace.confirmed_actions == []
    assert alice_client.post(path).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_step_is_shown_after_the_confirmation(
    alice_client: Client, token: ScimToken, app: AuthenticatorApp, asked: None
) -> None:
    """The page asks, the confirmation leads back to it, the form works."""
    path = f"/tokens/{token.directory.key}/{token.key}/new/"
    before = alice_client.get(path)
    assert TITLE in text_of(before)
    assert "Old token stops working" not in text_of(before)
    assert TITLE in text_of(opened(alice_client, path))

    step = confirm(alice_client, app)

    assert step.redirect_chain[-1][0] == path
    assert "Old token stops working" in text_of(step)
    answer = alice_client.post(path, {"overlap": "24h"})
    assert "Displayed only once" in text_of(answer)


def test_first_token_is_generated_after_the_confirmation(
    alice_client: Client, integration: Integration, app: AuthenticatorApp, asked: None
) -> None:
    """A POST without a page: refused, confirmed, then sent by a button."""
    path = f"/tokens/{integration.directory.key}/generate/"
    refused = alice_client.post(path)
    assert refused.status_code == 403
    assert TITLE in text_of(refused)
    assert not ScimToken.objects.exists()

    done = confirm(alice_client, app)

    assert f'action="{path}"' in done.content.decode()
    assert not ScimToken.objects.exists()
    assert "Displayed only once" in text_of(alice_client.post(path))


@pytest.mark.parametrize(
    "kind",
    ["replace", "revoke", "role", "remove", "password", "webhook", "audit stream"],
)
def test_form_without_a_confirmation_does_nothing(
    alice_client: Client,
    integration: Integration,
    token: ScimToken,
    app: AuthenticatorApp,
    asked: None,
    workspace: Workspace,
    kind: str,
) -> None:
    """STP-08: and what was sent is not kept, a password least of all."""
    member = factories.MembershipFactory(workspace=workspace)
    account = integration.service_account
    secret = account.sealed_secret
    path, data = {
        "replace": (
            f"/tokens/{token.directory.key}/{token.key}/new/",
            {"overlap": "now"},
        ),
        "revoke": (f"/tokens/{token.directory.key}/{token.key}/revoke/", {}),
        "role": (f"/members/{member.pk}/role/", {"role": "owner"}),
        "remove": (f"/members/{member.pk}/remove/", {}),
        "password": (
            f"/service-accounts/{account.public_id}/password/",
            {"password": SECRET, "origins": account.origins},
        ),
        "webhook": (
            "/settings/webhooks/new/",
            {"url": f"https://hooks.acme.test/{SECRET}", "events": ["job.dead"]},
        ),
        "audit stream": (
            "/audit/streaming/save/",
            {
                "transport": "https",
                "address": "https://siem.acme.test/",
                "format": "ocsf",
                "header_name": "Authorization",
                "header_value": SECRET,
            },
        ),
    }[kind]

    answer = alice_client.post(path, data)

    assert answer.status_code == 403
    assert TITLE in text_of(answer)
    assert SECRET not in answer.content.decode()
    token.refresh_from_db()
    member.refresh_from_db()
    account.refresh_from_db()
    assert token.revoked_at is None
    assert token.replaced_by is None
    assert member.role == Role.MEMBER
    assert account.sealed_secret == secret
    assert not WebhookEndpoint.objects.exists()
    assert not AuditStream.objects.exists()
    event = AuditEvent.objects.get(action="workspaces.confirmation.refused")
    assert event.data["reason"] == "none"
    confirm(alice_client, app)
    after = alice_client.post(path, data)
    assert after.status_code in {200, 302}


def test_recent_confirmation_serves_the_next_action(
    alice_client: Client,
    token: ScimToken,
    app: AuthenticatorApp,
    asked: None,
    workspace: Workspace,
) -> None:
    member = factories.MembershipFactory(workspace=workspace)
    path = f"/members/{member.pk}/role/"
    opened(alice_client, path)
    confirm(alice_client, app)
    alice_client.post(path, {"role": "admin"})

    step = alice_client.get(f"/tokens/{token.directory.key}/{token.key}/revoke/")

    assert TITLE not in text_of(step)


def test_zero_minutes_ask_for_each_action(
    alice_client: Client,
    token: ScimToken,
    app: AuthenticatorApp,
    asked: None,
    workspace: Workspace,
) -> None:
    """S0-85."""
    Workspace.objects.update(confirm_minutes=0)
    member = factories.MembershipFactory(workspace=workspace)
    path = f"/members/{member.pk}/role/"
    opened(alice_client, path)
    assert "Change role" in text_of(confirm(alice_client, app))
    assert alice_client.post(path, {"role": "admin"}).status_code == 302

    again = alice_client.post(path, {"role": "owner"})

    assert again.status_code == 403
    member.refresh_from_db()
    assert member.role == Role.ADMIN


def test_recent_confirmation_shows_no_token(
    alice_client: Client,
    workspace: Workspace,
    app: AuthenticatorApp,
    asked: None,
) -> None:
    """S0-83: **View Token** asks each time."""
    member = factories.MembershipFactory(workspace=workspace)
    opened(alice_client, f"/members/{member.pk}/role/")
    confirm(alice_client, app)
    token, value = sync_token(workspace)

    answer = Portal(alice_client, token).show()

    assert answer.status_code == 403
    assert value not in answer.content.decode()


class TestPolicy:
    PATH = "/settings/security-policy/confirmations/"

    def test_owner_chooses(self, alice_client: Client, workspace: Workspace) -> None:
        words = text_of(alice_client.get(self.PATH))
        assert "Revoke a token" in words

        answer = alice_client.post(self.PATH, {"actions": ["tokens.revoke"]})

        assert answer.status_code == 302
        workspace.refresh_from_db()
        assert workspace.confirmed_actions == ["tokens.revoke"]
        event = AuditEvent.objects.get(action="workspaces.confirmation_policy.changed")
        assert event.data == {"before": "nothing", "after": "tokens.revoke"}

    def test_view_token_cannot_be_switched_off_nor_unknown_ones_on(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        for name in ("tokens.view", "nonsense"):
            answer = alice_client.post(self.PATH, {"actions": [name]})
            assert answer.status_code == 422

        workspace.refresh_from_db()
        assert workspace.confirmed_actions == []

    def test_admin_may_not(self, workspace: Workspace) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)

        with pytest.raises(NoLongerAllowed):
            confirmation_policy.set_actions(ALL, by=admin)
