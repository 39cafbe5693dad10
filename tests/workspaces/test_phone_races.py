"""Two answers at the same moment: real threads, real connections."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.confirming import asker
from tests.fakes.phone import Phone, added
from tests.scim.together import together
from tokens.confirmed import VIEW
from workspaces import confirmations
from workspaces.clock import database_now
from workspaces.confirmable import Asker, Subject
from workspaces.models import (
    AuditEvent,
    Confirmation,
    Membership,
    PhoneDevice,
    User,
)
from workspaces.phones import codes, enrolment

pytestmark = pytest.mark.django_db(transaction=True)
State = Confirmation.State


@pytest.fixture
def phone(alice: User, membership: Membership) -> Phone:
    return added(alice)


@pytest.fixture
def by(membership: Membership) -> Asker:
    return asker(membership)


def requested(by: Asker) -> Confirmation:
    made = confirmations.request_(
        VIEW,
        Subject("7", "okta-sync"),
        by=by,
        path="/",
        back_path="/",
        is_step=False,
        now=database_now(),
    )
    assert made.number is not None
    return made


def recorded(action: str) -> int:
    return AuditEvent.objects.filter(action=f"workspaces.confirmation.{action}").count()


def test_of_four_approvals_of_two_phones_one_counts(
    alice: User, phone: Phone, by: Asker
) -> None:
    other = added(alice, "Second")
    made = requested(by)

    def approve(which: Phone) -> int:
        answer = Phone(id=which.id, key=which.key).answer(
            made.public_id, "approve", number=made.number
        )
        return answer.status_code

    statuses = together([lambda p=p: approve(p) for p in (phone, other) * 2])

    assert Counter(statuses) == {200: 1, 409: 3}
    assert recorded("approved") == 1


def test_of_approve_and_deny_one_counts(phone: Phone, by: Asker) -> None:
    made = requested(by)

    def answer(decision: str) -> int:
        again = Phone(id=phone.id, key=phone.key)
        return again.answer(made.public_id, decision, number=made.number).status_code

    statuses = together([lambda d=d: answer(d) for d in ("approve", "deny") * 2])

    assert Counter(statuses) == {200: 1, 409: 3}
    assert recorded("approved") + recorded("denied") == 1
    made.refresh_from_db()
    assert made.state in {State.APPROVED, State.DENIED}


def test_of_four_calls_with_one_nonce_one_counts(phone: Phone) -> None:
    headers = phone.headers("GET", "/device/state/", b"")

    answers = together(
        [lambda: Phone().send("GET", "/device/state/", b"", headers).status_code] * 4
    )

    assert Counter(answers) == {200: 1, 401: 3}


def test_of_four_phones_with_one_code_one_is_enrolled(
    alice: User, membership: Membership
) -> None:
    _, code = enrolment.start(alice, now=database_now())

    answers = together([lambda: Phone().enrol(code).status_code] * 4)

    assert Counter(answers) == {200: 1, 422: 3}
    assert PhoneDevice.objects.count() == 1


def test_of_four_uses_of_a_one_time_password_one_counts(phone: Phone) -> None:
    code = codes.make(phone.device, now=database_now())

    def use() -> bool:
        return codes.verify(phone.device, code, database_now())

    assert Counter(together([use] * 4)) == {True: 1, False: 3}


def test_of_four_requests_of_other_sessions_one_goes_to_the_phone(
    phone: Phone, membership: Membership
) -> None:
    """STP-10, STP-11: one open challenge a person."""

    def ask(session: str) -> bool:
        member = Membership.objects.select_related("user", "workspace").get(
            pk=membership.pk
        )
        made = confirmations.request_(
            VIEW,
            Subject("7", "okta-sync"),
            by=asker(member, session * 64),
            path="/",
            back_path="/",
            is_step=False,
            now=database_now(),
        )
        return made.number is not None

    assert Counter(together([lambda s=s: ask(s) for s in "abcd"])) == {
        True: 1,
        False: 3,
    }
