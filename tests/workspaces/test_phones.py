"""Keyway on your phone: how it is added, how it calls, what it answers."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from tests import factories
from tests.confirming import Portal, asker, sync_token, with_authenticator
from tests.fakes.phone import Phone, PushBrowser, added, push_browser
from tokens.confirmed import VIEW
from workspaces import confirmations
from workspaces.clock import database_now
from workspaces.confirmable import Asker, Subject
from workspaces.confirmation_errors import NotConfirmed
from workspaces.factors import kinds
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    Confirmation,
    Job,
    Membership,
    PhoneDevice,
    PhoneEnrolment,
    PhoneNonce,
    Role,
    User,
    Workspace,
)
from workspaces.phones import enrolment, requests
from workspaces.phones.errors import EnrolmentOver
from workspaces.phones.requests import Asked

ABOUT = Subject("7", "okta-sync")
State = Confirmation.State


@pytest.fixture
def by(membership: Membership) -> Asker:
    return asker(membership)


@pytest.fixture
def phone(alice: User, membership: Membership) -> Phone:
    return added(alice)


def open_one(by: Asker, **when: Any) -> Confirmation:
    made = confirmations.request_(
        VIEW,
        ABOUT,
        by=by,
        path="/",
        back_path="/",
        is_step=False,
        now=when.get("now") or database_now(),
    )
    made.refresh_from_db()
    return made


def wrong(number: int | None) -> int:
    assert number is not None
    return 10 + (number - 9) % 90


def state_of(made: Confirmation) -> str:
    made.refresh_from_db()
    return made.state


def is_asked(made: Confirmation) -> Asked:
    return requests.asked(made, now=database_now())[0]


class TestAdd:
    def test_code_and_key_make_a_phone_that_waits_for_add(
        self, alice: User, membership: Membership
    ) -> None:
        begun, code = enrolment.start(alice, now=database_now())
        phone = Phone()

        answer = phone.enrol(f" {enrolment.grouped(code).lower()} ")

        assert answer.status_code == 200
        begun.refresh_from_db()
        assert begun.check_number == enrolment.check_number(code, phone.public_key)
        assert phone.state()["phone"]["is_added"] is False
        assert kinds.usable(alice) == []
        enrolment.add(begun, now=database_now())
        assert phone.state()["phone"]["is_added"] is True
        (factor,) = kinds.usable(alice)
        assert (factor.kind, factor.name, factor.may_confirm) == (
            "phone",
            "Pixel 8",
            True,
        )

    def test_code_is_kept_as_a_digest_and_audited_nowhere(
        self, alice: User, membership: Membership
    ) -> None:
        begun, code = enrolment.start(alice, now=database_now())
        Phone().enrol(code)
        begun.refresh_from_db()
        enrolment.add(begun, now=database_now())

        assert code not in begun.digest
        assert code not in json.dumps([e.data for e in AuditEvent.objects.all()])
        event = AuditEvent.objects.get(action="workspaces.factor.added")
        assert (event.target_label, event.data) == ("Pixel 8", {"kind": "phone"})

    def test_code_serves_once(self, alice: User, membership: Membership) -> None:
        _, code = enrolment.start(alice, now=database_now())
        assert Phone().enrol(code).status_code == 200

        second = Phone().enrol(code)

        assert second.status_code == 422
        assert second.json()["error"] == "code"
        assert PhoneDevice.objects.count() == 1

    def test_code_lives_ten_minutes(self, alice: User, membership: Membership) -> None:
        _, code = enrolment.start(alice, now=database_now() - timedelta(minutes=10))

        assert Phone().enrol(code).status_code == 422

    def test_newer_code_ends_the_former(
        self, alice: User, membership: Membership
    ) -> None:
        _, former = enrolment.start(alice, now=database_now())
        enrolment.start(alice, now=database_now())

        assert Phone().enrol(former).status_code == 422

    def test_key_is_proven(self, alice: User, membership: Membership) -> None:
        """Whoever sends the key of another phone cannot sign with it."""
        _, code = enrolment.start(alice, now=database_now())
        body = {"code": code, "key": Phone().public_key, "name": "x"}

        answer = Phone().call("POST", "enrol/", body)

        assert (answer.status_code, answer.json()["error"]) == (401, "signature")
        assert not PhoneDevice.objects.exists()

    @pytest.mark.parametrize("key", ["", "AAAA", "é", "a" * 300])
    def test_key_that_is_none_is_refused(
        self, alice: User, membership: Membership, key: str
    ) -> None:
        _, code = enrolment.start(alice, now=database_now())

        answer = Phone().call("POST", "enrol/", {"code": code, "key": key, "name": ""})

        assert answer.status_code == 422

    def test_add_without_a_phone_or_twice_is_refused(
        self, alice: User, membership: Membership
    ) -> None:
        begun, code = enrolment.start(alice, now=database_now())
        with pytest.raises(EnrolmentOver):
            enrolment.add(begun, now=database_now())
        Phone().enrol(code)
        begun.refresh_from_db()
        enrolment.add(begun, now=database_now())

        with pytest.raises(EnrolmentOver):
            enrolment.add(begun, now=database_now())

    def test_cancelled_phone_is_known_no_more(
        self, alice: User, membership: Membership
    ) -> None:
        begun, code = enrolment.start(alice, now=database_now())
        phone = Phone()
        phone.enrol(code)
        enrolment.cancel(begun)

        answer = phone.call("GET", "state/")

        assert (answer.status_code, answer.json()["error"]) == (401, "unknown")
        assert not PhoneEnrolment.objects.exists()

    def test_phone_that_is_not_added_answers_nothing(
        self, alice: User, by: Asker, phone: Phone
    ) -> None:
        made = open_one(by)
        _, code = enrolment.start(alice, now=database_now())
        other = Phone()
        other.enrol(code)

        answer = other.answer(made.public_id, "approve", number=made.number)

        assert (answer.status_code, answer.json()["error"]) == (403, "not_added")
        assert other.request() is None
        assert state_of(made) == State.PENDING

    def test_stp_14_later_phone_waits_24_hours(
        self, alice: User, membership: Membership
    ) -> None:
        with_authenticator(alice)
        phone = added(alice, is_old=False)
        made = open_one(asker(membership))

        answer = phone.answer(made.public_id, "approve", number=50)

        assert is_asked(made) == Asked.TOO_NEW
        assert made.number is None
        assert answer.status_code == 404
        assert phone.state()["phone"]["confirms_from"]


class TestCalls:
    def test_answer_tells_the_time_of_the_gateway(self, phone: Phone) -> None:
        time = phone.state()["time"] / 1000

        assert abs(time - database_now().timestamp()) < 5

    def test_signature_of_another_key_is_refused(self, phone: Phone) -> None:
        answer = Phone(id=phone.id).call("GET", "state/")

        assert (answer.status_code, answer.json()["error"]) == (401, "signature")

    def test_nonce_counts_once(self, phone: Phone) -> None:
        headers = phone.headers("GET", "/device/state/", b"")
        assert phone.send("GET", "/device/state/", b"", headers).status_code == 200

        again = phone.send("GET", "/device/state/", b"", headers)

        assert (again.status_code, again.json()["error"]) == (401, "replayed")

    def test_replayed_approval_is_refused(self, phone: Phone, by: Asker) -> None:
        first = open_one(by)
        path = f"/device/requests/{first.public_id}/"
        body = json.dumps({"decision": "approve", "number": first.number}).encode()
        headers = phone.headers("POST", path, body)
        assert phone.send("POST", path, body, headers).status_code == 200

        assert phone.send("POST", path, body, headers).json()["error"] == "replayed"

    @pytest.mark.parametrize("minutes", [-3, 3])
    def test_old_call_is_refused(self, phone: Phone, minutes: int) -> None:
        answer = phone.call("GET", "state/", late=timedelta(minutes=minutes))

        assert (answer.status_code, answer.json()["error"]) == (401, "time")
        assert answer.json()["time"] > 0

    def test_body_path_and_method_are_signed(self, phone: Phone, by: Asker) -> None:
        made = open_one(by)
        path = f"/device/requests/{made.public_id}/"
        body = json.dumps({"decision": "deny"}).encode()
        other = json.dumps({"decision": "approve", "number": made.number}).encode()

        answers = [
            phone.send("POST", path, other, phone.headers("POST", path, body)),
            phone.send("POST", path, body, phone.headers("POST", "/device/", body)),
            phone.send("POST", path, body, phone.headers("GET", path, body)),
        ]

        assert {a.status_code for a in answers} == {401}
        assert state_of(made) == State.PENDING

    @pytest.mark.parametrize(
        "changes",
        [
            {"keyway-signature": ""},
            {"keyway-signature": "é"},
            {"keyway-signature": "A" * 86},
            {"keyway-time": "soon"},
            {"keyway-time": "9" * 40},
            {"keyway-nonce": "short"},
            {"keyway-phone": "x"},
        ],
    )
    def test_headers_that_are_none_are_refused(
        self, phone: Phone, changes: dict[str, str]
    ) -> None:
        headers = phone.headers("GET", "/device/state/", b"") | changes

        assert phone.send("GET", "/device/state/", b"", headers).status_code == 401

    def test_session_is_no_way_in(
        self, phone: Phone, alice: User, workspace: Workspace
    ) -> None:
        client = Client()
        client.force_login(alice)

        assert client.get("/device/state/").status_code == 401

    def test_removed_phone_and_deactivated_person_are_out(
        self, alice: User, phone: Phone
    ) -> None:
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert phone.call("GET", "state/").status_code == 401
        User.objects.filter(pk=alice.pk).update(is_active=True)
        phone.device.delete()
        assert phone.call("GET", "state/").json()["error"] == "unknown"

    def test_used_nonces_are_forgotten_when_they_cannot_count(
        self, phone: Phone
    ) -> None:
        PhoneNonce.objects.update(at=database_now() - timedelta(minutes=5))

        phone.state()

        assert PhoneNonce.objects.count() == 1

    @pytest.mark.parametrize(
        "given", [[], {"decision": "maybe"}, {"decision": "approve"}, {"x": "y" * 5000}]
    )
    def test_body_that_is_none_is_refused(
        self, phone: Phone, by: Asker, given: object
    ) -> None:
        made = open_one(by)

        answer = phone.call("POST", f"requests/{made.public_id}/", given)

        assert answer.status_code == 422
        assert state_of(made) == State.PENDING


class TestRequests:
    def test_stp_12_phone_shows_who_asks_for_what_from_where(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by)

        shown = phone.request()

        assert shown is not None
        assert shown["id"] == str(made.public_id)
        assert shown["subject"] == "okta-sync"
        assert shown["workspace"] == "Acme"
        assert shown["browser"] == "Firefox on Linux"
        assert "token" in shown["words"]

    def test_stp_09_phone_is_never_told_the_number(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by)
        text = json.dumps(phone.request())

        assert f'"{made.number}"' not in text
        assert f": {made.number}" not in text

    def test_s0_79_right_number_approves(self, phone: Phone, by: Asker) -> None:
        made = open_one(by)

        answer = phone.answer(made.public_id, "approve", number=made.number)

        assert answer.status_code == 200
        assert state_of(made) == State.APPROVED
        assert (made.method, made.device) == ("phone", phone.id)
        used = confirmations.use(VIEW, ABOUT, by=by, now=database_now())
        assert used.pk == made.pk
        assert phone.request() is None

    def test_stp_09_wrong_number_denies(self, phone: Phone, by: Asker) -> None:
        made = open_one(by)

        answer = phone.answer(made.public_id, "approve", number=wrong(made.number))

        assert (answer.status_code, answer.json()["error"]) == (422, "wrong_number")
        assert state_of(made) == State.DENIED
        again = phone.answer(made.public_id, "approve", number=made.number)
        assert again.status_code == 409
        assert "was denied already" in again.json()["message"]

    def test_approve_after_deny_is_refused_in_words(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by)
        assert phone.answer(made.public_id, "deny").status_code == 200

        answer = phone.answer(made.public_id, "approve", number=made.number)

        assert answer.status_code == 409
        assert "was denied already" in answer.json()["message"]
        with pytest.raises(NotConfirmed):
            confirmations.use(VIEW, ABOUT, by=by, now=database_now())

    def test_stp_04_expired_request_is_refused_in_words(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by, now=database_now() - timedelta(minutes=10))

        answer = phone.answer(made.public_id, "approve", number=made.number)

        assert answer.status_code == 409
        assert "has expired" in answer.json()["message"]
        assert phone.request() is None

    def test_stp_03_used_request_is_refused_in_words(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by)
        phone.answer(made.public_id, "approve", number=made.number)
        confirmations.use(VIEW, ABOUT, by=by, now=database_now())

        answer = phone.answer(made.public_id, "approve", number=made.number)

        assert answer.status_code == 409
        assert "was approved already" in answer.json()["message"]

    def test_cancelled_request_is_refused_in_words(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by)
        confirmations.abandon(made, now=database_now())

        answer = phone.answer(made.public_id, "deny")

        assert answer.status_code == 409
        assert "was cancelled" in answer.json()["message"]

    @pytest.mark.parametrize("decision", ["approve", "deny", "not_me"])
    def test_request_of_somebody_else_is_as_if_it_were_not(
        self, phone: Phone, other_workspace: Workspace, charlie: User, decision: str
    ) -> None:
        theirs = added(charlie)
        member = Membership.objects.get(user=charlie)
        made = open_one(asker(member))

        answer = phone.answer(made.public_id, decision, number=made.number)
        unknown = phone.answer(uuid.uuid4(), decision, number=made.number)

        assert answer.status_code == unknown.status_code == 404
        assert state_of(made) == State.PENDING
        assert theirs.request()
        assert phone.request() is None

    def test_stp_15_role_that_was_taken_away_approves_nothing(
        self, phone: Phone, by: Asker, membership: Membership
    ) -> None:
        made = open_one(by)
        Membership.objects.filter(pk=membership.pk).update(role=Role.MEMBER)

        answer = phone.answer(made.public_id, "approve", number=made.number)

        assert answer.status_code == 409
        assert "your role does not allow" in answer.json()["message"]
        assert state_of(made) == State.PENDING

    def test_stp_11_other_session_gets_no_request_beside_an_open_one(
        self, phone: Phone, by: Asker, membership: Membership
    ) -> None:
        """One open challenge a person: an answer cannot go to the wrong one."""
        mine = open_one(by)

        theirs = open_one(asker(membership, session="b" * 64))

        assert theirs.number is None
        assert is_asked(theirs) == Asked.BUSY
        shown = phone.request()
        assert shown is not None
        assert shown["id"] == str(mine.public_id)
        answer = phone.answer(theirs.public_id, "approve", number=mine.number)
        assert answer.status_code == 404

    def test_stp_10_unwanted_requests_are_few(self, phone: Phone, by: Asker) -> None:
        """3 in 10 minutes, 5 in an hour; the dialog offers other ways then."""
        now = database_now()
        for minutes in (50, 40):
            confirmations.abandon(
                open_one(by, now=now - timedelta(minutes=minutes)), now=now
            )
        sent = [open_one(by) for _ in range(4)]

        assert [made.number is not None for made in sent] == [True, True, True, False]
        assert is_asked(sent[-1]) == Asked.LIMIT
        Confirmation.objects.exclude(pk=sent[-1].pk).filter(
            created_at__gt=now - timedelta(minutes=10)
        ).update(created_at=now - timedelta(minutes=15))
        assert open_one(by).number is None, "5 in an hour"

    def test_approved_requests_do_not_count_as_unwanted(
        self, phone: Phone, by: Asker
    ) -> None:
        for _ in range(6):
            made = open_one(by)
            answer = phone.answer(made.public_id, "approve", number=made.number)
            assert answer.status_code == 200

    def test_s0_80_without_a_phone_no_request_goes_out(self, by: Asker) -> None:
        made = open_one(by)

        assert made.number is None
        assert is_asked(made) == Asked.NO_PHONE


class TestNotMe:
    def portal(self, alice: User, workspace: Workspace) -> Portal:
        client = Client(headers={"user-agent": "Mozilla/5.0 (Windows) Firefox/150"})
        client.force_login(alice)
        return Portal(client, sync_token(workspace)[0])

    def test_it_denies_tells_and_ends_the_asking_session(
        self, alice: User, workspace: Workspace, phone: Phone
    ) -> None:
        """STP-10: the thief's session goes, the person's own stays."""
        factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        factories.MembershipFactory(workspace=workspace, role=Role.AUDITOR)
        thief = self.portal(alice, workspace)
        own = Client()
        own.force_login(alice)
        thief.view()
        made = thief.latest()

        assert phone.answer(made.public_id, "not_me").status_code == 200

        assert state_of(made) == State.DENIED
        assert thief.client.get("/members/").status_code == 302
        assert own.get("/members/").status_code == 200
        event = AuditEvent.objects.get(action="workspaces.phone.reported_not_me")
        assert event.workspace == workspace
        assert event.data["session ended"] is True
        assert event.data["browser"] == "Firefox on Windows"
        Worker(threads=1).drain()
        (letter,) = [m for m in mail.outbox if "It is not me" in m.subject]
        assert alice.email in letter.recipients()
        assert len(letter.recipients()) == 2, "the person and the other administrator"
        assert "session that asked was ended" in letter.body
        assert str(made.number) not in letter.subject

    def test_it_finds_the_session_under_its_new_id(
        self, alice: User, workspace: Workspace, phone: Phone
    ) -> None:
        thief = self.portal(alice, workspace)
        thief.view()
        session = thief.client.session
        session.cycle_key()
        thief.client.cookies["keyway_session"] = session.session_key

        phone.answer(thief.latest().public_id, "not_me")

        assert thief.client.get("/members/").status_code == 302
        assert not Session.objects.exists()

    def test_it_counts_for_a_request_that_is_over_but_once(
        self, phone: Phone, by: Asker
    ) -> None:
        made = open_one(by, now=database_now() - timedelta(minutes=11))

        assert phone.answer(made.public_id, "not_me").status_code == 200
        again = phone.answer(made.public_id, "not_me")

        assert again.status_code == 409
        assert "was reported already" in again.json()["message"]
        assert Job.objects.filter(kind="workspaces.tell_of_not_me").count() == 1


class TestPush:
    @pytest.fixture
    def browser(self, phone: Phone) -> Any:
        with push_browser() as browser:
            assert phone.subscribe(browser).json()["has_push"] is True
            yield browser

    def test_s0_77_message_says_that_a_request_waits_and_no_more(
        self, phone: Phone, by: Asker, browser: PushBrowser
    ) -> None:
        made = open_one(by)

        Worker(threads=1).drain()

        ((headers, body),) = browser.heard
        assert json.loads(browser.read(body)) == {"request": str(made.public_id)}
        assert headers["authorization"].startswith("vapid t=")
        assert headers["content-encoding"] == "aes128gcm"
        assert 0 < int(headers["ttl"]) <= 600
        assert Job.objects.get(kind=requests.PUSH).state == Job.State.COMPLETED

    def test_job_is_made_with_the_confirmation_or_not_at_all(
        self, phone: Phone, by: Asker, browser: PushBrowser
    ) -> None:
        made = open_one(by)

        job = Job.objects.get(kind=requests.PUSH)
        assert job.subject == f"{made.public_id}:{phone.id}"
        assert browser.heard == []

    def test_subscription_is_sealed_at_rest(
        self, phone: Phone, browser: PushBrowser
    ) -> None:
        assert "127.0.0.1" not in phone.device.sealed_push
        assert phone.device.sealed_push.startswith("v1.")

    @pytest.mark.parametrize("status", [404, 410])
    def test_subscription_that_is_gone_is_removed(
        self, phone: Phone, by: Asker, browser: PushBrowser, status: int
    ) -> None:
        browser.status = status
        open_one(by)

        Worker(threads=1).drain()

        assert phone.device.sealed_push == ""
        assert phone.state()["phone"]["has_push"] is False

    @pytest.mark.parametrize("status", [429, 500])
    def test_stp_17_push_service_that_is_down_changes_nothing(
        self, phone: Phone, by: Asker, browser: PushBrowser, status: int
    ) -> None:
        browser.status = status
        made = open_one(by)

        Worker(threads=1).drain()

        assert Job.objects.get(kind=requests.PUSH).state == Job.State.RETRYING
        assert state_of(made) == State.PENDING
        assert phone.request(), "the phone asks for itself"

    def test_request_that_is_over_is_not_sent(
        self, phone: Phone, by: Asker, browser: PushBrowser
    ) -> None:
        confirmations.abandon(open_one(by), now=database_now())

        Worker(threads=1).drain()

        assert browser.heard == []

    @pytest.mark.parametrize(
        "endpoint", ["http://10.0.0.1/x", "https://169.254.169.254/latest/"]
    )
    def test_address_inside_is_never_called(
        self, phone: Phone, by: Asker, endpoint: str
    ) -> None:
        browser = PushBrowser(url=endpoint)
        assert phone.subscribe(browser).status_code == 200
        open_one(by)

        Worker(threads=1).drain()

        job = Job.objects.get(kind=requests.PUSH)
        assert job.state == Job.State.NOT_COMPLETED
        assert "not allowed" in job.error
        assert endpoint not in job.error
        assert phone.device.sealed_push == ""

    @pytest.mark.parametrize(
        "change",
        [
            {"endpoint": "ftp://x.test/"},
            {"endpoint": "https://a:b@x.test/"},
            {"endpoint": "https://x.test/" + "a" * 1000},
            {"endpoint": 3},
            {"keys": {}},
            {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        ],
    )
    def test_subscription_that_is_none_is_refused(
        self, phone: Phone, change: dict[str, object]
    ) -> None:
        given = PushBrowser(url="https://push.test/x").subscription | change

        answer = phone.call("POST", "subscription/", {"subscription": given})

        assert answer.status_code == 422

    def test_phone_can_take_its_subscription_back(
        self, phone: Phone, browser: PushBrowser
    ) -> None:
        answer = phone.call("POST", "subscription/", {"subscription": None})

        assert answer.json()["has_push"] is False
        assert phone.device.sealed_push == ""

    def test_without_a_key_the_phone_asks_for_itself(
        self, phone: Phone, by: Asker, browser: PushBrowser, settings: Any
    ) -> None:
        settings.KEYWAY_PUSH_IS_ON = False

        made = open_one(by)

        assert not Job.objects.filter(kind=requests.PUSH).exists()
        state = phone.state()
        assert state["phone"]["has_push"] is False
        assert state["request"]["id"] == str(made.public_id)


class TestCodes:
    def test_code_of_a_phone_logs_in_once(self, alice: User, phone: Phone) -> None:
        code = phone.call("POST", "code/", {}).json()["code"]
        client = Client()
        client.post(
            "/login/", {"username": alice.email, "password": factories.PASSWORD}
        )

        done = client.post("/login/second-step/", {"factor": phone.id, "code": code})

        assert done.status_code == 302
        assert client.get("/members/").status_code == 200
        again = Client()
        again.post("/login/", {"username": alice.email, "password": factories.PASSWORD})
        answer = again.post("/login/second-step/", {"factor": phone.id, "code": code})
        assert answer.status_code == 422

    def test_code_lives_two_minutes(self, phone: Phone) -> None:
        code = phone.call("POST", "code/", {}).json()["code"]
        PhoneDevice.objects.update(code_expires_at=database_now())

        assert not enrolment.KIND_OF.verify(phone.device, code, database_now())  # type: ignore[misc]

    def test_code_of_another_phone_is_wrong(self, alice: User, phone: Phone) -> None:
        other = added(alice, "Second")
        code = other.call("POST", "code/", {}).json()["code"]
        phone.call("POST", "code/", {})

        assert not enrolment.KIND_OF.verify(phone.device, code, database_now())  # type: ignore[misc]
