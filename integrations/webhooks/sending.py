"""One message over the one way out: checked addresses, no redirect, a time limit."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from integrations.connectors import addresses, client
from integrations.connectors.addresses import AddressRule
from integrations.connectors.base import ConnectorError, Misconfigured
from integrations.connectors.client import OutgoingClient
from integrations.connectors.meanings import retry_after

SECONDS = 15.0
"""How long one attempt may take in all."""

_GONE = 410
_UNUSABLE = re.compile(r"[\x00-\x20\x7f#\\]")
_NOT_AN_ADDRESS = (
    "This is no address that Keyway can send to. It begins with https:// and holds a "
    "host name, and neither a user name nor a #."
)
_NEEDS_TLS = (
    "Enter an address that begins with https://. Only the operator of Keyway can "
    "open a network for http."
)
_WORDS = {
    addresses.NOT_ALLOWED: "The address is not allowed. Keyway sends to public "
    "addresses over TLS; the operator of Keyway can allow others.",
    addresses.NOT_AN_ADDRESS: _NOT_AN_ADDRESS,
    client.UNREACHABLE: "The endpoint cannot be reached, or did not answer within "
    f"{SECONDS:g} s. Check its address, and that it is running.",
    client.UNFINISHED: "The endpoint began an answer and did not finish it within "
    f"{SECONDS:g} s.",
    client.UNTRUSTED: "The endpoint's certificate cannot be trusted: it is "
    "self-signed, expired or made for another name. Its administrator must mend it.",
    client.TOO_LARGE: "The endpoint's answer is larger than Keyway accepts. An empty "
    "answer is enough.",
}
"""What the client says of apps, said of endpoints."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went. `error` is empty if the message was taken."""

    milliseconds: int
    status: int | None = None
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it wants no more messages."""
        return self.status == _GONE


def check_url(url: str) -> None:
    """Look at the text of an address alone. Raises Misconfigured, in words."""
    origin, _ = _parts(url)
    try:
        parsed = AddressRule(settings.KEYWAY_ALLOWED_NETWORKS).check_base_url(origin)
    except Misconfigured as error:
        raise Misconfigured(_WORDS.get(error.message, error.message)) from None
    if parsed.scheme != "https" and not settings.KEYWAY_ALLOWED_NETWORKS:
        raise Misconfigured(_NEEDS_TLS)


def send(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """POST a message, and say how that went. The answer's body is not kept."""
    began = time.monotonic()
    try:
        origin, path = _parts(url)
        outgoing = OutgoingClient(
            origin,
            allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS,
            total_seconds=SECONDS,
        )
        try:
            answer = outgoing.request(
                "POST", path, headers=headers, body=body, returns_redirects=True
            )
        finally:
            outgoing.close()
    except ConnectorError as error:
        words = _WORDS.get(error.message, error.message)
        return Outcome(_milliseconds_since(began), error=words)
    return _outcome(answer, _milliseconds_since(began))


def _outcome(answer: client.Answer, milliseconds: int) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(milliseconds, answer.status)
    if answer.is_redirect:
        words = "The endpoint redirects, and Keyway follows no redirect. Enter the "
        error = f"{words}address that it redirects to."
    else:
        error = f"The endpoint answered {answer.status}. It must answer with 2xx."
    return Outcome(milliseconds, answer.status, error, retry_after(answer))


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _parts(url: str) -> tuple[str, str]:
    """Return the origin, and the path with its query. Raises Misconfigured."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Misconfigured(_NOT_AN_ADDRESS) from None
    if _UNUSABLE.search(url) or not parts.netloc or "@" in parts.netloc:
        raise Misconfigured(_NOT_AN_ADDRESS)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", (parts.path or "/") + query
