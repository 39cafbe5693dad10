from __future__ import annotations

import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.connectors import client
from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.client import OutgoingClient
from tests.fakes.raw_server import response, says, serving

LOOPBACK = [ip_network("127.0.0.0/8")]
NAME = "app.example.com"


def certificate(folder: Path, *, name: str = NAME, days: int = 1) -> Path:
    """Write a self-signed certificate and its key; it ends in `days` days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends_at = datetime.now(UTC) + timedelta(days=days)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends_at - timedelta(days=30))
        .not_valid_after(ends_at)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


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
