"""Calls to an identity provider, over the same way out as calls to apps.

A person waits at the door while they run: they are few, and short.
"""

from __future__ import annotations

import httpx2
from django.conf import settings

from integrations.connectors.addresses import origin_of
from integrations.connectors.base import ConnectorError, TemporaryFailure
from integrations.connectors.client import NOT_JSON, OutgoingClient

SECONDS = 8.0
"""How long one call may take in all."""

_SENT = ("Accept", "Authorization", "Content-Type")
_OK = 200

UNREADABLE = (ValueError, RecursionError)
"""What reading JSON raises: it is none, or it is nested without end."""


class GuardedTransport(httpx2.BaseTransport):
    """Carries requests wherever the operator allows, each under one deadline."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises ConnectorError; a redirect is one too."""
        client = OutgoingClient(
            origin_of(str(request.url)),
            allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS,
            total_seconds=SECONDS,
        )
        try:
            answer = client.request(
                request.method,
                request.url.raw_path.decode("ascii"),
                headers={
                    name: request.headers[name]
                    for name in _SENT
                    if name in request.headers
                },
                body=request.read() or None,
                is_login=True,
            )
        finally:
            client.close()
        return httpx2.Response(answer.status, content=answer.body, request=request)


def get_document(url: str, *, bearer: str = "") -> dict[str, object]:
    """Return the JSON object at an address. Raises ConnectorError."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    with httpx2.Client(transport=GuardedTransport(), headers=headers) as client:
        answer = client.get(url)
    try:
        document = answer.json()
    except UNREADABLE as error:
        raise TemporaryFailure(NOT_JSON) from error
    if answer.status_code != _OK or not isinstance(document, dict):
        raise TemporaryFailure(f"The app answered {answer.status_code} at {url}.")
    return document


def told(error: ConnectorError) -> str:
    """Return what went wrong, in words about an identity provider."""
    provider = "identity provider"
    return error.message.replace("he app", f"he {provider}")
