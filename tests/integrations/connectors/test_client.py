from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address, ip_network

import pytest

from integrations.connectors import addresses, client
from integrations.connectors.base import (
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.client import OutgoingClient
from tests.fakes.raw_server import read_request, response, says, serving
from tests.real_apps.servers import free_port

LOOPBACK = [ip_network("127.0.0.0/8")]
MEBIBYTE = 1024 * 1024

MakeClient = Callable[..., OutgoingClient]


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Return a function that makes clients, which are closed in the end."""
    with ExitStack() as made:

        def make(base_url: str, **options: object) -> OutgoingClient:
            outgoing = OutgoingClient(base_url, **options)  # type: ignore[arg-type]
            made.callback(outgoing.close)
            return outgoing

        yield make


@pytest.fixture
def client_of(make_client: MakeClient) -> Callable[..., OutgoingClient]:
    """Return a function that makes a client for a port of this machine."""

    def make(port: int, *, total_seconds: float = 5) -> OutgoingClient:
        return make_client(
            f"http://127.0.0.1:{port}",
            allowed_networks=LOOPBACK,
            total_seconds=total_seconds,
        )

    return make


def test_answers_with_status_and_json(client_of: MakeClient) -> None:
    body = response(b'{"id": 7}', status="418 Odd", headers=("X-Note: yes",))
    with serving(says(body)) as port:
        answer = client_of(port).request("GET", "/api")

    assert (answer.status, answer.json()) == (418, {"id": 7})
    assert answer.headers["x-note"] == "yes"


def test_reads_an_empty_body_as_nothing(client_of: MakeClient) -> None:
    with serving(says(response(b"", status="204 No Content"))) as port:
        assert client_of(port).request("DELETE", "/api").json() is None


def test_unpacks_gzip(client_of: MakeClient) -> None:
    body = response(gzip.compress(b"[1, 2]"), headers=("Content-Encoding: gzip",))
    with serving(says(body)) as port:
        assert client_of(port).request("GET", "/api").json() == [1, 2]


@pytest.mark.parametrize(
    "body", [b"<!doctype html><h1>Log in</h1>", b"{'id': 1}", b"{" * 5000, b"\xff\xfe"]
)
def test_does_not_take_a_page_for_json(client_of: MakeClient, body: bytes) -> None:
    with serving(says(response(body))) as port:
        answer = client_of(port).request("GET", "/api")

    with pytest.raises(TemporaryFailure) as failure:
        answer.json()
    assert failure.value.message == client.NOT_JSON


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary"])
def test_does_not_follow_a_redirect(client_of: MakeClient, status: str) -> None:
    reached = threading.Event()
    with serving(lambda _: reached.set()) as other_port:
        location = f"Location: http://127.0.0.1:{other_port}/"
        moved = response(b"", status=status, headers=(location,))
        with serving(says(moved)) as port, pytest.raises(Misconfigured) as failure:
            client_of(port).request("GET", "/", headers={"Authorization": "Bearer x"})

    assert failure.value.message == client.REDIRECTED
    assert not reached.is_set()


def test_reads_no_more_than_it_accepts(client_of: MakeClient) -> None:
    header = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"
    with (
        serving(says(header, *([b"x" * MEBIBYTE] * 64))) as port,
        pytest.raises(PermanentFailure) as failure,
    ):
        client_of(port).request("GET", "/")

    assert failure.value.message == client.TOO_LARGE


def test_unpacks_no_more_than_it_accepts(client_of: MakeClient) -> None:
    bomb = gzip.compress(b"0" * (128 * MEBIBYTE))
    tracemalloc.start()
    with (
        serving(says(response(bomb, headers=("Content-Encoding: gzip",)))) as port,
        pytest.raises(PermanentFailure) as failure,
    ):
        client_of(port).request("GET", "/")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert failure.value.message == client.TOO_LARGE
    assert peak < 32 * MEBIBYTE


def test_refuses_stacked_encodings(client_of: MakeClient) -> None:
    body = gzip.compress(gzip.compress(b"{}"))
    twice = response(body, headers=("Content-Encoding: gzip, gzip",))
    with serving(says(twice)) as port, pytest.raises(TemporaryFailure):
        client_of(port).request("GET", "/")


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
)
def test_ends_a_slow_drip_in_time(client_of: MakeClient, beginning: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(beginning)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with serving(drip) as port:
        started_at = time.monotonic()
        with pytest.raises(TemporaryFailure):
            client_of(port, total_seconds=0.5).request("GET", "/")

    assert time.monotonic() - started_at < 2


def test_ends_a_silence_in_time(client_of: MakeClient) -> None:
    released = threading.Event()

    def stay_silent(_: socket.socket) -> None:
        released.wait(10)

    with serving(stay_silent) as port, pytest.raises(TemporaryFailure) as failure:
        client_of(port, total_seconds=0.3).request("GET", "/")
    released.set()

    assert failure.value.message == client.UNREACHABLE


def test_gives_every_call_its_own_time(client_of: MakeClient) -> None:
    with serving(says(response(b"{}"))) as port:
        patient = client_of(port, total_seconds=0.4)
        patient.request("GET", "/")
        time.sleep(0.5)

        assert patient.request("GET", "/").status == 200


def test_says_the_same_of_whatever_cannot_be_reached(
    client_of: MakeClient, make_client: MakeClient
) -> None:
    messages = set()
    with (
        serving(says(b"SSH-2.0-OpenSSH_9.2\r\n")) as other_service,
        serving(says()) as hangs_up,
    ):
        for port in (free_port(), other_service, hangs_up):
            with pytest.raises(TemporaryFailure) as failure:
                client_of(port).request("GET", "/")
            messages.add(failure.value.message)
    with pytest.raises(TemporaryFailure) as failure:
        make_client("https://no-such-host.invalid").request("GET", "/")
    messages.add(failure.value.message)

    assert messages == {client.UNREACHABLE}


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001"])
def test_refuses_each_way_to_write_this_machine(
    make_client: MakeClient, host: str
) -> None:
    reached = threading.Event()
    with (
        serving(lambda _: reached.set()) as port,
        pytest.raises(Misconfigured) as failure,
    ):
        make_client(f"https://{host}:{port}").request("GET", "/")

    assert failure.value.message == addresses.NOT_ALLOWED
    assert not reached.is_set()


def test_refuses_a_name_if_one_of_its_addresses_is_private(
    make_client: MakeClient,
) -> None:
    mixed = [ip_address("1.1.1.1"), ip_address("10.0.0.1")]

    with pytest.raises(Misconfigured) as failure:
        make_client(
            "https://app.example.com", resolver=lambda _host, _seconds: mixed
        ).request("GET", "/")

    assert failure.value.message == addresses.NOT_ALLOWED


def test_dials_the_address_that_it_checked(make_client: MakeClient) -> None:
    asked: list[str] = []

    def rebinding(host: str, _seconds: float) -> list[addresses.IPAddress]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "10.0.0.1")]

    received: list[bytes] = []

    def note(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(response(b"{}"))

    with serving(note) as port:
        outgoing = make_client(
            f"http://app.example.com:{port}",
            allowed_networks=LOOPBACK,
            resolver=rebinding,
        )
        outgoing.request("GET", "/api")
        with pytest.raises(Misconfigured):
            outgoing.request("GET", "/api")

    assert asked == ["app.example.com", "app.example.com"]
    assert f"Host: app.example.com:{port}".encode() in received[0]
    assert len(received) == 1


def test_does_not_wait_for_a_resolver_without_end() -> None:
    started_at = time.monotonic()

    # 0 seconds: whatever the system's resolver does, nobody waits for it.
    assert addresses.resolve("app.example.com", 0.0) == []
    assert time.monotonic() - started_at < 1


def test_reads_no_proxy_from_the_environment(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")

    with serving(says(response(b"{}"))) as port:
        assert client_of(port).request("GET", "/").status == 200


@pytest.mark.parametrize("path", ["api", ".evil.example/", "@evil.example/", ""])
def test_stays_with_its_host(make_client: MakeClient, path: str) -> None:
    outgoing = make_client("https://app.example.com", resolver=lambda _h, _s: [])

    with pytest.raises(Misconfigured) as failure:
        outgoing.request("GET", path)

    assert failure.value.message == addresses.NOT_AN_ADDRESS


@pytest.mark.parametrize("body", [{"name": "\ud800"}, {"number": 2**70}])
def test_says_that_a_value_cannot_be_sent(
    client_of: MakeClient, body: dict[str, object]
) -> None:
    with pytest.raises(PermanentFailure) as failure:
        client_of(free_port()).request("POST", "/", body=body)  # type: ignore[arg-type]

    assert failure.value.message == client.UNSENDABLE
