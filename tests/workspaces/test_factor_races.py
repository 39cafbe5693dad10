"""One code, two hands: real threads, real connections."""

from __future__ import annotations

import pytest

from tests.fakes.factors import Authenticator, authenticator
from tests.scim.together import together
from tests.workspaces.test_factors import add_passkey
from workspaces import factors
from workspaces.clock import database_now
from workspaces.factors import changes, recovery
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_use_a_recovery_code_one_succeeds(
    alice: User, workspace: Workspace
) -> None:
    authenticator(alice)
    [code, *_] = recovery.generate(alice, now=database_now())
    factor_id = factors.usable(alice)[-1].id

    def use(purpose: str) -> bool:
        return bool(factors.verify_code(alice, factor_id, code, purpose=purpose))

    used = together([lambda: use("log_in"), lambda: use("confirm")])

    assert sorted(used) == [False, True]
    assert recovery.left(alice) == recovery.COUNT - 1


def test_of_two_who_use_a_code_of_an_app_one_succeeds(
    alice: User, workspace: Workspace
) -> None:  # STP-05
    app = authenticator(alice)
    code = app.code()

    def use(purpose: str) -> bool:
        return bool(factors.verify_code(alice, app.id, code, purpose=purpose))

    used = together([lambda: use("log_in"), lambda: use("confirm")])

    assert sorted(used) == [False, True]


def test_of_two_who_answer_a_challenge_one_succeeds(
    alice: User, workspace: Workspace
) -> None:  # STP-03
    device = Authenticator()
    add_passkey(alice, device)
    ceremony = factors.begin(alice, purpose="confirm", now=database_now())
    answer = device.get(ceremony.options)

    def use() -> bool:
        try:
            factors.complete(
                alice,
                ceremony.challenge_id,
                answer,
                purpose="confirm",
                now=database_now(),
            )
        except factors.PasskeyRefused:
            return False
        return True

    assert sorted(together([use, use])) == [False, True]


def test_two_wrong_codes_at_once_are_both_counted(
    alice: User, workspace: Workspace
) -> None:  # STP-06
    app = authenticator(alice)
    factors.verify_code(alice, app.id, "000000")

    together([lambda: factors.verify_code(alice, app.id, "000000")] * 2)

    assert factors.locked_until(alice, purpose="confirm", now=database_now())


def test_of_two_last_factors_deleted_at_once_one_stays_where_two_steps_are_required(
    alice: User, workspace: Workspace
) -> None:
    first, second = authenticator(alice), authenticator(alice, name="Other")
    Workspace.objects.update(require_two_steps=True)

    def delete(factor_id: str) -> bool:
        try:
            return changes.delete(alice, factor_id, now=database_now()) is not None
        except changes.LastFactor:
            return False

    done = together([lambda: delete(first.id), lambda: delete(second.id)])

    assert sorted(done) == [False, True]
    assert len(factors.usable(alice)) == 1
