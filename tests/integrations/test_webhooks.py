"""Signed webhooks: from an event of the audit log to a real receiver on loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction

from integrations.audit import Action
from integrations.connectors.base import Misconfigured
from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import announcing, delivering, endpoints, events, sending
from integrations.webhooks.endpoints import NewSecret, TooMany, TurnedOff
from tests import factories
from tests.fakes.webhook_receiver import Receiver, receiving
from tokens import quarantine, watch
from tokens.services import Overlap
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

Work = Callable[..., None]
ROOT = Path(__file__).parents[2]
State = WebhookDelivery.State


@pytest.fixture(scope="module")
def running() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(running: Receiver) -> Receiver:
    running.received.clear()
    running.answers.clear()
    return running


@pytest.fixture
def made(workspace: Workspace, alice: User, receiver: Receiver) -> NewSecret:
    """An endpoint that hears of everything, and its secret."""
    return endpoints.add(
        workspace,
        url=f"{receiver.base_url}/hooks/T1?sig=abc",
        chosen=events.NAMES,
        actor=alice,
        now=database_now(),
    )


@pytest.fixture
def endpoint(made: NewSecret) -> WebhookEndpoint:
    return made.endpoint


def quarantined(directory: Directory, actor: User) -> None:
    quarantine.begin(directory, actor=actor, now=database_now())


def delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_event_reaches_the_receiver_signed(
    made: NewSecret, directory: Directory, alice: User, receiver: Receiver, work: Work
) -> None:
    quarantined(directory, alice)

    work()

    [got] = receiver.received
    assert got.path == "/hooks/T1?sig=abc"
    assert got.is_signed_with(made.secret)
    assert not got.is_signed_with("whsec_" + "A" * 43 + "=")
    assert got.message["type"] == "token.quarantined"
    assert got.message["data"]["actor"] == "Alice"
    assert got.message["data"]["connection"] == {
        "id": directory.key,
        "name": "Acme Demo",
        "url": "http://testserver/integrations/"
        f"{directory.key}/settings/connected-services/",
    }
    event = AuditEvent.objects.get(action="tokens.directory.quarantined")
    assert got.headers["webhook-id"] == f"msg_{event.public_id.hex}"
    found = delivery()
    assert (found.state, found.status, found.attempts) == (State.DELIVERED, 200, 1)


def test_s0_108_reminder_of_the_end_is_a_message(
    endpoint: WebhookEndpoint,
    directory: Directory,
    workspace: Workspace,
    receiver: Receiver,
    work: Work,
) -> None:
    """S0-108: reminded of before the end, by webhook too."""
    now = database_now()
    token = factories.issue_token(directory).token
    type(token).objects.filter(pk=token.pk).update(
        created_at=now - timedelta(days=700), expires_at=now + timedelta(days=6)
    )

    watch.watch(Job(workspace=workspace))
    work()

    heard = [got.message for got in receiver.received]
    [reminder] = [each for each in heard if each["type"] == "token.expiring"]
    assert reminder["data"]["details"]["days"] == 7
    assert reminder["data"]["target"]["id"] == token.key


def test_s0_128_message_holds_no_value(
    endpoint: WebhookEndpoint, directory: Directory, receiver: Receiver, work: Work
) -> None:
    issued = factories.issue_token(directory)

    work()

    [got] = receiver.received
    assert got.message["type"] == "token.generated"
    assert issued.plaintext not in got.body.decode()
    assert issued.token.digest not in got.body.decode()


def test_what_is_undone_is_not_told(
    endpoint: WebhookEndpoint, directory: Directory, alice: User
) -> None:
    with transaction.atomic():
        quarantined(directory, alice)
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()
    assert not Job.objects.filter(kind=endpoints.DELIVER).exists()


def test_only_chosen_events_of_the_own_workspace_are_sent(
    endpoint: WebhookEndpoint,
    directory: Directory,
    other_workspace: Workspace,
    alice: User,
    charlie: User,
) -> None:
    endpoints.change(endpoint, url=endpoint.url, chosen=["job.dead"], actor=alice)
    endpoints.add(
        other_workspace,
        url="https://hooks.example.com/",
        chosen=events.NAMES,
        actor=charlie,
        now=database_now(),
    )

    quarantined(directory, alice)

    assert not WebhookDelivery.objects.exists()


def test_failure_is_tried_again_with_the_same_id(
    made: NewSecret, directory: Directory, alice: User, receiver: Receiver, work: Work
) -> None:
    receiver.will_answer(500)
    quarantined(directory, alice)

    work()

    waiting = delivery()
    assert (waiting.state, waiting.status) == (State.WAITING, 500)
    assert waiting.error == "The endpoint answered 500. It must answer with 2xx."
    job = Job.objects.get(kind=endpoints.DELIVER)
    assert job.state == Job.State.RETRYING
    assert WebhookEndpoint.objects.get().failing_since is not None

    work(waiting=True)

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.is_signed_with(made.secret)
    assert (delivery().state, delivery().attempts) == (State.DELIVERED, 2)
    assert WebhookEndpoint.objects.get().failing_since is None


def test_wish_to_wait_is_kept(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
) -> None:
    receiver.will_answer(429, Retry_After="1800")
    quarantined(directory, alice)

    work()

    due = Job.objects.get(kind=endpoints.DELIVER).due_at
    assert due > database_now() + timedelta(minutes=29)


def test_redirect_is_not_followed(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
) -> None:
    """CON-03: the signed message stays with the address that was entered."""
    receiver.will_answer(307, Location="/elsewhere")
    quarantined(directory, alice)

    work()

    assert [got.path for got in receiver.received] == ["/hooks/T1?sig=abc"]
    assert delivery().status == 307
    assert "Enter the address that it redirects to." in delivery().error


def test_slow_receiver_is_left_and_tried_again(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    receiver.go_on.clear()
    quarantined(directory, alice)

    work()
    receiver.go_on.set()

    assert delivery().status is None
    assert "did not answer within" in delivery().error
    assert delivery().state == State.WAITING


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://169.254.169.254/latest", "is not allowed"),
        ("https://10.0.0.7/hook", "is not allowed"),
        ("https://user:pass@hooks.example.com/", "neither a user name nor a #"),
        ("ftp://hooks.example.com/", "begins with https://"),
        ("https://hooks.example.com/ a", "no address that Keyway can send to"),
        ("https://[::1", "no address that Keyway can send to"),
        ("hooks.example.com", "no address that Keyway can send to"),
    ],
)
def test_address_is_checked_by_the_rules_of_connectors(url: str, said: str) -> None:
    """CON-01: on save."""
    with pytest.raises(Misconfigured, match=said):
        sending.check_url(url)


def test_name_that_leads_inside_is_refused_when_it_is_called(
    settings: object, receiver: Receiver
) -> None:
    """CON-01: the rule is applied to the address that is dialled, not to the name."""
    settings.KEYWAY_ALLOWED_NETWORKS = []  # type: ignore[attr-defined]
    port = receiver.base_url.rpartition(":")[2]

    outcome = sending.send(f"https://localhost:{port}/", b"{}", {})

    assert "The address is not allowed." in outcome.error
    assert not receiver.received


def test_every_attempt_has_its_time_and_the_last_one_is_told(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
) -> None:
    quarantined(directory, alice)
    for _ in range(delivering.MAX_FAILURES):
        receiver.will_answer(503)
        work(waiting=True)

    assert (delivery().state, delivery().attempts) == (State.FAILED, 10)
    assert sum(delivering.WAITS, timedelta()) > timedelta(days=3)
    gave_up = AuditEvent.objects.get(action=audit.Work.GAVE_UP)
    assert gave_up.data["kind"] == endpoints.DELIVER
    # Not told to the endpoint that does not answer.
    assert WebhookDelivery.objects.count() == 1


def test_endpoint_that_fails_for_five_days_is_turned_off_with_one_mail(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
) -> None:
    receiver.will_answer(500)
    quarantined(directory, alice)
    work()
    WebhookEndpoint.objects.update(failing_since=database_now() - timedelta(days=5))
    quarantine.end(directory, actor=alice)
    receiver.will_answer(500)

    work(waiting=True)
    work(waiting=True)

    off = WebhookEndpoint.objects.get()
    assert off.turned_off_at is not None
    assert "failed for 5 days" in off.turned_off_reason
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"failed"}
    [sent] = mail.outbox
    assert sent.subject == f"Webhooks to {off.origin} are turned off"
    assert "sig=abc" not in sent.body
    count = len(receiver.received)
    quarantined(directory, alice)
    work(waiting=True)
    assert len(receiver.received) == count


def test_answer_gone_turns_it_off(
    endpoint: WebhookEndpoint,
    directory: Directory,
    alice: User,
    receiver: Receiver,
    work: Work,
) -> None:
    receiver.will_answer(410)
    quarantined(directory, alice)

    work()

    off = WebhookEndpoint.objects.get()
    assert off.turned_off_reason == "It answered 410: it wants no more messages."
    assert delivery().state == State.FAILED

    endpoints.turn_on(off, actor=alice)
    announcing.send_again(delivery())
    work()

    assert delivery().state == State.DELIVERED


@pytest.mark.parametrize(
    ("overlap", "old_signs"), [(Overlap.NOW, False), (Overlap.DAY, True)]
)
def test_replaced_secret_signs_during_the_overlap(
    made: NewSecret,
    alice: User,
    receiver: Receiver,
    work: Work,
    overlap: Overlap,
    old_signs: bool,
) -> None:
    new = endpoints.replace_secret(
        made.endpoint, overlap=overlap, actor=alice, now=database_now()
    )
    announcing.send_test(new.endpoint)

    work()

    [got] = receiver.received
    assert got.is_signed_with(new.secret)
    assert got.is_signed_with(made.secret) is old_signs


def test_former_secret_ends_by_itself(made: NewSecret, alice: User) -> None:
    now = database_now()
    new = endpoints.replace_secret(
        made.endpoint, overlap=Overlap.DAY, actor=alice, now=now
    )
    later = now + timedelta(hours=25)

    assert endpoints.signing_secrets(new.endpoint, now=later) == [new.secret]

    WebhookEndpoint.objects.update(former_ends_at=now)
    delivering.prune(Job(workspace=made.endpoint.workspace))

    assert WebhookEndpoint.objects.get().sealed_former_secret == ""


def test_s0_128_secrets_are_sealed(made: NewSecret) -> None:
    stored = WebhookEndpoint.objects.get()

    assert made.secret not in stored.sealed_secret
    assert made.secret not in repr(made)
    assert made.secret.removeprefix("whsec_") not in str(
        list(AuditEvent.objects.values())
    )


def test_nothing_is_sent_by_hand_while_it_is_off(
    endpoint: WebhookEndpoint, alice: User
) -> None:
    endpoints.turn_off(endpoint, "Alice.", actor=alice, now=database_now())

    with pytest.raises(TurnedOff):
        announcing.send_test(endpoint)


def test_workspace_has_no_endless_list(
    endpoint: WebhookEndpoint,
    workspace: Workspace,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)

    with pytest.raises(TooMany):
        endpoints.add(
            workspace,
            url="https://hooks.example.com/",
            chosen=["job.dead"],
            actor=alice,
            now=database_now(),
        )


def test_deleted_endpoint_leaves_no_work(
    endpoint: WebhookEndpoint, directory: Directory, alice: User, work: Work
) -> None:
    quarantined(directory, alice)

    endpoints.delete(endpoint, actor=alice, now=database_now())
    work()

    assert Job.objects.get(kind=endpoints.DELIVER).state == Job.State.NOT_COMPLETED
    assert AuditEvent.objects.filter(action=Action.WEBHOOK_DELETED).exists()


def test_job_that_is_given_up_is_an_event(
    endpoint: WebhookEndpoint, workspace: Workspace
) -> None:
    now = database_now()
    jobs.enqueue(
        "tests.kind",
        workspace=workspace,
        subject="x",
        trigger=Job.Trigger.SCHEDULE,
        now=now,
    )
    job = leases.claim(worker="w", now=now)
    assert job is not None

    leases.give_up(job, "The app refuses it.", now=now)

    found = delivery()
    assert found.event == "job.dead"
    assert "The app refuses it." in found.body


def test_old_deliveries_are_deleted(
    endpoint: WebhookEndpoint, workspace: Workspace
) -> None:
    announcing.send_test(endpoint)
    WebhookDelivery.objects.update(
        created_at=database_now() - timedelta(days=400), state=State.DELIVERED
    )

    assert delivering.prune(Job(workspace=workspace)) == {"deleted": 1}


def test_every_event_type_is_an_action_that_is_recorded() -> None:
    actions = [str(a) for each in events.EVENT_TYPES for a in each.actions]

    assert set(actions) <= set(audit.registered())
    assert len(set(actions)) == len(actions)


def test_example_of_the_documentation_verifies(
    made: NewSecret, receiver: Receiver, work: Work
) -> None:
    page = (ROOT / "docs/howto/webhooks.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    announcing.send_test(made.endpoint)

    work()

    [got] = receiver.received
    verify = names["is_from_keyway"]
    assert verify(got.headers, got.body, made.secret)
    assert not verify(got.headers, got.body + b" ", made.secret)
    old = {**got.headers, "webhook-timestamp": "1700000000"}
    assert not verify(old, got.body, made.secret)


def test_every_event_type_is_described_and_no_other() -> None:
    page = (ROOT / "docs/reference/webhooks.md").read_text()
    table = page.partition("## Event types")[2].partition("`webhook.test`")[0]

    described = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", table, re.MULTILINE)

    assert described == [(each.name, each.label) for each in events.EVENT_TYPES]


@pytest.mark.django_db(transaction=True)
def test_endpoint_that_is_deleted_while_it_is_told_of_something_hurts_nobody(
    endpoint: WebhookEndpoint, directory: Directory, alice: User
) -> None:
    def delete() -> None:
        try:
            endpoints.delete(endpoint, actor=alice, now=database_now())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            quarantined(directory, alice)
            deleting = pool.submit(delete)
            wait([deleting], timeout=0.5)
        deleting.result(30)

    directory.refresh_from_db()
    assert directory.quarantined_at is not None
    assert not WebhookDelivery.objects.exists()


def test_what_is_asked_of_a_deleted_endpoint_is_refused_in_words(
    endpoint: WebhookEndpoint, directory: Directory, alice: User
) -> None:
    quarantined(directory, alice)
    sent = WebhookDelivery.objects.select_related("endpoint").get()
    endpoints.delete(endpoint, actor=alice, now=database_now())

    endpoints.delete(endpoint, actor=alice, now=database_now())
    with pytest.raises(TurnedOff):
        announcing.send_test(endpoint)
    with pytest.raises(TurnedOff):
        announcing.send_again(sent)

    assert AuditEvent.objects.filter(action=Action.WEBHOOK_DELETED).count() == 1
