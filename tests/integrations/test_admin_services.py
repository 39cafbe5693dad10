"""Every change that the Django admin can make goes through a service, and is audited as its."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from integrations import services
from integrations.models import App, Integration
from integrations.syncing import sync
from tests import factories
from tests.confirming import sign_in_verified
from tests.integrations.connectors.manifests import shipped
from tokens.models import ApiToken, ClientSecret, IdpTrust, OAuthClient, ScimToken
from tokens.oauth import clients, trusts
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Membership, User, Workspace

INLINE = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
PASSWORDS = dict.fromkeys(("password1", "password2"), "canary horse battery")


@pytest.fixture
def root(db: None, client: Client) -> Client:
    user = factories.UserFactory(
        email="root@keyway.test", name="Root", is_superuser=True
    )
    sign_in_verified(client, user)
    return client


@dataclass(frozen=True)
class Change:
    """What a superuser sends, to which row, and what the audit log has of it."""

    model: type[Model]
    what: str
    """A page (`add`, `change`, `delete`), or the name of an action of the list."""

    audited: str
    form: dict[str, Any]

    def send(self, root: Client, row: Model | None) -> Any:
        """Send it for a row, confirmed."""
        of = f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}"
        if self.what in {"add", "change", "delete"}:
            keys = [] if row is None else [row.pk]
            return root.post(reverse(f"{of}_{self.what}", args=keys), self.form)
        assert row is not None
        chosen = {"action": self.what, "_selected_action": row.pk, "confirmed": "1"}
        return root.post(reverse(f"{of}_changelist"), chosen)


@pytest.fixture
def rows(
    integration: Integration, bob: User, workspace: Workspace
) -> dict[type[Model], Callable[[], Model]]:
    """A row of each model that can be changed, made anew for each change."""
    directory, now = integration.directory, database_now()
    alice = User.objects.get(email="alice@acme.test")
    terms = trusts.Terms("https://idp.test", "keyway", "", "https://idp.test/keys")

    def secret() -> ClientSecret:
        return clients.add_with_secret(
            directory, name="entra", actor=alice, now=now
        ).secret

    def trust() -> IdpTrust:
        IdpTrust.objects.all().delete()
        return trusts.add(directory, terms, name="Entra", actor=alice, now=now)

    def app() -> App:
        manifest = {**shipped("redmine"), "slug": "ours", "name": "Ours"}
        values = {"name": "Ours", "connector": "http", "manifest": manifest}
        return App.objects.get_or_create(slug="ours", defaults=values)[0]

    return {
        ApiToken: lambda: factories.issue_api_token(workspace).token,
        AccessAttempt: lambda: AccessAttempt.objects.create(
            username="x", ip_address="192.0.2.1", failures_since_start=10
        ),
        App: app,
        ClientSecret: secret,
        IdpTrust: trust,
        Integration: lambda: integration,
        # The one that was cancelled is what can be retried.
        Job: lambda: (
            Job.objects.filter(kind=sync.JOB, state=Job.State.NOT_COMPLETED).first()
            or services.request_sync(integration, actor=None, now=now)
        ),
        Membership: lambda: Membership.objects.get_or_create(
            user=bob, workspace=workspace
        )[0],
        OAuthClient: lambda: secret().client,
        ScimToken: lambda: (
            factories.issue_token(directory, lifetime=timedelta(days=90)).token
        ),
        User: lambda: bob,
        Workspace: lambda: workspace,
    }


def changes(bob: User, workspace: Workspace) -> list[Change]:
    manifest = {**shipped("redmine"), "slug": "ours", "name": "Ours too"}
    theirs = {**manifest, "slug": "theirs"}
    joins = {"user": bob.pk, "workspace": workspace.pk, "role": "member"}
    person = {"email": bob.email, "name": "Bobby"}
    return [
        Change(AccessAttempt, "let_try_again", "workspaces.session.let_try_again", {}),
        Change(ApiToken, "revoke", "tokens.api_token.revoked", {}),
        Change(App, "add", "integrations.app.added", {"manifest": json.dumps(theirs)}),
        Change(
            App,
            "change",
            "integrations.app.changed",
            {"manifest": json.dumps(manifest)},
        ),
        Change(App, "delete", "integrations.app.deleted", {"post": "yes"}),
        Change(ClientSecret, "revoke", "tokens.client_secret.revoked", {}),
        Change(IdpTrust, "revoke", "tokens.idp_trust.revoked", {}),
        Change(
            Integration,
            "change",
            "integrations.integration.settings_changed",
            {"name": "Renamed"},
        ),
        Change(Job, "cancel", "integrations.integration.sync_cancelled", {}),
        Change(Job, "retry", "integrations.integration.sync_requested", {}),
        Change(
            Membership, "change", "workspaces.member.role_changed", {"role": "auditor"}
        ),
        Change(Membership, "delete", "workspaces.member.removed", {"post": "yes"}),
        Change(Membership, "add", "workspaces.member.joined", joins),
        Change(OAuthClient, "generate_secret", "tokens.client_secret.generated", {}),
        Change(OAuthClient, "revoke", "tokens.oauth_client.revoked", {}),
        Change(ScimToken, "extend", "tokens.scim_token.changed", {}),
        Change(ScimToken, "regenerate", "tokens.scim_token.replaced", {}),
        Change(ScimToken, "revoke", "tokens.scim_token.revoked", {}),
        Change(User, "reset_second_factors", "workspaces.factor.reset", {}),
        Change(
            User,
            "add",
            "workspaces.portal_account.added",
            {"email": "new@acme.test", "name": "New", "usable_password": "true"}
            | PASSWORDS,
        ),
        Change(User, "change", "workspaces.portal_account.changed", person),
        Change(
            Workspace,
            "add",
            "workspaces.workspace.created",
            {"name": "New", "slug": "new", **INLINE},
        ),
        Change(
            Workspace,
            "change",
            "workspaces.workspace.changed",
            {"name": "Acme", "slug": "acme-too", **INLINE},
        ),
    ]


NOT_AUDITED = {(IdpTrust, "fetch_keys")}
"""It changes nothing: a worker asks the IdP, as it does by itself."""


def test_no_change_of_the_admin_is_left_out_here(
    bob: User, workspace: Workspace, rf: RequestFactory
) -> None:
    request = rf.get("/admin/")
    request.user = User(is_superuser=True)
    offered = {
        (model, what)
        for model, page in admin.site._registry.items()
        for what in (
            *(name for name, may in page.get_model_perms(request).items() if may),
            *page.get_actions(request),
        )
        if what != "view"
    }

    tested = {(change.model, change.what) for change in changes(bob, workspace)}

    assert offered == tested | NOT_AUDITED


def test_every_change_is_audited_as_the_service_does(
    root: Client,
    bob: User,
    workspace: Workspace,
    rows: dict[type[Model], Callable[[], Model]],
) -> None:
    missing = []
    for change in changes(bob, workspace):
        row = None if change.what == "add" else rows[change.model]()
        before = set(AuditEvent.objects.values_list("pk", flat=True))
        answer = change.send(root, row)
        written = AuditEvent.objects.exclude(pk__in=before)
        if not written.filter(action=change.audited, actor_label="Root").exists():
            said = answer.content.decode()[:3000] if answer.status_code == 200 else ""
            missing.append((change.model.__name__, change.what, said))

    assert missing == []
