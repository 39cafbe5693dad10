"""OAuth 2.0 client credentials: a name and a secret become an access token.

RFC 6749 section 4.4. The user name of the service account is the client ID, its
password the client secret.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from urllib.parse import quote, urlencode

from integrations.connectors import failures
from integrations.connectors.base import ConnectorError, Misconfigured
from integrations.connectors.client import Answer, OutgoingClient
from integrations.connectors.meanings import document_of, error_for, meaning_of
from integrations.desired import JSON, Connection

CREDENTIALS = f"{failures.LOGIN_WORDS} (client ID and client secret)"
NOT_LOGGED_IN = (
    "The app answered the log-in and gave no access token. Check that token_path in "
    "its manifest is its OAuth token endpoint."
)
NO_ENDPOINT = (
    "The app has no OAuth token endpoint at this address. Check the address, and "
    "token_path in the app's manifest."
)
_NOT_THE_CLIENT = {
    "invalid_scope": "does not know the scope that its manifest asks for, or does not "
    "give it to this client",
    "unauthorized_client": "does not let this client use client credentials",
    "unsupported_grant_type": "does not know client credentials",
}
"""What else a token endpoint can refuse. RFC 6749 section 5.2."""

_SPARE_SECONDS = 30
"""A token is renewed so long before its end, or a tenth of its life if that is less."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where the app gives access tokens, and how it wants to be asked."""

    path: str
    scope: str = ""
    client_authentication: str = "basic"
    """`basic` (HTTP Basic) or `form` (in the body), RFC 6749 section 2.3.1."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and until when to use it."""

    value: str = field(repr=False)
    use_until: float = math.inf
    """By `time.monotonic`."""

    @property
    def is_usable(self) -> bool:
        """Whether it has not ended, as far as the app has said."""
        return monotonic() < self.use_until


def read_endpoint(spec: Mapping[str, str]) -> TokenEndpoint | None:
    """Return what a part of a manifest says, None if there is no `token_path`."""
    if "token_path" not in spec:
        return None
    return TokenEndpoint(
        spec["token_path"],
        spec.get("scope", ""),
        spec.get("client_authentication", "basic"),
    )


def get_token(
    endpoint: TokenEndpoint,
    connection: Connection,
    client: OutgoingClient,
    *,
    hides: Sequence[str],
) -> AccessToken:
    """Ask for a token. Raises ConnectorError; of the exchange no body is noted."""
    form = {"grant_type": "client_credentials"}
    if endpoint.scope:
        form["scope"] = endpoint.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if endpoint.client_authentication == "form":
        form |= {
            "client_id": connection.username,
            "client_secret": connection.secret,
        }
    else:
        headers["Authorization"] = f"Basic {encoded_pair(connection)}"
    answer = client.request(
        "POST",
        endpoint.path,
        headers=headers,
        body=urlencode(form).encode(),
        hides=[*hides, encoded_pair(connection)],
        is_login=True,
    )
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise _refusal(answer)
    return _token_of(answer.json())


def encoded_pair(connection: Connection) -> str:
    """Return client ID and secret for HTTP Basic, each encoded as for a form.

    RFC 6749 section 2.3.1; a blank becomes `%20`, which every decoder understands.
    """
    pair = ":".join(quote(s, safe="") for s in (connection.username, connection.secret))
    return b64encode(pair.encode()).decode()


def _refusal(answer: Answer) -> ConnectorError:
    document = document_of(answer)
    code = document.get("error") if isinstance(document, dict) else None
    if isinstance(code, str) and code in _NOT_THE_CLIENT:
        return Misconfigured(
            f"The app {_NOT_THE_CLIENT[code]}. Change the client in the app, or the "
            "app's manifest."
        )
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return Misconfigured(failures.refusal(CREDENTIALS))
    if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return Misconfigured(NO_ENDPOINT)
    return error_for(meaning_of(answer, ()), answer, credentials=CREDENTIALS)


def _token_of(document: JSON) -> AccessToken:
    found = document if isinstance(document, dict) else {}
    value = found.get("access_token")
    is_text = isinstance(value, str) and value.isascii() and value.isprintable()
    if not is_text or not value:
        raise Misconfigured(NOT_LOGGED_IN)
    life = _seconds(found.get("expires_in"))
    spare = min(_SPARE_SECONDS, life / 10)
    return AccessToken(str(value), monotonic() + life - spare)


def _seconds(expires_in: JSON) -> float:
    """Return how long a token lives, also if the app writes a text; else no end."""
    found = re.fullmatch(r"([0-9]{1,9})(\.[0-9]+)?", str(expires_in))
    life = int(found[1]) if found else 0
    return life or math.inf
