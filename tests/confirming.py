"""People with factors, and their codes."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP

from tests import factories
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.confirmable import Asker
from workspaces.factors import authenticator, recovery
from workspaces.models import (
    AuthenticatorApp,
    Confirmation,
    Directory,
    Membership,
    User,
    Workspace,
)


def with_authenticator(user: User, name: str = "Phone app") -> AuthenticatorApp:
    """Set an authenticator app up as a person does."""
    now = database_now()
    app = authenticator.start(user, now=now)
    assert authenticator.finish(app, code_of(app), name=name, now=now)
    app.refresh_from_db()
    return app


def sign_in_verified(client: Client, user: User) -> None:
    """Sign somebody in by both steps, as the Django admin asks for."""
    app = with_authenticator(user)
    client.force_login(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = app.persistent_id
    session.save()


def with_recovery_codes(user: User) -> list[str]:
    """Return ten codes that may confirm at once."""
    codes = recovery.generate(user, now=database_now())
    set_ = user.recoverycodes_set.get()  # type: ignore[attr-defined]
    set_.confirms_from = database_now() - timedelta(days=1)
    set_.save(update_fields=["confirms_from"])
    return codes


def code_of(app: AuthenticatorApp, *, steps: int = 0) -> str:
    """Return what the app shows now, or so many steps from now."""
    totp = TOTP(base64.b32decode(authenticator.key_of(app)), digits=6)
    totp.time = (database_now() + timedelta(seconds=30 * steps)).timestamp()
    return f"{totp.token():06d}"


def new_code(app: AuthenticatorApp) -> str:
    """Return a right code, as if none had been used yet."""
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=-1)
    return code_of(app)


def wrong_code(app: AuthenticatorApp) -> str:
    """Return a code that is not right in any step that would count."""
    right = {code_of(app, steps=steps) for steps in range(-2, 3)}
    return next(c for c in ("000000", "111111", "222222", "333333") if c not in right)


def asker(membership: Membership, session: str = "a" * 64) -> Asker:
    """Return a member in a session."""
    return Asker(membership, session, "Mozilla/5.0 (X11; Linux) Firefox/150")


def sync_directory(workspace: Workspace) -> Directory:
    """Return the directory whose tokens can be seen again."""
    return Directory.objects.get(
        workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
    )


def sync_token(workspace: Workspace) -> tuple[ScimToken, str]:
    """Return a token of Directory Sync and its value."""
    issued = factories.issue_token(sync_directory(workspace), name="okta-sync")
    return issued.token, issued.plaintext


def confirm(client: Client, user: User, path: str) -> None:
    """Confirm once what a POST to `path` asks for; it is recent for the rest of a test."""
    app = with_authenticator(user)
    asked = client.post(path, {"confirm_identity": "1"})
    assert asked.status_code == 200, asked.content
    confirmation = Confirmation.objects.order_by("-id")[0]
    answer = client.post(
        f"/confirmations/{confirmation.public_id}/code/",
        {"device": str(app.public_id), "code": new_code(app)},
    )
    assert answer.status_code == 302, answer.content


class Portal:
    """Somebody who views a token in a browser, without scripts."""

    def __init__(self, client: Client, token: ScimToken) -> None:
        self.client = client
        self.base = f"/tokens/{token.directory.key}/{token.key}"

    def view(self, **headers: str) -> Any:
        """Press **View Token**."""
        return self.client.post(f"{self.base}/view/", headers=headers)

    def latest(self) -> Confirmation:
        return Confirmation.objects.order_by("-id")[0]

    def answer(self, app: AuthenticatorApp, code: str, **headers: str) -> Any:
        """Answer the latest confirmation with a code."""
        return self.client.post(
            f"/confirmations/{self.latest().public_id}/code/",
            {"device": str(app.public_id), "code": code},
            headers=headers,
        )

    def confirm(self, app: AuthenticatorApp) -> Confirmation:
        """Open a confirmation and approve it."""
        assert self.view().status_code == 200
        answer = self.answer(app, new_code(app))
        assert answer.status_code == 302, answer.content
        return self.latest()

    def show(self, confirmation: Confirmation | None = None, **headers: str) -> Any:
        """Ask for the value."""
        data = {"confirmation": str(confirmation.public_id)} if confirmation else {}
        return self.client.post(f"{self.base}/show/", data, headers=headers)
