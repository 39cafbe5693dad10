"""Confirmations of who somebody is: limits, outcomes, and what they count for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import factories
from tests.confirming import (
    asker,
    code_of,
    new_code,
    with_authenticator,
    with_recovery_codes,
    wrong_code,
)
from workspaces import confirmation_answers, confirmation_expiry, confirmations
from workspaces.clock import database_now
from workspaces.confirmable import CHANGE_MEMBER, Asker, Subject
from workspaces.confirmation_errors import (
    NotConfirmed,
    NotPending,
    TooManyAttempts,
    WrongCode,
)
from workspaces.factors.codes import Purpose, locked_until
from workspaces.factors.kinds import kind_named
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    CodeAttempts,
    Confirmation,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

ABOUT = Subject("7", "Bob")
State = Confirmation.State


@pytest.fixture
def app(alice: User, membership: Membership) -> AuthenticatorApp:
    return with_authenticator(alice)


@pytest.fixture
def by(membership: Membership) -> Asker:
    return asker(membership)


def open_one(by: Asker, *, now: datetime | None = None) -> Confirmation:
    return confirmations.request_(
        CHANGE_MEMBER,
        ABOUT,
        by=by,
        path="/members/7/role/",
        back_path="/members/",
        is_step=True,
        now=now or database_now(),
    )


def approve(
    made: Confirmation, by: Asker, app: AuthenticatorApp, code: str, **when: datetime
) -> None:
    values = {"now": database_now(), **when}
    confirmation_answers.approve_by_code(
        made, by=by, device_id=str(app.public_id), code=code, **values
    )


def actions() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="workspaces.confirmation")
    names = found.order_by("id").values_list("action", flat=True)
    return [name.rpartition(".")[2] for name in names]


def test_right_code_approves_and_is_recorded(by: Asker, app: AuthenticatorApp) -> None:
    """S0-79 S0-84."""
    made = open_one(by)

    approve(made, by, app, new_code(app))

    made.refresh_from_db()
    assert (made.state, made.method) == (State.APPROVED, "totp")
    assert actions() == ["requested", "approved"]
    event = AuditEvent.objects.get(action="workspaces.confirmation.approved")
    assert event.data == {"action": CHANGE_MEMBER.name, "method": "totp"}


def test_code_is_good_once(by: Asker, app: AuthenticatorApp) -> None:
    """STP-05: not for a second confirmation, nor after it logged somebody in."""
    code = new_code(app)
    approve(open_one(by), by, app, code)
    again = open_one(by)

    with pytest.raises(WrongCode):
        approve(again, by, app, code)


def test_recovery_code_confirms_once(by: Asker, app: AuthenticatorApp) -> None:
    """S0-79."""
    code = with_recovery_codes(by.user)[0]
    set_ = by.user.recoverycodes_set.get()
    made = open_one(by)

    confirmation_answers.approve_by_code(
        made, by=by, device_id=str(set_.public_id), code=code, now=database_now()
    )

    confirmations.use(CHANGE_MEMBER, ABOUT, by=by, now=database_now())
    with pytest.raises(WrongCode):
        confirmation_answers.approve_by_code(
            open_one(by),
            by=by,
            device_id=str(set_.public_id),
            code=code,
            now=database_now(),
        )


def test_last_recovery_code_still_counts(by: Asker, app: AuthenticatorApp) -> None:
    codes = with_recovery_codes(by.user)
    set_ = by.user.recoverycodes_set.get()
    set_.codes.exclude(start=codes[0][:2]).update(used_at=database_now())
    made = open_one(by)

    confirmation_answers.approve_by_code(
        made, by=by, device_id=str(set_.public_id), code=codes[0], now=database_now()
    )

    confirmations.use(CHANGE_MEMBER, ABOUT, by=by, now=database_now())


class TestTries:
    """STP-06: guessing."""

    def test_fifth_wrong_code_denies(self, by: Asker, app: AuthenticatorApp) -> None:
        made = open_one(by)
        for _ in range(4):
            with pytest.raises((WrongCode, TooManyAttempts)):
                approve(made, by, app, wrong_code(app))

        with pytest.raises(NotPending):
            approve(made, by, app, wrong_code(app))

        made.refresh_from_db()
        assert (made.state, made.failures) == (State.DENIED, 5)
        assert actions() == ["requested", *["failed"] * 5, "denied"]
        CodeAttempts.objects.all().delete()
        with pytest.raises(NotPending):
            approve(made, by, app, new_code(app))

    def test_third_wrong_code_in_a_row_makes_wait(
        self, by: Asker, app: AuthenticatorApp
    ) -> None:
        made = open_one(by)
        for _ in range(3):
            with pytest.raises(WrongCode):
                approve(made, by, app, wrong_code(app))

        with pytest.raises(TooManyAttempts) as refusal:
            approve(made, by, app, new_code(app))

        wait = refusal.value.retry_at - database_now()
        assert timedelta(minutes=4) < wait <= timedelta(minutes=5)

    def test_limit_of_a_person_holds_across_sessions_and_heals(
        self, by: Asker, app: AuthenticatorApp
    ) -> None:
        now = database_now()
        for number in range(3):
            elsewhere = asker(by.membership, str(number) * 64)
            made = open_one(elsewhere)
            for _ in range(5):
                CodeAttempts.objects.all().delete()
                with pytest.raises((WrongCode, NotPending)):
                    approve(made, elsewhere, app, wrong_code(app))

        with pytest.raises(TooManyAttempts) as refusal:
            open_one(by)

        assert refusal.value.retry_at > now + timedelta(minutes=59)
        assert actions()[-1] == "refused"
        Confirmation.objects.update(last_failure_at=now - timedelta(hours=1))
        CodeAttempts.objects.all().delete()
        approve(open_one(by), by, app, new_code(app))

    def test_number_of_requests_an_hour(self, by: Asker, app: AuthenticatorApp) -> None:
        for _ in range(confirmations.REQUESTS_AN_HOUR):
            open_one(by)

        with pytest.raises(TooManyAttempts):
            open_one(by)

    def test_log_in_is_not_affected(self, by: Asker, app: AuthenticatorApp) -> None:
        made = open_one(by)
        for _ in range(3):
            with pytest.raises(WrongCode):
                approve(made, by, app, wrong_code(app))

        now = database_now()
        assert locked_until(by.user, purpose=Purpose.CONFIRM, now=now)
        assert locked_until(by.user, purpose=Purpose.LOG_IN, now=now) is None


class TestWhoMayAnswer:
    """STP-11: an answer completes one's own confirmation and no other."""

    def test_not_another_session(self, by: Asker, app: AuthenticatorApp) -> None:
        made = open_one(by)

        with pytest.raises(NotPending):
            approve(made, asker(by.membership, "b" * 64), app, new_code(app))

        made.refresh_from_db()
        assert made.state == State.PENDING

    def test_not_with_the_factor_of_somebody_else(
        self, by: Asker, app: AuthenticatorApp, workspace: Workspace
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        theirs = with_authenticator(admin.user)

        with pytest.raises(WrongCode):
            approve(open_one(by), by, theirs, new_code(theirs))

    def test_not_with_a_factor_younger_than_a_day(
        self, by: Asker, app: AuthenticatorApp
    ) -> None:
        """STP-14: the second factor is too new, the first one is not."""
        second = with_authenticator(by.user, "New app")

        with pytest.raises(WrongCode):
            approve(open_one(by), by, second, new_code(second))
        AuthenticatorApp.objects.filter(pk=second.pk).update(
            confirms_from=database_now()
        )
        approve(open_one(by), by, second, new_code(second))

    def test_not_by_a_method_that_is_named_in_the_request(
        self, by: Asker, app: AuthenticatorApp
    ) -> None:
        """STP-07 STP-21: the server knows the methods, and e-mail is none."""
        for named in ("email", "password", "totp", "", "0"):
            with pytest.raises((WrongCode, NotPending, TooManyAttempts)):
                confirmation_answers.approve_by_code(
                    open_one(by),
                    by=by,
                    device_id=named,
                    code=code_of(app),
                    now=database_now(),
                )
        with pytest.raises(KeyError):
            kind_named("email")


def test_request_lives_ten_minutes(by: Asker, app: AuthenticatorApp) -> None:
    """STP-04."""
    made = open_one(by)
    assert made.expires_at - made.created_at == timedelta(minutes=10)

    with pytest.raises(NotPending):
        approve(made, by, app, new_code(app), now=made.expires_at)


def test_new_request_of_a_session_abandons_the_former(
    by: Asker, app: AuthenticatorApp
) -> None:
    """S0-84: recorded; another session's request stays."""
    elsewhere = open_one(asker(by.membership, "b" * 64))
    former = open_one(by)

    open_one(by)

    former.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (former.state, elsewhere.state) == (State.ABANDONED, State.PENDING)
    assert actions().count("abandoned") == 1
    with pytest.raises(NotPending):
        approve(former, by, app, new_code(app))


def test_denied_is_final(by: Asker, app: AuthenticatorApp) -> None:
    """S0-84."""
    made = open_one(by)
    confirmations.deny(made, reason="not me", now=database_now())

    for decide in (
        lambda: approve(made, by, app, new_code(app)),
        lambda: confirmations.deny(made, reason="again", now=database_now()),
        lambda: confirmations.ask_elsewhere(made, now=database_now()),
    ):
        with pytest.raises(NotPending):
            decide()
    with pytest.raises(NotConfirmed):
        confirmations.use(CHANGE_MEMBER, ABOUT, by=by, now=database_now())
    assert actions() == ["requested", "denied"]


def test_right_lost_before_the_answer(by: Asker, app: AuthenticatorApp) -> None:
    made = open_one(by)
    Membership.objects.filter(pk=by.membership.pk).update(role=Role.MEMBER)

    with pytest.raises(NotConfirmed):
        approve(made, by, app, new_code(app))


def test_two_digits_for_another_device(by: Asker, app: AuthenticatorApp) -> None:
    """S0-77: the number is there for a device to repeat, and only while it is open."""
    made = open_one(by)

    number = confirmations.ask_elsewhere(made, now=database_now())

    assert 10 <= number <= 99
    confirmations.approve(
        made, method="totp", device_id=str(app.public_id), now=database_now()
    )
    confirmations.use(CHANGE_MEMBER, ABOUT, by=by, now=database_now())


class TestRecent:
    def test_counts_in_its_session_for_the_minutes_of_the_workspace(
        self, by: Asker, app: AuthenticatorApp
    ) -> None:
        made = open_one(by)
        now = database_now()
        approve(made, by, app, new_code(app), now=now)
        other = Subject("8", "Eve")
        later = now + timedelta(minutes=9)
        elsewhere = asker(by.membership, "b" * 64)

        def is_recent(by: Asker, now: datetime) -> bool:
            return confirmations.is_recent(CHANGE_MEMBER, other, by=by, now=now)

        assert is_recent(by, later)
        assert not is_recent(by, now + timedelta(minutes=10))
        assert not is_recent(elsewhere, later)

    def test_zero_minutes_ask_each_time(self, by: Asker, app: AuthenticatorApp) -> None:
        Workspace.objects.update(confirm_minutes=0)
        by.workspace.refresh_from_db()
        approve(open_one(by), by, app, new_code(app))
        other, now = Subject("8", "Eve"), database_now()

        assert confirmations.is_recent(CHANGE_MEMBER, ABOUT, by=by, now=now)
        assert not confirmations.is_recent(CHANGE_MEMBER, other, by=by, now=now)
        confirmations.use(CHANGE_MEMBER, ABOUT, by=by, now=now)
        assert not confirmations.is_recent(CHANGE_MEMBER, ABOUT, by=by, now=now)

    @pytest.mark.parametrize("change", ["password", "factor", "role"])
    def test_change_voids_it(
        self, by: Asker, app: AuthenticatorApp, change: str
    ) -> None:
        approve(open_one(by), by, app, new_code(app))
        if change == "password":
            by.user.set_password("another battery staple")
        elif change == "factor":
            app.delete()
        else:
            by.membership.role = Role.ADMIN

        now = database_now()
        assert not confirmations.is_recent(CHANGE_MEMBER, ABOUT, by=by, now=now)


def test_tidy_notes_what_ran_out_once_and_drops_the_old(
    by: Asker, app: AuthenticatorApp, workspace: Workspace
) -> None:
    """S0-84: expired ones are recorded, pending or approved."""
    approve(open_one(by), by, app, new_code(app))
    pending = open_one(asker(by.membership, "b" * 64))
    old = open_one(asker(by.membership, "c" * 64))
    confirmations.deny(old, reason="not me", now=database_now())
    long_ago = database_now() - timedelta(days=91)
    Confirmation.objects.filter(pk=old.pk).update(created_at=long_ago)
    Confirmation.objects.update(expires_at=database_now())
    job = Job(workspace=workspace)

    assert confirmation_expiry.tidy(job) == {"expired": 2, "deleted": 1}
    assert confirmation_expiry.tidy(job) == {"expired": 0, "deleted": 0}

    pending.refresh_from_db()
    assert pending.state == State.EXPIRED
    expired = AuditEvent.objects.filter(action="workspaces.confirmation.expired")
    assert sorted(event.data["was"] for event in expired) == ["approved", "pending"]


def test_nothing_secret_is_recorded(by: Asker, app: AuthenticatorApp) -> None:
    """S0-128."""
    wrong, right = wrong_code(app), new_code(app)
    made = open_one(by)
    with pytest.raises(WrongCode):
        approve(made, by, app, wrong)
    approve(made, by, app, right)

    kept = str([event.data for event in AuditEvent.objects.all()])
    assert wrong not in kept
    assert right not in kept
