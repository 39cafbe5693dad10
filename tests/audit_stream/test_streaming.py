"""Streams to real listeners: nothing lost, what was lost on the way is sent again."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from pytest_django import DjangoAssertNumQueries, Settings

from integrations.audit_stream import sending, services, streaming
from integrations.models import AuditStream
from tests import tls
from tests.audit_stream.conftest import Stream, work, write_events
from tests.audit_stream.receivers import HttpReceiver, SyslogReceiver
from tests.fakes.raw_server import serving
from workspaces import audit_chain, leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User, Workspace


def test_tcp_takes_every_event_once_and_in_order(
    workspace: Workspace, stream_to: Stream
) -> None:
    receiver = SyslogReceiver()
    write_events(workspace, 130)
    with serving(receiver) as port:
        stream = stream_to("tcp", f"127.0.0.1:{port}", "cef")

        job = work(workspace)

    stream.refresh_from_db()
    assert job.state == Job.State.COMPLETED
    assert receiver.sequences == list(range(1, stream.sequence + 1))
    assert stream.sequence == work_left(stream)
    assert (
        b"CEF:0|Keyway|Keyway|1|workspaces.member.left|Member left|"
        in (receiver.received[5])
    )


def work_left(stream: AuditStream) -> int:
    """Return the length of the chain: what the cursor should stand at."""
    return int(stream.workspace.audit_chain.length)  # type: ignore[attr-defined]


def test_batch_of_a_broken_connection_is_sent_again(
    workspace: Workspace, stream_to: Stream
) -> None:
    receiver = SyslogReceiver(drops=1)
    write_events(workspace, 3)
    with serving(receiver) as port:
        stream = stream_to("tcp", f"127.0.0.1:{port}", "cef")

        first = work(workspace)
        stream.refresh_from_db()
        at_first = (first.state, stream.sequence, stream.failures, stream.last_error)
        second = work(workspace)

    stream.refresh_from_db()
    assert at_first[:3] == (Job.State.RETRYING, 0, 1)
    assert "broke the connection off" in at_first[3]
    assert second.state == Job.State.COMPLETED
    assert receiver.sequences == list(range(1, stream.sequence + 1))
    assert (stream.failures, stream.failing_since, stream.last_error) == (0, None, "")


def authority_of(certificate: Path) -> str:
    """Return the certificate of a file that holds its key before it."""
    begin = "-----BEGIN CERTIFICATE"
    return begin + certificate.read_text().partition(begin)[2]


def test_tls_wants_a_certificate_that_the_owner_or_the_public_trusts(
    workspace: Workspace, stream_to: Stream, tmp_path: Path
) -> None:
    receiver = SyslogReceiver()
    certificate = tls.certificate(tmp_path, name="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    authority = authority_of(certificate)
    write_events(workspace, 2)
    with serving(receiver, tls=context) as port:
        stream = stream_to("tls", f"localhost:{port}", "cef")
        refused = work(workspace)
        stream_to("tls", f"localhost:{port}", "cef", authority=authority)
        taken = work(workspace)

    stream.refresh_from_db()
    assert "certificate cannot be trusted" in refused.error
    assert taken.state == Job.State.COMPLETED
    assert receiver.sequences == list(range(1, stream.sequence + 1))


def test_tls_connection_that_breaks_loses_nothing(
    workspace: Workspace, stream_to: Stream, tmp_path: Path
) -> None:
    receiver = SyslogReceiver(drops=1)
    certificate = tls.certificate(tmp_path, name="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    authority = authority_of(certificate)
    length = write_events(workspace, 2)
    with serving(receiver, tls=context) as port:
        stream_to("tls", f"localhost:{port}", "cef", authority=authority)
        assert work(workspace).state == Job.State.RETRYING
        assert work(workspace).state == Job.State.COMPLETED

    assert receiver.sequences[:length] == list(range(1, length + 1))


def test_udp_sends_a_datagram_for_each_event(
    workspace: Workspace, stream_to: Stream
) -> None:
    length = write_events(workspace, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        stream_to("udp", f"127.0.0.1:{listener.getsockname()[1]}", "cef")
        work(workspace)
        received = [listener.recv(65536) for _ in range(length)]

    assert received[0].startswith(b"<109>1 ")
    assert b'[meta sequenceId="1"] CEF:0|' in received[0]


def test_http_gets_batches_with_the_header_and_proof(
    workspace: Workspace, stream_to: Stream
) -> None:
    receiver = HttpReceiver()
    length = write_events(workspace, 130)
    with serving(receiver) as port:
        stream_to(
            "https",
            f"http://127.0.0.1:{port}/in/keyway",
            header_name="Authorization",
            header_value="Splunk canary-of-a-header",
        )
        work(workspace)

    head, _ = receiver.requests[0]
    assert head.startswith("POST /in/keyway HTTP/1.1")
    assert "Authorization: Splunk canary-of-a-header" in head
    assert len(receiver.requests) == 2
    events = receiver.events()
    numbers = [event["metadata"]["sequence"] for event in events]
    assert numbers[:length] == list(range(1, length + 1))
    assert "canary-of-a-header" not in str(events)
    assert_proven([event["unmapped"] for event in events])


def assert_proven(lines: list[dict[str, object]]) -> None:
    """What arrives has the digests that the log has."""
    kept = dict(AuditEvent.objects.values_list("sequence", "digest"))
    assert all(kept[line["sequence"]] == line["digest"] for line in lines)


def test_http_answer_that_is_lost_means_the_same_ids_again(
    workspace: Workspace, stream_to: Stream
) -> None:
    """At least once: the id and the sequence say which events came twice."""
    receiver = HttpReceiver(503, None, 200, headers=("Retry-After: 240",))
    length = write_events(workspace, 2)
    with serving(receiver) as port:
        stream_to("https", f"http://127.0.0.1:{port}/")
        refused, dropped, taken = (work(workspace) for _ in range(3))

    assert refused.state == dropped.state == Job.State.RETRYING
    assert timedelta(seconds=230) < refused.due_at - database_now()
    assert taken.state == Job.State.COMPLETED
    again = [event["metadata"]["sequence"] for event in receiver.events()]
    assert again[:length] == list(range(1, length + 1))
    assert len({event["metadata"]["uid"] for event in receiver.events()}) == len(
        set(again)
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refuses the header"), (404, "refuses the events"), (302, "redirects")],
)
def test_http_refusal_is_told_in_words(
    workspace: Workspace, stream_to: Stream, status: int, said: str
) -> None:
    write_events(workspace, 1)
    with serving(HttpReceiver(status)) as port:
        stream = stream_to("https", f"http://127.0.0.1:{port}/")
        job = work(workspace)

    stream.refresh_from_db()
    assert said in stream.last_error
    assert "the app" not in stream.last_error.lower()
    assert job.due_at - database_now() > timedelta(seconds=30)


def test_one_mail_for_each_cause_until_it_works_again(
    workspace: Workspace, stream_to: Stream
) -> None:
    write_events(workspace, 1)
    with serving(HttpReceiver(401, 401, 404, 401, 200, 401)) as port:
        stream = stream_to("https", f"http://127.0.0.1:{port}/secret-path")
        for _ in range(4):
            work(workspace)
            send_mails()
        told = [message.subject for message in mail.outbox]
        work(workspace)
        write_events(workspace, 1)
        work(workspace)
        send_mails()

    assert len(told) == 2
    assert len(mail.outbox) == 3
    assert "401" in mail.outbox[0].body
    assert "404" in mail.outbox[1].body
    assert "secret-path" not in mail.outbox[0].body
    assert stream.workspace.name in mail.outbox[0].subject


def test_failure_that_may_pass_is_told_after_five(
    workspace: Workspace, stream_to: Stream
) -> None:
    write_events(workspace, 1)
    with serving(HttpReceiver(*[503] * 5)) as port:
        stream_to("https", f"http://127.0.0.1:{port}/")
        for _ in range(5):
            assert mail.outbox == []
            work(workspace)
            send_mails()

    assert len(mail.outbox) == 1


def send_mails() -> None:
    waiting = Job.objects.filter(kind=streaming.TELL, state=Job.State.QUEUED)
    for each in waiting:
        job = leases.claim(worker="m", now=database_now(), only=each.public_id)
        assert job is not None
        leases.carry_out(job)


def test_address_that_the_operator_does_not_open_is_never_called(
    workspace: Workspace, stream_to: Stream, settings: Settings
) -> None:
    receiver = SyslogReceiver()
    write_events(workspace, 1)
    with serving(receiver) as port:
        stream_to("tcp", f"127.0.0.1:{port}", "cef")
        settings.KEYWAY_ALLOWED_NETWORKS = []
        job = work(workspace)

    assert "is not allowed" in job.error
    assert receiver.received == []


def test_waiting_retry_is_left_to_its_time(
    workspace: Workspace, stream_to: Stream
) -> None:
    write_events(workspace, 1)
    with serving(HttpReceiver(503)) as port:
        stream_to("https", f"http://127.0.0.1:{port}/")
        job = work(workspace)

    write_events(workspace, 1)
    assert streaming.ask_for_due(database_now()) == 0
    assert Job.objects.get(pk=job.pk).due_at == job.due_at


def test_log_that_does_not_grow_costs_one_query(
    workspace: Workspace,
    stream_to: Stream,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    stream = stream_to("tcp", "127.0.0.1:9", "cef")
    Job.objects.filter(kind=streaming.JOB).delete()
    audit_chain.seal(workspace.pk)
    AuditStream.objects.update(sequence=work_left(stream))

    now = database_now()

    with django_assert_num_queries(1):
        assert streaming.ask_for_due(now) == 0


def test_what_went_to_an_old_destination_goes_to_the_new_one_too(
    workspace: Workspace, stream_to: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_to("tcp", "127.0.0.1:9", "cef")
    sent: list[list[int | None]] = []

    def send(_stream: AuditStream, events: list[AuditEvent]) -> None:
        if not sent:
            later = database_now() + timedelta(seconds=1)
            AuditStream.objects.update(changed_at=later)
        sent.append([event.sequence for event in events])

    monkeypatch.setattr(sending, "send", send)
    work(workspace)

    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_stopped_stream_sends_nothing(
    workspace: Workspace, stream_to: Stream, alice: User
) -> None:
    receiver = SyslogReceiver()
    with serving(receiver) as port:
        stream = stream_to("tcp", f"127.0.0.1:{port}", "cef")
        services.stop(stream, actor=alice)
        job = work(workspace)

    assert (job.state, job.result) == (Job.State.COMPLETED, {"sent": 0})
    assert receiver.received == []
