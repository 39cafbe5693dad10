"""Record who logs in, who fails to and who leaves."""

from __future__ import annotations

import time
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth import signals
from django.db import transaction
from django.http import HttpRequest

from workspaces import audit
from workspaces.factors import vouched
from workspaces.models import Membership, User, Workspace
from workspaces.models.user import email_key

BACKEND = "django.contrib.auth.backends.ModelBackend"
"""Of whom we let in without a password having been asked for just now."""

SIGNED_IN_AT = "signed_in_at"
"""When a session began: its key in the session, which holds seconds since 1970."""


def connect() -> None:
    """Listen to Django's own log-in signals."""
    signals.user_logged_in.connect(_signed_in)
    signals.user_logged_out.connect(_signed_out)
    signals.user_login_failed.connect(_failed)


def who_was_tried(
    request: HttpRequest | None, credentials: dict[str, Any] | None
) -> str:
    """Return whose log-in this is, for counting failures: the address in one case.

    Without it the lock-out would look under `email`, which our form does not have,
    and every spelling of an address would have tries of its own.
    """
    given: Any = credentials or (request.POST if request else {})
    return email_key(str(given.get("username") or given.get("email") or ""))[:254]


@transaction.atomic
def forget_failures(attempt: AccessAttempt, *, actor: User) -> None:
    """Let whoever failed to log in too often try again at once."""
    attempt.delete()
    # Who was tried is left out here as well.
    audit.record(
        audit.SignIn.LET_TRY_AGAIN,
        workspace=None,
        actor=actor,
        data={"address": attempt.ip_address},
    )


def _workspace_of(user: User, request: HttpRequest) -> Workspace | None:
    membership = vouched.opened(Membership.objects.of(user), request).first()
    return membership.workspace if membership else None


def _signed_in(user: User, request: HttpRequest, **_kwargs: Any) -> None:
    request.session[SIGNED_IN_AT] = int(time.time())
    request.session.clear_expired()
    workspace = _workspace_of(user, request)
    audit.record(audit.SignIn.SIGNED_IN, workspace=workspace, actor=user)


def _signed_out(user: User | None, request: HttpRequest, **_kwargs: Any) -> None:
    if user is not None:
        workspace = _workspace_of(user, request)
        audit.record(audit.SignIn.SIGNED_OUT, workspace=workspace, actor=user)


def _failed(request: HttpRequest | None, **_kwargs: Any) -> None:
    # Who was meant is left out: people type passwords into the e-mail field.
    audit.record(audit.SignIn.FAILED, workspace=None, actor=None)
