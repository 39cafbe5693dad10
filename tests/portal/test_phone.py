"""Add your phone and the dialog that asks it, without scripts; the phone's own page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.confirming import Portal, sync_token, with_authenticator
from tests.fakes.phone import Phone, added
from tokens.models import ScimToken
from workspaces.models import (
    AuditEvent,
    Confirmation,
    Membership,
    PhoneDevice,
    PhoneEnrolment,
    User,
    Workspace,
)

START = "/security/phones/new/"


def text(answer: Any) -> str:
    return answer.content.decode()


def code_on(page: Any) -> str:
    found = re.search(r'id="phone-code"\s+value="([A-Z2-9-]+)"', text(page))
    assert found
    return found[1]


class TestAddYourPhone:
    def test_security_offers_it(self, alice_client: Client) -> None:
        page = text(alice_client.get("/security/"))

        assert "Keyway on your phone" in page
        assert f'action="{START}"' in page

    def test_without_scripts(self, alice_client: Client, alice: User) -> None:
        shown = alice_client.post(START)
        assert shown.status_code == 200
        assert "<svg" in text(shown)
        begun = PhoneEnrolment.objects.get()
        url = f"/security/phones/{begun.public_id}/"
        assert "Waiting for your phone" in text(alice_client.get(url))

        phone = Phone()
        assert phone.enrol(code_on(shown)).status_code == 200
        compare = text(alice_client.get(url))
        begun.refresh_from_db()
        number = f"{begun.check_number[:3]} {begun.check_number[3:]}"
        assert number in compare
        assert "Pixel 8" in compare
        done = alice_client.post(url, {"decision": "add"}, follow=True)

        assert "Pixel 8 is added." in text(done)
        assert phone.state()["phone"]["is_added"] is True

    def test_code_is_shown_once_and_kept_nowhere(self, alice_client: Client) -> None:
        shown = alice_client.post(START)
        code = code_on(shown)
        url = f"/security/phones/{PhoneEnrolment.objects.get().public_id}/"

        assert "no-store" in shown["Cache-Control"]
        assert code not in text(alice_client.get(url))
        plain = code.replace("-", "")
        assert plain not in PhoneEnrolment.objects.get().digest

    def test_poll_waits_without_words(self, alice_client: Client) -> None:
        shown = alice_client.post(START)
        url = f"/security/phones/{PhoneEnrolment.objects.get().public_id}/?poll"
        htmx = {"hx-request": "true"}
        assert alice_client.get(url, headers=htmx).status_code == 204

        Phone().enrol(code_on(shown))
        assert "Is <bdi>Pixel 8</bdi>" in " ".join(
            text(alice_client.get(url, headers=htmx)).split()
        )
        PhoneEnrolment.objects.all().delete()
        assert "This code is over" in text(alice_client.get(url, headers=htmx))

    def test_cancel_drops_the_phone(self, alice_client: Client) -> None:
        Phone().enrol(code_on(alice_client.post(START)))
        url = f"/security/phones/{PhoneEnrolment.objects.get().public_id}/"

        done = alice_client.post(url, {"decision": "cancel"}, follow=True)

        assert "No phone was added." in text(done)
        assert not PhoneDevice.objects.exists()
        assert alice_client.post(url, {"decision": "add"}).status_code == 404

    def test_other_person_finds_nothing(self, alice_client: Client, bob: User) -> None:
        Phone().enrol(code_on(alice_client.post(START)))
        url = f"/security/phones/{PhoneEnrolment.objects.get().public_id}/"
        client = Client()
        client.force_login(bob)

        assert client.get(url).status_code == 404
        assert client.post(url, {"decision": "add"}).status_code == 404
        assert not PhoneDevice.objects.filter(confirmed=True).exists()

    def test_stp_14_who_has_a_factor_proves_it_first(
        self, alice_client: Client, alice: User
    ) -> None:
        with_authenticator(alice)

        answer = alice_client.post(START)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/security/confirm/")
        assert not PhoneEnrolment.objects.exists()

    def test_phone_can_be_renamed_and_deleted(
        self, alice_client: Client, alice: User
    ) -> None:
        phone = added(alice)
        code = phone.call("POST", "code/", {}).json()["code"]
        proven = alice_client.post(
            "/security/confirm/", {"factor": phone.id, "code": code}
        )
        assert proven.status_code == 302

        alice_client.post(f"/security/factors/{phone.id}/rename/", {"name": "My phone"})
        assert phone.state()["phone"]["name"] == "My phone"
        alice_client.post(f"/security/factors/{phone.id}/delete/")

        assert phone.call("GET", "state/").json()["error"] == "unknown"


class TestDialog:
    @pytest.fixture
    def portal(self, alice_client: Client, workspace: Workspace) -> Portal:
        return Portal(alice_client, sync_token(workspace)[0])

    def test_s0_77_view_token_asks_the_phone_at_once(
        self, portal: Portal, alice: User
    ) -> None:
        added(alice)

        page = text(portal.view())

        number = portal.latest().number
        assert "A request was sent to <bdi>Pixel 8</bdi>" in page
        assert f'<p class="number">{number}</p>' in page
        assert "Try another way" in page

    def test_s0_78_value_is_not_sent_before_the_phone_approves(
        self, alice_client: Client, alice: User, workspace: Workspace
    ) -> None:
        token, value = sync_token(workspace)
        portal = Portal(alice_client, token)
        phone = added(alice)
        assert value not in text(portal.view())
        made = portal.latest()
        waiting = alice_client.get(f"/confirmations/{made.public_id}/?poll")
        assert waiting.status_code == 204

        phone.answer(made.public_id, "approve", number=made.number)

        after = alice_client.get(f"/confirmations/{made.public_id}/")
        assert value not in text(after)
        assert value in text(portal.show(made))

    def test_s0_80_without_a_phone_it_says_how_to_set_one_up(
        self, portal: Portal, alice: User
    ) -> None:
        with_authenticator(alice)

        page = text(portal.view())

        assert "You have not set it up" in page
        assert 'href="/security/"' in page
        assert "One-time password" in page

    def test_s0_80_without_any_factor_the_phone_is_named(self, portal: Portal) -> None:
        assert "Keyway on your phone" in text(portal.view())

    def test_denied_on_the_phone_is_said_on_the_computer(
        self, portal: Portal, alice: User
    ) -> None:
        phone = added(alice)
        portal.view()
        made = portal.latest()
        phone.answer(made.public_id, "deny")

        page = text(portal.client.get(f"/confirmations/{made.public_id}/?poll"))

        assert "It was denied." in page
        assert portal.show(made).status_code == 403

    def test_other_session_is_told_that_one_waits(
        self, portal: Portal, alice: User, workspace: Workspace
    ) -> None:
        added(alice)
        portal.view()
        other = Client()
        other.force_login(alice)
        there = Portal(other, ScimToken.objects.get())

        page = text(there.view())

        assert "Another one waits there" in page
        assert Confirmation.objects.exclude(number=None).count() == 1

    def test_stp_10_limit_is_said_and_other_ways_are_offered(
        self, portal: Portal, alice: User
    ) -> None:
        added(alice)
        for _ in range(4):
            page = text(portal.view())

        assert "Several were not approved lately" in page
        assert "One-time password" in page

    def test_resend_asks_anew_with_another_number(
        self, portal: Portal, alice: User
    ) -> None:
        phone = added(alice)
        assert "Resend" in text(portal.view())
        first = portal.latest()

        answer = portal.client.post(f"/confirmations/{first.public_id}/resend/")

        again = portal.latest()
        assert answer["Location"] == f"/confirmations/{again.public_id}/"
        first.refresh_from_db()
        assert first.state == Confirmation.State.ABANDONED
        assert (again.action, again.subject) == (first.action, first.subject)
        shown = phone.request()
        assert shown is not None
        assert shown["id"] == str(again.public_id)
        assert (
            phone.answer(first.public_id, "approve", number=first.number).status_code
            == 409
        )
        phone.answer(again.public_id, "approve", number=again.number)
        assert portal.show(again).status_code == 200

    def test_stp_10_resend_keeps_to_the_limits_of_requests(
        self, portal: Portal, alice: User
    ) -> None:
        """Three in ten minutes; the one that waits can still be answered."""
        phone = added(alice)
        portal.view()
        for _ in range(2):
            portal.client.post(f"/confirmations/{portal.latest().public_id}/resend/")
        last = portal.latest()

        refused = portal.client.post(f"/confirmations/{last.public_id}/resend/")

        assert refused.status_code == 429
        assert "This is the last request for now." in text(refused)
        assert ">Resend<" not in text(refused)
        assert portal.latest() == last
        assert Confirmation.objects.count() == 3
        phone.answer(last.public_id, "approve", number=last.number)
        assert portal.show(last).status_code == 200

    def test_resend_of_what_is_over_sends_nothing(
        self, portal: Portal, alice: User
    ) -> None:
        phone = added(alice)
        portal.view()
        made = portal.latest()
        phone.answer(made.public_id, "deny")

        answer = portal.client.post(f"/confirmations/{made.public_id}/resend/")

        assert answer.status_code == 409
        assert Confirmation.objects.count() == 1

    def test_stp_19_session_id_changes_when_the_phone_approved(
        self, portal: Portal, alice: User
    ) -> None:
        phone = added(alice)
        portal.view()
        made = portal.latest()
        before = portal.client.session.session_key
        phone.answer(made.public_id, "approve", number=made.number)

        portal.client.get(f"/confirmations/{made.public_id}/")

        assert portal.client.session.session_key != before


class TestPageOfThePhone:
    def test_it_is_the_same_for_everybody(self, alice_client: Client) -> None:
        mine, theirs = (c.get("/device/") for c in (alice_client, Client()))

        assert mine.content == theirs.content
        assert not theirs.cookies

    def test_policy_allows_manifest_and_worker_and_nothing_inline(
        self, db: None
    ) -> None:
        answer = Client().get("/device/")
        policy = answer["Content-Security-Policy"]

        assert "manifest-src 'self'" in policy
        assert "worker-src 'self'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in text(answer)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text(answer))

    def test_manifest_makes_it_installable(self, db: None) -> None:
        answer = Client().get("/device/app.webmanifest")
        manifest = json.loads(answer.content)

        assert answer["Content-Type"] == "application/manifest+json"
        assert manifest["scope"] == manifest["start_url"] == "/device/"
        assert {i["sizes"] for i in manifest["icons"]} == {"192x192", "512x512"}

    def test_worker_names_every_file_of_the_page(self, db: None) -> None:
        answer = Client().get("/device/worker.js")
        page = text(Client().get("/device/"))
        needed = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css|svg|png))"', page)

        assert answer["Content-Type"].startswith("text/javascript")
        assert needed
        assert [path for path in needed if f'"{path}"' not in text(answer)] == []


def test_two_steps_can_be_set_up_with_a_phone_alone(workspace: Workspace) -> None:
    """Who must have a second factor can begin with a phone."""
    workspace.require_two_steps = True
    workspace.save()
    user = factories.UserFactory()
    Membership.objects.create(workspace=workspace, user=user, role="admin")
    client = Client()
    client.force_login(user)
    assert client.get("/members/").status_code == 302

    shown = client.post(START)
    assert shown.status_code == 200
    Phone().enrol(code_on(shown))
    url = f"/security/phones/{PhoneEnrolment.objects.get().public_id}/"
    client.post(url, {"decision": "add"})

    assert client.get("/members/").status_code == 200
    event = AuditEvent.objects.get(action="workspaces.factor.added")
    assert event.data == {"kind": "phone"}
