"""One service account's conversation with an app in SCIM: login, calls, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from integrations.connectors import client_credentials, failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
)
from integrations.connectors.client import Answer, OutgoingClient
from integrations.connectors.client_credentials import AccessToken
from integrations.connectors.failures import AccountGone
from integrations.connectors.functions import basic_credentials
from integrations.connectors.meanings import (
    Meaning,
    document_of,
    error_for,
    meaning_of,
)
from integrations.connectors.redaction import redact_text
from integrations.connectors.scim.settings import Settings
from integrations.desired import JSON, Connection

NO_SCIM = (
    "The app has no SCIM at this address. Enter its SCIM base URL, which /Users "
    "follows; SCIM may have to be switched on in the app."
)
NOT_OFFERED = "The app does not offer this in SCIM."
UNFIT = "The app's key of this resource cannot be part of an address."
_MEDIA = {
    "Accept": "application/scim+json, application/json",
    "Content-Type": "application/scim+json",
}


class ConditionFailed(PermanentFailure):
    """Somebody else changed the resource since it was read."""


@dataclass(slots=True)
class _Login:
    header: str = ""
    token: AccessToken | None = None
    """Where one was got for this conversation."""

    @property
    def is_usable(self) -> bool:
        return bool(self.header) and (self.token is None or self.token.is_usable)


class Conversation:
    """Sends requests as one service account. Logs in at the first that needs it."""

    def __init__(
        self, settings: Settings, connection: Connection, client: OutgoingClient
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._client = client
        self._login = _Login()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JSON = None,
        headers: Mapping[str, str] | None = None,
        about: bool = False,
    ) -> JSON:
        """Send a request and return the answer's document. Raises ConnectorError.

        `about` says that it is about one resource: then 404 is AccountGone, and
        else the address is wrong.
        """
        answer = self._send(method, path, query, body, headers or {})
        if answer.status < HTTPStatus.BAD_REQUEST:
            return answer.json()
        raise self._error(answer, is_about_one=about)

    def discover(self, path: str) -> JSON:
        """Return a document of discovery, None if the app does not have it."""
        try:
            return self.ask("GET", path, about=True)
        except AccountGone:
            return None

    def reach(self) -> None:
        """Return if something answers at the app's address. Raises ConnectorError."""
        self._client.reach()

    def log_in(self, path: str) -> None:
        """Return if the app takes the login; a GET of `path` shows it.

        Whether the answer is otherwise fine is for `ask` to say.
        """
        answer = self._send("GET", path, {"count": "1"}, None, {})
        meaning = meaning_of(answer, ())
        if meaning in {Meaning.REFUSED, Meaning.RATE, Meaning.TEMPORARY}:
            raise self._error(answer, is_about_one=False)

    def close(self) -> None:
        """Free the connections."""
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: JSON,
        headers: Mapping[str, str],
    ) -> Answer:
        media = _MEDIA if body is not None else {"Accept": _MEDIA["Accept"]}

        def send() -> Answer:
            return self._client.request(
                method,
                f"{self._settings.path}{path}",
                query=query,
                headers={**media, **headers, "Authorization": self._login.header},
                body=body,
                hides=self._secrets(),
            )

        is_new = not self._login.is_usable
        if is_new:
            self._login = self._log_in()
        answer = send()
        if (
            answer.status == HTTPStatus.UNAUTHORIZED
            and self._login.token
            and not is_new
        ):
            # The token has ended in the middle of a long list.
            self._login = self._log_in()
            answer = send()
        return answer

    def _log_in(self) -> _Login:
        if not self._connection.username:
            return _Login(f"Bearer {self._connection.secret}")
        endpoint = self._settings.token_endpoint
        if endpoint is None:
            return _Login(f"Basic {self._pair()}")
        token = client_credentials.get_token(
            endpoint, self._connection, self._client, hides=self._secrets()
        )
        return _Login(f"Bearer {token.value}", token)

    def _error(self, answer: Answer, *, is_about_one: bool) -> ConnectorError:
        document = document_of(answer)
        said: JSON = document.get("detail") if isinstance(document, dict) else None
        scim_type = document.get("scimType") if isinstance(document, dict) else None
        meaning = meaning_of(answer, ())
        if scim_type == "uniqueness":
            meaning = Meaning.DUPLICATE
        if meaning is Meaning.REFUSED:
            return self._refused()
        if meaning is Meaning.GONE and not is_about_one:
            return Misconfigured(NO_SCIM)
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            return ConditionFailed("Somebody else is changing this resource.")
        if answer.status == HTTPStatus.NOT_IMPLEMENTED:
            return PermanentFailure(NOT_OFFERED)
        return error_for(
            meaning, answer, said=redact_text(said, secrets=self._secrets())
        )

    def _refused(self) -> Misconfigured:
        if self._connection.username:
            return Misconfigured(failures.REFUSED)
        return Misconfigured(
            "The app does not accept the service account's access token. Enter the "
            "present one, and check that it has not expired."
        )

    def _pair(self) -> str:
        return basic_credentials(self._connection.username, self._connection.secret)

    def _secrets(self) -> list[str]:
        token = self._login.token.value if self._login.token else ""
        encoded = client_credentials.encoded_pair(self._connection)
        found = [self._connection.secret, self._pair(), encoded, token]
        return [each for each in found if each]


def path_of(endpoint: str, key: str) -> str:
    """Return the path of one resource. Raises PermanentFailure."""
    if key in {"", ".", ".."}:
        raise PermanentFailure(UNFIT)
    return f"{endpoint}/{quote(key, safe='')}"
