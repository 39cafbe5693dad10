"""Second factors as services: what proves a person, how often, and what it leaves behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.core import mail
from django.db import connection

from tests import factories
from tests.fakes.factors import STEP, Authenticator, authenticator
from workspaces import factors
from workspaces.audit import Factors
from workspaces.clock import database_now
from workspaces.errors import LastFactor, NoFactorYet
from workspaces.factors import (
    authenticator as apps,
)
from workspaces.factors import (
    changes,
    codes,
    kinds,
    passkeys,
    policy,
    recovery,
)
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    Role,
    User,
    Workspace,
)


def add_passkey(user: User, device: Authenticator, name: str = "Laptop") -> Passkey:
    now = database_now()
    ceremony = passkeys.begin_enrolment(user, now=now)
    answer = device.create(ceremony.options)
    return passkeys.complete_enrolment(
        user, ceremony.challenge_id, answer, name=name, now=now
    )


class TestAuthenticatorApp:
    def test_code_is_accepted(self, alice: User) -> None:
        app = authenticator(alice)

        device = factors.verify_code(alice, app.id, app.code())

        assert device == app.app
        [factor] = factors.usable(alice)
        assert factor.kind == "totp"
        assert factor.last_used_at is not None

    def test_code_is_good_once(self, alice: User) -> None:
        """STP-05, also across purposes: a code of the log-in confirms nothing."""
        app = authenticator(alice)
        code = app.code()
        used = factors.verify_code(alice, app.id, code, purpose=factors.Purpose.LOG_IN)

        again = factors.verify_code(alice, app.id, code)

        assert used is not None
        assert again is None

    @pytest.mark.parametrize(
        ("steps", "is_right"),
        [(-2, False), (-1, True), (0, True), (1, True), (2, False)],
    )
    def test_clock_may_be_one_step_off(
        self, alice: User, steps: int, is_right: bool
    ) -> None:
        """STP-04."""
        app = authenticator(alice)
        now = database_now() + timedelta(minutes=5)

        device = factors.verify_code(
            alice, app.id, app.code(now + steps * STEP), now=now
        )

        assert (device is not None) == is_right

    def test_older_code_than_the_last_is_refused(self, alice: User) -> None:
        app = authenticator(alice)
        now = database_now() + timedelta(minutes=5)
        assert factors.verify_code(alice, app.id, app.code(now), now=now)

        earlier = factors.verify_code(alice, app.id, app.code(now - STEP), now=now)

        assert earlier is None

    def test_blanks_are_taken_out(self, alice: User) -> None:
        app = authenticator(alice)
        code = app.code()

        assert factors.verify_code(alice, app.id, f" {code[:3]} {code[3:]} ")

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\uff11" * 6])
    def test_nonsense_is_wrong(self, alice: User, code: str) -> None:
        app = authenticator(alice)

        assert factors.verify_code(alice, app.id, code) is None

    def test_key_is_encrypted_and_bound_to_its_row(self, alice: User) -> None:
        app = authenticator(alice)
        other = authenticator(alice, name="Other")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM workspaces_authenticatorapp")
            kept = str(cursor.fetchall())

        app.app.sealed_key = other.app.sealed_key

        assert app.key not in kept
        with pytest.raises(apps.secrets.UnreadableSecret):
            apps.key_of(app.app)

    def test_nothing_is_usable_before_its_first_code(self, alice: User) -> None:
        now = database_now()
        app = apps.start(alice, now=now)

        assert factors.usable(alice) == []
        assert not apps.finish(app, "000000", name="Phone", now=now)
        assert factors.usable(alice) == []
        assert apps.started(alice, app.public_id, now=now + apps.SET_UP_WITHIN) is None

    def test_starting_again_drops_what_was_started(self, alice: User) -> None:
        now = database_now()
        apps.start(alice, now=now)
        apps.start(alice, now=now)

        assert AuthenticatorApp.objects.count() == 1

    def test_somebody_elses_is_no_way(self, alice: User, bob: User) -> None:
        """STP-11."""
        app = authenticator(alice)

        assert factors.verify_code(bob, app.id, app.code()) is None
        assert factors.verify_code(alice, app.id, app.code()) is not None

    def test_of_a_deactivated_or_unknown_id(self, alice: User) -> None:
        assert factors.verify_code(alice, "no-such-factor", "123456") is None


class TestAttempts:
    """STP-06."""

    def wrong(self, alice: User, device_id: str, times: int, **kwargs: object) -> None:
        for _ in range(times):
            assert factors.verify_code(alice, device_id, "000000", **kwargs) is None

    def test_third_wrong_code_locks_also_a_right_one(self, alice: User) -> None:
        app = authenticator(alice)
        now = database_now() + timedelta(minutes=5)
        self.wrong(alice, app.id, 3, now=now)

        with pytest.raises(factors.TooManyAttempts) as locked:
            factors.verify_code(alice, app.id, app.code(now), now=now)

        assert locked.value.retry_at == now + codes.FIRST_LOCK

    def test_it_heals_by_itself(self, alice: User) -> None:
        app = authenticator(alice)
        now = database_now()
        self.wrong(alice, app.id, 3, now=now)
        later = now + codes.FIRST_LOCK

        assert factors.verify_code(alice, app.id, app.code(later), now=later)
        self.wrong(alice, app.id, 2, now=later)

    def test_each_further_one_locks_longer_up_to_an_hour(self, alice: User) -> None:
        app = authenticator(alice)
        now = database_now()
        self.wrong(alice, app.id, 2, now=now)
        locks = []
        for _ in range(7):
            self.wrong(alice, app.id, 1, now=now)
            until = factors.locked_until(alice, purpose="confirm", now=now)
            assert until
            locks.append((until - now).total_seconds() / 60)
            now = until

        assert locks == [5, 10, 20, 40, 60, 60, 60]

    def test_more_factors_win_no_more_tries(self, alice: User) -> None:
        first, second = authenticator(alice), authenticator(alice, name="Other")
        self.wrong(alice, first.id, 2)
        self.wrong(alice, second.id, 1)

        with pytest.raises(factors.TooManyAttempts):
            factors.verify_code(alice, second.id, second.code())

    def test_guesses_at_a_confirmation_do_not_lock_the_login(self, alice: User) -> None:
        app = authenticator(alice)
        self.wrong(alice, app.id, 3)

        assert factors.verify_code(
            alice, app.id, app.code(), purpose=factors.Purpose.LOG_IN
        )

    def test_passkeys_are_not_locked(self, alice: User) -> None:
        app, device = authenticator(alice), Authenticator()
        add_passkey(alice, device)
        self.wrong(alice, app.id, 3)
        now = database_now()
        ceremony = factors.begin(alice, purpose="confirm", now=now)

        assert factors.complete(
            alice,
            ceremony.challenge_id,
            device.get(ceremony.options),
            purpose="confirm",
            now=now,
        )


class TestRecoveryCodes:
    def test_ten_are_made_and_kept_as_argon2id(self, alice: User) -> None:
        authenticator(alice)

        made = recovery.generate(alice, now=database_now())

        digests = list(RecoveryCode.objects.values_list("digest", flat=True))
        assert len(set(made)) == recovery.COUNT
        assert all(digest.startswith("argon2$argon2id$") for digest in digests)
        assert not any(code in str(digests) for code in made)

    def test_each_is_good_once(self, alice: User) -> None:
        authenticator(alice)
        first, second, *_ = recovery.generate(alice, now=database_now())
        [_, codes_factor] = factors.usable(alice)

        assert factors.verify_code(alice, codes_factor.id, first)
        assert factors.verify_code(alice, codes_factor.id, first) is None
        typed = second.lower().replace("-", " ")
        assert factors.verify_code(alice, codes_factor.id, typed)
        assert recovery.left(alice) == 8

    def test_new_ones_replace_the_former(self, alice: User) -> None:
        authenticator(alice)
        [old, *_] = recovery.generate(alice, now=database_now())
        [new, *_] = recovery.generate(alice, now=database_now())
        codes_factor = factors.usable(alice)[-1]

        assert factors.verify_code(alice, codes_factor.id, old) is None
        assert factors.verify_code(alice, codes_factor.id, new)

    def test_none_without_another_factor(self, alice: User) -> None:
        with pytest.raises(NoFactorYet):
            recovery.generate(alice, now=database_now())

    def test_set_without_codes_left_is_no_way(self, alice: User) -> None:
        authenticator(alice)
        recovery.generate(alice, now=database_now())
        RecoveryCode.objects.update(used_at=database_now())

        assert [factor.kind for factor in factors.usable(alice)] == ["totp"]

    def test_use_is_told(self, alice: User, workspace: Workspace) -> None:
        authenticator(alice)
        [code, *_] = recovery.generate(alice, now=database_now())
        factors.verify_code(alice, factors.usable(alice)[-1].id, code)

        event = AuditEvent.objects.get(action=Factors.RECOVERY_USED)

        assert event.data == {"kind": "recovery", "left": 9}
        assert code not in str(list(AuditEvent.objects.values()))


class TestPasskeys:
    def sign(self, user: User, device: Authenticator, **kwargs: object) -> Passkey:
        now = database_now()
        ceremony = factors.begin(user, purpose="confirm", now=now)
        given = {"purpose": "confirm", "now": now, **kwargs}
        answer = device.get(ceremony.options)
        return factors.complete(user, ceremony.challenge_id, answer, **given)

    def test_signs(self, alice: User) -> None:
        device = Authenticator()
        made = add_passkey(alice, device)

        assert self.sign(alice, device) == made
        made.refresh_from_db()
        assert made.last_used_at is not None
        assert [f.kind for f in factors.usable(alice)] == ["passkey"]

    @pytest.mark.parametrize(
        "change",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://testserver:81"},
            {"rp_id": "evil.example"},
            {"verifies": False},
        ],
        ids=["origin", "port", "relying party", "person not verified"],
    )
    def test_wrong_ceremony_is_refused(
        self, alice: User, change: dict[str, object]
    ) -> None:
        """STP-13."""
        device = Authenticator()
        add_passkey(alice, device)
        for name, value in change.items():
            setattr(device, name, value)

        with pytest.raises(factors.PasskeyRefused):
            self.sign(alice, device)
        with pytest.raises(factors.PasskeyRefused):
            add_passkey(alice, Authenticator(**change))

    def test_challenge_is_good_once(self, alice: User) -> None:
        """STP-13, STP-03: also after a wrong answer."""
        device = Authenticator()
        add_passkey(alice, device)
        now = database_now()
        ceremony = factors.begin(alice, purpose="confirm", now=now)
        with pytest.raises(factors.PasskeyRefused):
            factors.complete(
                alice, ceremony.challenge_id, None, purpose="confirm", now=now
            )

        with pytest.raises(factors.PasskeyRefused):
            factors.complete(
                alice,
                ceremony.challenge_id,
                device.get(ceremony.options),
                purpose="confirm",
                now=now,
            )

    def test_challenge_serves_one_person_purpose_and_time(
        self, alice: User, bob: User
    ) -> None:
        """STP-02, STP-04."""
        device = Authenticator()
        add_passkey(alice, device)
        add_passkey(bob, Authenticator())
        late = database_now() + passkeys.ANSWER_WITHIN + timedelta(minutes=1)

        for user, purpose, now in (
            (bob, "confirm", database_now()),
            (alice, "reveal", database_now()),
            (alice, "confirm", late),
        ):
            ceremony = factors.begin(alice, purpose="confirm", now=database_now())
            answer = device.get(ceremony.options)
            with pytest.raises(factors.PasskeyRefused):
                factors.complete(
                    user, ceremony.challenge_id, answer, purpose=purpose, now=now
                )
        assert PasskeyChallenge.objects.count() == 3

    def test_somebody_elses_is_refused(self, alice: User, bob: User) -> None:
        """STP-13."""
        device, own = Authenticator(), Authenticator()
        add_passkey(alice, device)
        add_passkey(bob, own)

        with pytest.raises(factors.PasskeyRefused):
            self.sign(bob, device)

    def test_one_credential_is_added_once(self, alice: User, bob: User) -> None:
        device = Authenticator()
        add_passkey(alice, device)

        with pytest.raises(factors.PasskeyRefused):
            add_passkey(bob, device)

    def test_copied_device_whose_counter_went_back_is_refused(
        self, alice: User
    ) -> None:
        device = Authenticator()
        add_passkey(alice, device)
        self.sign(alice, device)
        device.count = 0

        with pytest.raises(factors.PasskeyRefused):
            self.sign(alice, device)

    @pytest.mark.parametrize(
        "answer", [None, "", [], {}, {"id": 7}, {"id": "a", "rawId": "a"}, "x" * 9000]
    )
    def test_nonsense_is_refused(self, alice: User, answer: object) -> None:
        now = database_now()
        for ceremony, complete in (
            (passkeys.begin_enrolment(alice, now=now), self._enrol),
            (factors.begin(alice, purpose="confirm", now=now), self._confirm),
        ):
            with pytest.raises(factors.PasskeyRefused):
                complete(alice, ceremony.challenge_id, answer)

    def _enrol(self, user: User, challenge_id: str, answer: object) -> None:
        passkeys.complete_enrolment(
            user, challenge_id, answer, name="x", now=database_now()
        )

    def _confirm(self, user: User, challenge_id: str, answer: object) -> None:
        factors.complete(
            user, challenge_id, answer, purpose="confirm", now=database_now()
        )


class TestAge:
    def test_first_factor_ever_confirms_at_once_and_later_ones_after_a_day(
        self, alice: User
    ) -> None:
        """STP-14."""
        first = authenticator(alice).app
        second = add_passkey(alice, Authenticator())
        now = database_now()

        assert factors.may_confirm(first, now)
        assert not factors.may_confirm(second, now)
        assert factors.may_confirm(second, now + kinds.CONFIRMS_AFTER)
        assert [f.may_confirm for f in factors.usable(alice)] == [False, True]

    def test_first_again_after_deleting_all_is_not_the_first_ever(
        self, alice: User
    ) -> None:
        """STP-14."""
        app = authenticator(alice)
        changes.delete(alice, app.id, now=database_now())

        again = authenticator(alice).app

        assert not factors.may_confirm(again, database_now())


class TestDeleting:
    def test_last_one_stays_while_a_workspace_requires_it(
        self, alice: User, workspace: Workspace
    ) -> None:
        app = authenticator(alice)
        recovery.generate(alice, now=database_now())
        policy.change(
            workspace, require_two_steps=True, confirm_minutes=10, actor=alice
        )

        with pytest.raises(LastFactor):
            changes.delete(alice, app.id, now=database_now())

        other = authenticator(alice, name="Other")
        assert changes.delete(alice, app.id, now=database_now())
        assert factors.usable(alice)[0].id == other.id

    def test_recovery_codes_go_with_the_last_one(self, alice: User) -> None:
        app = authenticator(alice)
        recovery.generate(alice, now=database_now())

        changes.delete(alice, app.id, now=database_now())

        assert factors.usable(alice) == []
        assert not RecoveryCode.objects.exists()

    def test_recovery_codes_can_be_deleted_alone(
        self, alice: User, workspace: Workspace
    ) -> None:
        authenticator(alice)
        recovery.generate(alice, now=database_now())
        policy.change(
            workspace, require_two_steps=True, confirm_minutes=10, actor=alice
        )

        changes.delete(alice, factors.usable(alice)[-1].id, now=database_now())

        assert [f.kind for f in factors.usable(alice)] == ["totp"]

    def test_somebody_elses_is_not_there(self, alice: User, bob: User) -> None:
        app = authenticator(alice)

        assert changes.delete(bob, app.id, now=database_now()) is None
        assert factors.usable(alice)


class TestRecord:
    def test_change_is_in_the_log_of_each_workspace(
        self, alice: User, workspace: Workspace, other_workspace: Workspace
    ) -> None:
        factories.MembershipFactory(workspace=other_workspace, user=alice)

        authenticator(alice, name="Phone")

        events = AuditEvent.objects.filter(action=Factors.ADDED)
        assert {event.workspace for event in events} == {workspace, other_workspace}
        assert events[0].target_label == "Phone"
        assert events[0].data == {"kind": "totp"}

    def test_person_and_administrators_get_a_mail(
        self, alice: User, workspace: Workspace
    ) -> None:
        """STP-14: enrolling alerts the person, and the others besides."""
        for role in (Role.ADMIN, Role.MEMBER):
            factories.MembershipFactory(
                workspace=workspace,
                role=role,
                user=factories.UserFactory(email=f"{role}@acme.test"),
            )
        app = authenticator(alice, name="Phone")
        changes.delete(alice, app.id, now=database_now())

        Worker(threads=1).drain()

        got = [(m.recipients(), m.subject) for m in mail.outbox]
        assert sorted(got) == [
            (["admin@acme.test"], "Alice added a second factor"),
            (["admin@acme.test"], "Alice deleted a second factor"),
            (["alice@acme.test"], "You added a second factor"),
            (["alice@acme.test"], "You deleted a second factor"),
        ]
        assert "Phone (Authenticator app)" in mail.outbox[0].body
        assert not any(app.key in message.body for message in mail.outbox)

    def test_policy_change_is_recorded_once(
        self, alice: User, workspace: Workspace
    ) -> None:
        for _ in range(2):
            policy.change(
                workspace, require_two_steps=True, confirm_minutes=0, actor=alice
            )

        event = AuditEvent.objects.get(action=Factors.POLICY_CHANGED)
        assert event.data == {
            "before_require_two_steps": False,
            "before_confirm_minutes": 10,
            "after_require_two_steps": True,
            "after_confirm_minutes": 0,
        }


def test_admin_site_has_no_factors() -> None:
    """Superusers see no key, no digest and no credential."""
    shown = {model.__name__ for model in admin.site._registry}

    assert not shown & {
        "AuthenticatorApp",
        "Passkey",
        "RecoveryCodes",
        "RecoveryCode",
        "PasskeyChallenge",
        "CodeAttempts",
        "PhoneDevice",
        "PhoneEnrolment",
        "PhoneNonce",
        "WebAuthnCredential",
        "WebAuthnAttestation",
        "WebAuthnUserHandle",
    }


def test_no_login_of_an_idp_is_taken_for_a_factor() -> None:
    """STP-16: there is none to be stale; people sign in with what Keyway checks."""
    assert settings.AUTHENTICATION_BACKENDS == [
        "axes.backends.AxesStandaloneBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    names = {kind.name for kind in kinds.kinds()}
    assert names == {"phone", "passkey", "totp", "recovery"}


def test_email_is_no_factor() -> None:
    """STP-21."""
    assert "email" not in {kind.name for kind in kinds.kinds()}


def test_further_kind_can_be_registered(alice: User) -> None:
    app = authenticator(alice)
    badge = kinds.Kind("badge", "Badge", "id-card", 5, lambda _user: [app.app])
    kinds.register(badge)
    try:
        found = factors.usable(alice)
    finally:
        del kinds._kinds["badge"]

    assert [(factor.kind, factor.takes_code) for factor in found] == [
        ("badge", False),
        ("totp", True),
    ]
