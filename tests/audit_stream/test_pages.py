"""The page **Streaming**: Owners set it up, everybody who sees the log sees its state."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.audit_stream import streaming
from integrations.models import AuditStream
from tests import factories
from tests.audit_stream.conftest import Stream, write_events
from tests.portal.words import query_count, read
from workspaces import secrets
from workspaces.models import AuditEvent, Job, Role, Workspace

PATH = "/audit/streaming/"
HTTPS = {
    "transport": "https",
    "address": "https://siem.example.com/in",
    "format": "ocsf",
    "header_name": "Authorization",
    "header_value": "Bearer canary-of-a-header",
    "authority": "",
    "start": "now",
}


def save(client: Client, **changes: str) -> tuple[int, str]:
    answer = client.post(f"{PATH}save/", {**HTTPS, **changes}, follow=True)
    return answer.status_code, answer.content.decode()


def test_owner_sets_it_up_and_the_header_is_sealed(
    alice_client: Client, workspace: Workspace
) -> None:
    length = write_events(workspace, 2)

    status, page = save(alice_client)

    stream = AuditStream.objects.select_related("workspace").get()
    value = secrets.decrypt(stream.sealed_header, stream.header_address)
    assert (status, stream.sequence) == (200, length)
    assert value == "Bearer canary-of-a-header"
    assert "HTTPS to https://siem.example.com" in page
    assert "canary" not in page
    assert stream.sealed_header not in page
    event = AuditEvent.objects.get(action=Action.STREAM_SET_UP)
    assert "canary" not in str(event.data) + event.target_label
    assert Job.objects.filter(kind=streaming.JOB).exists()


def test_whole_log_is_streamed_if_asked_for(alice_client: Client) -> None:
    save(alice_client, start="first")

    assert AuditStream.objects.get().sequence == 0


def test_change_goes_on_where_it_stands_and_keeps_the_header(
    alice_client: Client, workspace: Workspace
) -> None:
    save(alice_client)
    sealed = AuditStream.objects.get().sealed_header
    AuditStream.objects.update(sequence=5, failures=3, last_error="x")

    status, _ = save(alice_client, format="cef", header_value="")

    stream = AuditStream.objects.get()
    assert status == 200
    assert (stream.sequence, stream.format) == (5, "cef")
    assert (stream.sealed_header, stream.last_error) == (sealed, "")


@pytest.mark.parametrize(
    "changes",
    [{"address": "https://other.example.com/in"}, {"header_name": "X-Api-Key"}],
    ids=str,
)
def test_header_is_never_sent_where_it_was_not_entered_for(
    alice_client: Client, changes: dict[str, str]
) -> None:
    save(alice_client)

    status, page = save(alice_client, header_value="", **changes)

    assert status == 422
    assert "Enter the value of the header." in page
    assert AuditStream.objects.get().address == HTTPS["address"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"address": ""}, "Enter the address of the destination."),
        ({"address": "ftp://siem.example.com"}, "begins with https://"),
        ({"address": "https://10.0.0.1/in"}, "is not allowed"),
        ({"address": "https://user:pw@siem.example.com"}, "is not usable"),
        ({"transport": "tls", "address": "logs.example.com"}, "host and port"),
        ({"transport": "tls", "address": "logs.example.com:6514/x"}, "host and port"),
        ({"transport": "udp", "address": "192.0.2.1:514"}, "is not allowed"),
        ({"transport": "pigeon"}, "is not one of the available choices"),
        ({"format": "xml"}, "is not one of the available choices"),
        ({"header_name": "Host"}, "Keyway sets Host itself"),
        ({"header_name": "Bad Name"}, "has letters, digits and hyphens"),
        ({"header_value": "a\r\nX-Evil: 1"}, "no line breaks"),
        ({"header_name": ""}, "Enter the name of the header."),
        ({"authority": "nonsense"}, "no certificate in PEM form"),
        ({"authority": "K\u00fcche"}, "no certificate in PEM form"),
        ({"authority": "-----BEGIN PRIVATE KEY-----"}, "holds a private key"),
        ({"address": "https://\x00"}, "Null characters are not allowed"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_with_what_would(
    alice_client: Client, changes: dict[str, str], said: str
) -> None:
    status, page = save(alice_client, **changes)

    assert status == 422
    assert said in page
    assert "canary" not in page
    assert not AuditStream.objects.exists()


def test_test_is_an_event_that_is_sent_as_every_other(
    alice_client: Client, stream_to: Stream
) -> None:
    stream_to("tcp", "127.0.0.1:9", "cef")
    Job.objects.all().delete()

    alice_client.post(f"{PATH}test/")

    assert AuditEvent.objects.filter(action=Action.STREAM_TESTED).exists()
    assert Job.objects.get(kind=streaming.JOB).state == Job.State.QUEUED


def test_stop_asks_first_and_forgets_the_destination(
    alice_client: Client, stream_to: Stream
) -> None:
    stream_to("tcp", "127.0.0.1:9", "cef")

    asked = read(alice_client, f"{PATH}stop/")
    part = alice_client.get(f"{PATH}stop/", headers={"hx-request": "true"})
    alice_client.post(f"{PATH}stop/")

    assert "127.0.0.1:9" in asked
    assert part.content.strip().startswith(b"<dialog")
    assert not AuditStream.objects.exists()
    assert AuditEvent.objects.filter(action=Action.STREAM_STOPPED).exists()
    assert alice_client.post(f"{PATH}test/").status_code == 404


def test_state_says_what_waits_and_why(
    alice_client: Client, workspace: Workspace, stream_to: Stream
) -> None:
    stream_to("tcp", "127.0.0.1:9", "cef")
    length = write_events(workspace, 3)
    AuditStream.objects.update(sequence=length - 2, last_error="It answered 503.")

    page = read(alice_client, PATH)
    part = alice_client.get(PATH, headers={"hx-request": "true"}).content.decode()

    assert "Failing" in page
    assert "It answered 503." in page
    assert "2 events" in " ".join(part.split())
    assert "data-poll" in part
    AuditStream.objects.update(sequence=length, last_error="")
    assert "Up to date" in read(alice_client, PATH)
    assert query_count(alice_client, PATH) <= 10


def test_auditor_sees_the_state_and_not_the_path(
    client: Client, workspace: Workspace, stream_to: Stream
) -> None:
    stream_to("https", "https://siem.example.com/secret-path")
    user = factories.UserFactory()
    factories.MembershipFactory(workspace=workspace, user=user, role=Role.AUDITOR)
    client.force_login(user)

    page = read(client, PATH)

    assert "HTTPS to https://siem.example.com" in page
    assert "secret-path" not in page
    assert "Only Owners can change it." in page


def test_other_workspace_has_nothing_of_it(
    client: Client, other_workspace: Workspace, stream_to: Stream
) -> None:
    stream_to("tcp", "127.0.0.1:9", "cef")
    client.force_login(other_workspace.memberships.get().user)

    assert "127.0.0.1" not in read(client, PATH)
    assert client.post(f"{PATH}stop/").status_code == 404
    assert AuditStream.objects.exists()
