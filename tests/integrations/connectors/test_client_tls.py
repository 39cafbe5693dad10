from __future__ import annotations

import ssl
from contextlib import closing
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from integrations.connectors import client
from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.client import OutgoingClient
from tests.fakes.raw_server import response, says, serving
from tests.tls import NAME, certificate

LOOPBACK = [ip_network("127.0.0.0/8")]


def server_side(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def status_of(port: int, trusted: Path | None) -> int:
    """Ask the server for its first page, trusting one certificate besides."""
    outgoing = OutgoingClient(
        f"https://{NAME}:{port}",
        allowed_networks=LOOPBACK,
        ssl_context=ssl.create_default_context(cafile=trusted) if trusted else None,
        resolver=lambda _host, _seconds: [ip_address("127.0.0.1")],
    )
    with closing(outgoing):
        return outgoing.request("GET", "/").status


def test_asks_for_the_certificate_of_the_name_and_not_of_the_address(
    tmp_path: Path,
) -> None:
    path = certificate(tmp_path)
    with serving(says(response(b"{}")), tls=server_side(path)) as port:
        assert status_of(port, path) == 200


def test_refuses_a_self_signed_certificate(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    with (
        serving(says(response(b"{}")), tls=server_side(path)) as port,
        pytest.raises(Misconfigured) as failure,
    ):
        status_of(port, None)

    assert failure.value.message == client.UNTRUSTED


@pytest.mark.parametrize("wrong", [{"name": "other.example.com"}, {"days": -1}])
def test_refuses_a_certificate_that_does_not_fit(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    path = certificate(tmp_path, **wrong)  # type: ignore[arg-type]
    with (
        serving(says(response(b"{}")), tls=server_side(path)) as port,
        pytest.raises(Misconfigured) as failure,
    ):
        status_of(port, path)

    assert failure.value.message == client.UNTRUSTED


def test_does_not_fall_back_to_plain_http() -> None:
    with (
        serving(lambda plain: plain.sendall(response(b"{}"))) as port,
        pytest.raises(TemporaryFailure) as failure,
    ):
        status_of(port, None)

    assert failure.value.message == client.UNREACHABLE
