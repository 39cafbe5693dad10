"""Send events to the destination of a stream, by HTTP or by syslog."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from integrations.audit_stream import syslog
from integrations.audit_stream.formats import FORMATS
from integrations.connectors.addresses import WEB_SCHEMES, AddressRule
from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.client import OutgoingClient
from integrations.models import AuditStream
from workspaces import audit_chain, secrets
from workspaces.models import AuditEvent
from workspaces.secrets import UnreadableSecret

BATCH = 100
"""Events in one request, or in one connection."""

SCHEMES = (*WEB_SCHEMES, "syslog+tls", "syslog+tcp", "syslog+udp")
_SECONDS = 20.0
_AGAIN = (408, 425, 429)
_LONGEST_WAIT = timedelta(hours=1)


def send(stream: AuditStream, events: Sequence[AuditEvent]) -> None:
    """Send events in their order, as one batch. Raises ConnectorError.

    The texts of the errors speak of "the app": see `words`.
    """
    lines = [audit_chain.content(each) | {"digest": each.digest} for each in events]
    write = FORMATS[stream.format]
    texts = [write(line, workspace=stream.workspace.slug) for line in lines]
    if stream.is_http:
        _post(stream, texts)
        return
    rule = AddressRule(settings.KEYWAY_ALLOWED_NETWORKS)
    url = rule.check_base_url(stream.url, schemes=SCHEMES)
    messages = map(syslog.message, lines, texts)
    syslog.send(url, messages, context=trusted_by(stream.authority))


def trusted_by(authority: str) -> ssl.SSLContext | None:
    """Return a context that trusts these certificates (PEM) alone; None for no text.

    Raises ValueError, TypeError or ssl.SSLError if they are none.
    """
    return ssl.create_default_context(cadata=authority) if authority else None


def words(message: str) -> str:
    """Return what the way out says, said of a destination instead of an app."""
    return message.replace("The app", "The destination").replace(
        "the app", "the destination"
    )


def _post(stream: AuditStream, texts: Sequence[str]) -> None:
    parts = urlsplit(stream.url)
    is_json = stream.format == AuditStream.Format.OCSF
    body = f"[{','.join(texts)}]" if is_json else "".join(f"{text}\n" for text in texts)
    media_type = "application/json" if is_json else "text/plain; charset=utf-8"
    client = OutgoingClient(
        f"{parts.scheme}://{parts.netloc}",
        allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS,
        total_seconds=_SECONDS,
        ssl_context=trusted_by(stream.authority),
    )
    try:
        answer = client.request(
            "POST",
            parts.path or "/",
            headers={"Content-Type": media_type, **_secret_header(stream)},
            body=body.encode(),
        )
    finally:
        client.close()
    status = answer.status
    if status in _AGAIN or status >= 500:
        raise TemporaryFailure(
            f"The app answered {status}. Keyway tries again.",
            retry_after=_wished(answer.headers.get("Retry-After", "")),
        )
    if status in {401, 403}:
        raise Misconfigured(
            f"The app refuses the header ({status}). Check its name and value."
        )
    if not 200 <= status < 300:
        raise Misconfigured(
            f"The app refuses the events ({status}). Check the address and the format."
        )


def _secret_header(stream: AuditStream) -> dict[str, str]:
    """Return the header, in clear. Raises Misconfigured."""
    if not stream.header_name:
        return {}
    try:
        value = secrets.decrypt(stream.sealed_header, stream.header_address)
    except UnreadableSecret:
        raise Misconfigured(
            "The value of the header cannot be decrypted. Enter it again."
        ) from None
    return {stream.header_name: value}


def _wished(retry_after: str) -> timedelta | None:
    """Return what Retry-After asks for in seconds, within reason."""
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(timedelta(seconds=int(retry_after[:6])), _LONGEST_WAIT)
