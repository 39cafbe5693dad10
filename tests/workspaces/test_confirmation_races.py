"""Two at one confirmation: real threads, real connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.confirming import asker, new_code, sync_token, with_authenticator, wrong_code
from tests.scim.together import together
from tokens import reveal
from tokens.confirmed import VIEW, subject_of
from tokens.models import ScimToken
from workspaces import confirmation_answers, confirmations
from workspaces.clock import database_now
from workspaces.confirmable import Asker
from workspaces.confirmation_errors import (
    ConfirmationError,
    NotConfirmed,
    NotPending,
)
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Confirmation,
    Membership,
    User,
    Workspace,
)

pytestmark = pytest.mark.django_db(transaction=True)
State = Confirmation.State


@pytest.fixture
def app(alice: User, membership: Membership) -> AuthenticatorApp:
    return with_authenticator(alice)


@pytest.fixture
def by(membership: Membership) -> Asker:
    return asker(membership)


@pytest.fixture
def token(workspace: Workspace) -> ScimToken:
    return sync_token(workspace)[0]


def requested(token: ScimToken, by: Asker) -> Confirmation:
    return confirmations.request_(
        VIEW,
        subject_of(token),
        by=by,
        path="/",
        back_path="/",
        is_step=False,
        now=database_now(),
    )


def happens(call: Callable[[], object]) -> bool:
    """Say whether the call is not refused."""
    try:
        call()
    except ConfirmationError:
        return False
    return True


def approve(made: Confirmation, by: Asker, app: AuthenticatorApp, code: str) -> None:
    confirmation_answers.approve_by_code(
        made, by=by, device_id=str(app.public_id), code=code, now=database_now()
    )


def test_of_two_uses_one_shows_the_value(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    """STP-03."""
    made = requested(token, by)
    approve(made, by, app, new_code(app))

    def show() -> bool:
        return happens(
            lambda: reveal.reveal(
                token,
                by=by,
                confirmation_id=str(made.public_id),
                now=database_now(),
            )
        )

    assert sorted(together([show] * 4)) == [False, False, False, True]
    assert AuditEvent.objects.filter(action="tokens.scim_token.viewed").count() == 1


def test_of_two_approvals_with_one_code_one_counts(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    """STP-05: in two sessions, at the same moment."""
    elsewhere = asker(by.membership, "b" * 64)
    mine, other = requested(token, by), requested(token, elsewhere)
    code = new_code(app)

    done = together(
        [
            lambda: happens(lambda: approve(mine, by, app, code)),
            lambda: happens(lambda: approve(other, elsewhere, app, code)),
        ]
    )

    assert sorted(done) == [False, True]


def test_of_approval_and_denial_one_counts(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    made = requested(token, by)
    code = new_code(app)

    done = together(
        [
            lambda: happens(lambda: approve(made, by, app, code)),
            lambda: happens(
                lambda: confirmations.deny(made, reason="not me", now=database_now())
            ),
        ]
    )

    made.refresh_from_db()
    assert sorted(done) == [False, True]
    assert made.state == (State.APPROVED if done[0] else State.DENIED)


def test_approval_after_a_denial_is_refused(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    made = requested(token, by)
    confirmations.deny(made, reason="not me", now=database_now())

    with pytest.raises(NotPending):
        approve(made, by, app, new_code(app))
    with pytest.raises(NotConfirmed):
        reveal.reveal(
            token, by=by, confirmation_id=str(made.public_id), now=database_now()
        )


def test_guesses_at_once_are_all_counted(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    """STP-06: more sessions at the same moment win no more tries."""
    askers = [asker(by.membership, str(number) * 64) for number in range(4)]
    opened = [(one, requested(token, one)) for one in askers]
    wrong = wrong_code(app)

    def guess(one: Asker, made: Confirmation) -> bool:
        return happens(lambda: approve(made, one, app, wrong))

    done = together([lambda o=o, m=m: guess(o, m) for o, m in opened])  # type: ignore[misc]

    assert not any(done)
    failures = Confirmation.objects.values_list("failures", flat=True)
    assert sum(failures) == 4


def test_revocation_of_the_role_and_use_at_once_leave_no_half(
    token: ScimToken, by: Asker, app: AuthenticatorApp
) -> None:
    """STP-15."""
    made = requested(token, by)
    approve(made, by, app, new_code(app))

    def demote() -> bool:
        Membership.objects.filter(pk=by.membership.pk).update(role="member")
        return True

    def show() -> bool:
        return happens(
            lambda: reveal.reveal(
                token, by=by, confirmation_id=str(made.public_id), now=database_now()
            )
        )

    [shown, _] = together([show, demote])

    made.refresh_from_db()
    viewed = AuditEvent.objects.filter(action="tokens.scim_token.viewed").exists()
    assert viewed == shown == (made.state == State.USED)
