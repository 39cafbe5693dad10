"""Syslog: RFC 5424 messages over TCP and TLS (RFC 6587, 5425) or UDP (RFC 5426).

Syslog has no receipts. Over TCP and TLS a batch counts as sent when the other side,
told that there is no more, hangs up in turn: by then it has taken everything. Who
breaks the connection before that gets the batch again.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings
from httpcore2 import NetworkStream

from integrations.audit_stream.formats import Line, has_failed
from integrations.connectors.addresses import AddressRule, port_of, resolve
from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.client import (
    NETWORK_ERRORS,
    UNREACHABLE,
    UNTRUSTED,
    is_about_certificate,
    trusted_authorities,
)
from integrations.connectors.network import CheckedBackend, Deadline

BROKEN_OFF = (
    "The app broke the connection off before it had taken all events. Keyway sends "
    "them again."
)
_LOG_AUDIT = 13
"""The facility "log audit", RFC 5424 section 6.2.1."""
_WARNING, _NOTICE = 4, 5
_LARGEST_DATAGRAM = 65_000
_LARGEST_SEQUENCE = 2**31 - 1
_CONNECT_SECONDS = 5.0
_TOTAL_SECONDS = 20.0
_HANG_UP_SECONDS = 5.0
_READ_AT_ONCE = 4096


def message(line: Line, text: str) -> bytes:
    """Return an event as a syslog message. Its sequenceId is the place in the chain.

    Without a byte order mark, on which readers of CEF stumble; in UTF-8 all the same.
    """
    severity = _WARNING if has_failed(line) else _NOTICE
    at = datetime.fromisoformat(line["at"]).isoformat(timespec="microseconds")
    host = urlsplit(settings.KEYWAY_PUBLIC_URL).hostname or "-"
    number = (line["sequence"] - 1) % _LARGEST_SEQUENCE + 1
    return (
        f"<{_LOG_AUDIT * 8 + severity}>1 {at} {host} keyway - audit "
        f'[meta sequenceId="{number}"] {text}'
    ).encode()


def send(
    url: httpx2.URL, messages: Iterable[bytes], *, context: ssl.SSLContext | None
) -> None:
    """Send messages to `syslog+tls`, `+tcp` or `+udp`. Raises ConnectorError.

    `context` holds the authorities that are trusted; None: the system's.
    """
    rule = AddressRule(settings.KEYWAY_ALLOWED_NETWORKS)
    if url.scheme == "syslog+udp":
        _send_datagrams(url, messages, rule)
        return
    deadline = Deadline(_TOTAL_SECONDS)
    deadline.restart()
    backend = CheckedBackend(rule, resolve, deadline, scheme=url.scheme)
    try:
        stream = backend.connect_tcp(url.host, port_of(url), _CONNECT_SECONDS)
    except NETWORK_ERRORS as error:
        raise TemporaryFailure(UNREACHABLE) from error
    try:
        if url.scheme == "syslog+tls":
            stream = stream.start_tls(context or trusted_authorities(), url.host)
        # Octet counting, RFC 6587 section 3.4.1: a line break ends no message.
        stream.write(b"".join(b"%d %b" % (len(each), each) for each in messages))
        _finish(stream)
    except NETWORK_ERRORS as error:
        if is_about_certificate(error):
            raise Misconfigured(UNTRUSTED) from error
        raise TemporaryFailure(BROKEN_OFF) from error
    except OSError as error:
        raise TemporaryFailure(BROKEN_OFF) from error
    finally:
        stream.close()


def _finish(stream: NetworkStream) -> None:
    """Say that there is no more, and wait until the other side has hung up.

    Raises OSError if it breaks off instead. One that keeps the connection
    open, or ends TLS without a farewell, has taken what the network confirmed.
    """
    sock: socket.socket = stream.get_extra_info("socket")
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.settimeout(_HANG_UP_SECONDS)
            sock.unwrap()
            return
        sock.shutdown(socket.SHUT_WR)
        while stream.read(_READ_AT_ONCE, _HANG_UP_SECONDS):
            pass
    except (TimeoutError, httpcore2.ReadTimeout, ssl.SSLError):
        return


def _send_datagrams(
    url: httpx2.URL, messages: Iterable[bytes], rule: AddressRule
) -> None:
    addresses = resolve(url.host, _CONNECT_SECONDS)
    for address in addresses:
        rule.check(address, scheme=url.scheme, port=port_of(url))
    if not addresses:
        raise TemporaryFailure(UNREACHABLE)
    family = socket.AF_INET if addresses[0].version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(addresses[0]), port_of(url)))
            for each in messages:
                sock.send(each[:_LARGEST_DATAGRAM])
    except OSError as error:
        raise TemporaryFailure(UNREACHABLE) from error
