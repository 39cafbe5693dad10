"""The value of a kept token: who sees it, how often, and when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.template.loader import render_to_string
from django.test import Client

from tests import factories
from tests.confirming import (
    Portal,
    asker,
    new_code,
    sign_in_verified,
    sync_directory,
    sync_token,
    with_authenticator,
)
from tokens import holders, notices, reveal, services
from tokens.confirmed import REPLACE, VIEW, replaced, subject_of
from tokens.errors import NotRevealable, OnlyOwners
from tokens.models import ScimToken
from tokens.panel import panel
from workspaces import confirmable, confirmation_answers, confirmations, secrets
from workspaces.clock import database_now
from workspaces.confirmable import Asker
from workspaces.confirmation_errors import NotConfirmed, Reason
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Confirmation,
    Directory,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)


@pytest.fixture
def app(alice: User, membership: Membership) -> AuthenticatorApp:
    return with_authenticator(alice)


@pytest.fixture
def by(membership: Membership) -> Asker:
    return asker(membership)


@pytest.fixture
def issued(workspace: Workspace) -> tuple[ScimToken, str]:
    return sync_token(workspace)


@pytest.fixture
def held(workspace: Workspace) -> Iterator[None]:
    """Somebody tells what Directory Sync belongs to."""
    kind = Directory.Kind.DIRECTORY_SYNC
    before = dict(holders._describers)
    holders.register(kind, lambda _: holders.Holder("Directory Sync", "/sync/", 3))
    yield
    holders._describers.clear()
    holders._describers.update(before)


def approved(token: ScimToken, by: Asker, app: AuthenticatorApp) -> Confirmation:
    made = confirmations.request_(
        VIEW,
        subject_of(token),
        by=by,
        path="/",
        back_path="/",
        is_step=False,
        now=database_now(),
    )
    confirmation_answers.approve_by_code(
        made,
        by=by,
        device_id=str(app.public_id),
        code=new_code(app),
        now=database_now(),
    )
    return made


def shown(token: ScimToken, by: Asker, confirmation: Confirmation) -> str:
    return reveal.reveal(
        token,
        by=by,
        confirmation_id=str(confirmation.public_id),
        now=database_now(),
    )


def why(token: ScimToken, by: Asker, confirmation: Confirmation) -> Reason:
    with pytest.raises(NotConfirmed) as refusal:
        shown(token, by, confirmation)
    return refusal.value.reason


def test_value_is_kept_sealed_and_bound_to_its_row(
    workspace: Workspace, issued: tuple[ScimToken, str]
) -> None:
    """TOK-02."""
    token, value = issued
    other = factories.issue_token(sync_directory(workspace)).token

    assert token.sealed_value.startswith("v1.")
    assert value not in token.sealed_value
    address = services.value_address(token)
    assert secrets.decrypt(token.sealed_value, address) == value
    with pytest.raises(secrets.UnreadableSecret):
        secrets.decrypt(token.sealed_value, services.value_address(other))


def test_confirmed_view_returns_the_value_and_is_recorded(
    issued: tuple[ScimToken, str],
    by: Asker,
    app: AuthenticatorApp,
    held: None,
    bob: User,
) -> None:
    """S0-81 S0-129."""
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    token, value = issued
    confirmation = approved(token, by, app)

    assert shown(token, by, confirmation) == value

    event = AuditEvent.objects.get(action="tokens.scim_token.viewed")
    assert (event.actor, event.target_id) == (by.user, token.key)
    assert event.data["method"] == "totp"
    assert value not in str(event.data)
    job = Job.objects.get(kind=notices.JOB)
    assert job.subject == f"viewed:{token.key}"
    subject, text = notices.written(token, notices.Event.VIEWED, actor=by.user)
    assert subject == "Alice viewed the token of Directory Sync"
    assert value not in text


def test_each_view_needs_a_confirmation_of_its_own(
    issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
) -> None:
    """S0-83 S0-85 STP-03: a used one is refused."""
    token, value = issued
    confirmation = approved(token, by, app)
    shown(token, by, confirmation)

    assert why(token, by, confirmation) == Reason.REPLAYED
    assert shown(token, by, approved(token, by, app)) == value


class TestBinding:
    """STP-02: person, session, action, subject and tenant."""

    def test_another_token(
        self,
        workspace: Workspace,
        issued: tuple[ScimToken, str],
        by: Asker,
        app: AuthenticatorApp,
    ) -> None:
        other = factories.issue_token(sync_directory(workspace)).token

        assert why(other, by, approved(issued[0], by, app)) == Reason.FOREIGN

    def test_another_session(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        elsewhere = asker(by.membership, "b" * 64)

        assert why(issued[0], elsewhere, approved(issued[0], by, app)) == Reason.FOREIGN

    def test_another_person(
        self,
        issued: tuple[ScimToken, str],
        by: Asker,
        app: AuthenticatorApp,
        workspace: Workspace,
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)

        found = why(issued[0], asker(admin), approved(issued[0], by, app))

        assert found == Reason.FOREIGN

    def test_another_action(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        Confirmation.objects.update(action="tokens.revoke")

        assert why(issued[0], by, confirmation) == Reason.FOREIGN

    def test_another_tenant(
        self,
        issued: tuple[ScimToken, str],
        by: Asker,
        app: AuthenticatorApp,
        other_workspace: Workspace,
    ) -> None:
        there = factories.MembershipFactory(
            workspace=other_workspace, user=by.user, role=Role.ADMIN
        )

        found = why(issued[0], asker(there), approved(issued[0], by, app))

        assert found == Reason.FOREIGN


class TestChangesBetween:
    """STP-15: rights are read again in the transaction of the reveal."""

    def test_role_taken_away(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        Membership.objects.filter(pk=by.membership.pk).update(role=Role.AUDITOR)

        assert why(issued[0], by, confirmation) == Reason.NO_RIGHT

    def test_other_role_with_the_same_right(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        Membership.objects.filter(pk=by.membership.pk).update(role=Role.ADMIN)

        assert why(issued[0], by, confirmation) == Reason.CHANGED

    def test_person_deactivated(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        User.objects.filter(pk=by.user.pk).update(is_active=False)

        assert why(issued[0], by, confirmation) == Reason.NO_RIGHT

    def test_password_changed(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        by.user.set_password("another battery staple")
        by.user.save()

        assert why(issued[0], by, confirmation) == Reason.CHANGED

    def test_factor_deleted(
        self, issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
    ) -> None:
        confirmation = approved(issued[0], by, app)
        app.delete()

        assert why(issued[0], by, confirmation) == Reason.CHANGED


def test_late_use_is_refused(
    issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
) -> None:
    """STP-04: an approval lives two minutes."""
    confirmation = approved(issued[0], by, app)
    confirmation.refresh_from_db()
    assert confirmation.decided_at is not None
    assert confirmation.expires_at - confirmation.decided_at == timedelta(minutes=2)
    late = confirmation.expires_at

    with pytest.raises(NotConfirmed) as refusal:
        reveal.reveal(
            issued[0], by=by, confirmation_id=str(confirmation.public_id), now=late
        )
    assert refusal.value.reason == Reason.NOT_APPROVED


def test_without_an_audit_row_there_is_no_value(
    issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp
) -> None:
    """STP-18: the database refuses the row; the confirmation is not used up."""
    confirmation = approved(issued[0], by, app)

    def refuse(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if "INSERT" in sql and "auditevent" in sql:
            raise DatabaseError("full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(DatabaseError):
        shown(issued[0], by, confirmation)

    confirmation.refresh_from_db()
    assert confirmation.state == Confirmation.State.APPROVED


@pytest.mark.parametrize("end", ["revoke", "expire", "once"])
def test_token_that_ended_shows_nothing(
    issued: tuple[ScimToken, str], by: Asker, app: AuthenticatorApp, end: str
) -> None:
    token = issued[0]
    confirmation = approved(token, by, app)
    if end == "revoke":
        services.revoke(token, actor=by.user, now=database_now())
    elif end == "expire":
        ScimToken.objects.update(expires_at=database_now())
    else:
        reveal.set_rule(token.directory, reveal.ONCE, by=by.membership)

    with pytest.raises(NotRevealable):
        shown(token, by, confirmation)


class TestRule:
    def test_once_destroys_what_is_kept(
        self, issued: tuple[ScimToken, str], membership: Membership
    ) -> None:
        """The token goes on working; the value is gone for good."""
        token = issued[0]

        destroyed = reveal.set_rule(token.directory, reveal.ONCE, by=membership)

        token.refresh_from_db()
        assert destroyed == 1
        assert token.sealed_value == ""
        assert token.state(database_now()).is_live
        event = AuditEvent.objects.get(action="tokens.directory.reveal_rule_changed")
        assert event.data == {"rule": "once", "destroyed": 1}

    def test_loosening_is_for_new_tokens_only(
        self, issued: tuple[ScimToken, str], membership: Membership
    ) -> None:
        old, directory = issued[0], issued[0].directory
        reveal.set_rule(directory, reveal.ONCE, by=membership)
        reveal.set_rule(directory, reveal.AGAIN, by=membership)
        directory.refresh_from_db()

        new = factories.issue_token(directory).token

        old.refresh_from_db()
        assert not reveal.can_reveal(old, database_now())
        assert reveal.can_reveal(new, database_now())

    def test_only_owners_set_it(
        self, issued: tuple[ScimToken, str], workspace: Workspace
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.SUPER_ADMIN)

        with pytest.raises(OnlyOwners):
            reveal.set_rule(issued[0].directory, reveal.ONCE, by=admin)


def test_gateway_tokens_have_nothing_to_show(directory: Directory) -> None:
    issued = factories.issue_token(directory)

    assert issued.token.sealed_value == ""
    assert not reveal.can_reveal(issued.token, database_now())


def test_panel_has_the_button_for_a_kept_value(
    issued: tuple[ScimToken, str], membership: Membership
) -> None:
    """S0-76: for those who may, and while there is something to show."""
    token, now = issued[0], database_now()

    def button(*, can_manage: bool = True) -> str | None:
        context = panel(token.directory, [token], can_manage=can_manage, now=now)
        page = render_to_string("tokens/panel.html", {"panel": context})
        assert ("View Token" in page) == bool(context["current"]["view_url"])
        return context["current"]["view_url"]

    assert button() == f"/tokens/{token.directory.key}/{token.key}/view/"
    assert button(can_manage=False) is None
    reveal.set_rule(token.directory, reveal.ONCE, by=membership)
    token.refresh_from_db()
    assert button() is None


def test_new_token_of_directory_sync_is_guarded(
    issued: tuple[ScimToken, str], directory: Directory, workspace: Workspace
) -> None:
    """S0-61: regenerating it needs a confirmation, whatever the policy."""
    gateway = factories.issue_token(directory).token

    def is_needed(token: ScimToken) -> bool:
        return confirmable.is_needed(workspace, REPLACE, replaced(token))

    assert is_needed(issued[0])
    assert not is_needed(gateway)


def test_superuser_cannot_see_a_value(
    client: Client, issued: tuple[ScimToken, str]
) -> None:
    """STP-20: neither in the portal of a tenant nor in the admin."""
    root = factories.UserFactory(is_superuser=True)
    sign_in_verified(client, root)
    token, value = issued

    assert Portal(client, token).view().status_code == 403
    assert Portal(client, token).show().status_code == 403
    page = client.get(f"/admin/tokens/scimtoken/{token.pk}/change/")
    assert token.hint in page.content.decode()
    assert value not in page.content.decode()
    assert token.sealed_value not in page.content.decode()
