"""Names where there are keys, webhooks and the token policy on the command line."""

from __future__ import annotations

import json

import pytest

from config.cli import following
from integrations.models import Integration, WebhookDelivery, WebhookEndpoint
from integrations.webhooks import endpoints
from tests import factories
from tests.cli.conftest import Run
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import Workspace
from workspaces.permissions import Permission


class TestNames:
    """A key or a name, where only one has it."""

    def test_integration_and_token_are_named(
        self, run: Run, integration: Integration
    ) -> None:
        value = factories.issue_token(integration.directory, name="okta-prod").plaintext
        name = integration.name.upper()

        shown = run("integrations", "show", name)
        rotated = run("tokens", "rotate", name, "okta-prod", "--overlap", "1h")
        revoked = run("tokens", "revoke", name, "OKTA-PROD", "--yes")

        assert integration.directory.key in shown.stdout
        assert rotated.stdout.strip().startswith("kwg_")
        assert revoked.output == "Revoked.\n"
        assert value not in rotated.output
        assert ScimToken.objects.get(name="okta-prod").revoked_at is not None

    def test_without_the_scope_to_look_names_up_keys_work(
        self, run: Run, integration: Integration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = factories.issue_token(integration.directory).token
        scopes = [Permission.MANAGE_TOKENS]
        script = factories.issue_api_token(integration.workspace, scopes=scopes)
        monkeypatch.setenv("KEYWAY_API_TOKEN", script.plaintext)
        key = integration.directory.key

        by_name = run("tokens", "revoke", integration.name, token.key, "--yes")
        by_key = run("tokens", "revoke", key, token.key, "--yes")

        assert by_name.exit_code == 1
        assert by_key.output == "Revoked.\n"

    def test_name_of_two_lists_their_keys(
        self, run: Run, integration: Integration
    ) -> None:
        other = factories.IntegrationFactory(
            workspace=integration.workspace,
            service_account=integration.service_account,
            name=integration.name.upper(),
        )
        keys = (integration.directory.key, other.directory.key)

        refused = run("sync", "start", integration.name)
        by_key = run("sync", "start", keys[0])

        assert refused.exit_code == 1
        assert "2 integrations have the name" in refused.stderr
        assert all(key in refused.stderr for key in keys)
        assert by_key.exit_code == 0, by_key.output

    def test_tokens_of_one_name_are_told_apart_by_id(
        self, run: Run, integration: Integration
    ) -> None:
        made = [
            factories.issue_token(integration.directory, name="okta").token
            for _ in range(2)
        ]

        refused = run("tokens", "revoke", integration.name, "okta", "--yes")
        unknown = run("tokens", "revoke", integration.name, "entra", "--yes")

        assert all(token.key in refused.stderr for token in made)
        assert "No token has the id or the name entra." in unknown.stderr
        assert not ScimToken.objects.exclude(revoked_at=None).exists()


class TestWebhooks:
    @pytest.fixture
    def webhook(self, workspace: Workspace) -> WebhookEndpoint:
        return endpoints.add(
            workspace,
            url="https://hooks.acme.test/keyway",
            chosen=["job.dead"],
            actor=factories.UserFactory(),
            now=database_now(),
        ).endpoint

    def test_list(self, run: Run, webhook: WebhookEndpoint) -> None:
        listed = run("webhooks", "list")

        assert str(webhook.public_id) in listed.stdout
        assert webhook.url in listed.stdout
        assert "whsec_" not in listed.output

    @pytest.mark.parametrize(("state", "code"), [("delivered", 0), ("waiting", 1)])
    def test_test_waits_for_the_first_attempt(
        self,
        run: Run,
        webhook: WebhookEndpoint,
        monkeypatch: pytest.MonkeyPatch,
        state: str,
        code: int,
    ) -> None:
        def attempt() -> None:
            error = "" if state == "delivered" else "It answered 500."
            WebhookDelivery.objects.update(state=state, attempts=1, error=error)

        monkeypatch.setattr(following, "pause", attempt)

        tried = run("webhooks", "test", webhook.url, "--wait")

        assert tried.exit_code == code, tried.output
        assert "webhook.test" in tried.stdout
        assert ("It answered 500." in tried.stderr) == bool(code)


def test_policy_is_shown(run: Run) -> None:
    shown = run("policy", "show", "--output", "json")

    assert json.loads(shown.stdout)["remindDays"] == [90, 30, 7, 1]
