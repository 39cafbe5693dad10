"""How a conversation logs in: with each call, by a call of its own, or by a form."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from integrations.connectors import client_credentials
from integrations.connectors.base import ConnectorError, Misconfigured
from integrations.connectors.client import Answer
from integrations.connectors.client_credentials import AccessToken, TokenEndpoint
from integrations.connectors.expressions import work_out
from integrations.connectors.functions import basic_credentials
from integrations.connectors.http.blueprint import Call, Login
from integrations.connectors.http.filling import fill, fill_headers
from integrations.connectors.http.pages import hidden_fields
from integrations.connectors.http.sending import Sender
from integrations.connectors.meanings import Meaning, error_for
from integrations.desired import JSON, Connection

WRONG_ADDRESS = (
    "The app has nothing at the address that Keyway calls. Check the address; the "
    "app's API may have to be switched on."
)
NOT_LOGGED_IN = (
    "The app answered the login and gave no session. Check that the address and the "
    "app's manifest fit its version."
)
NO_FORM = (
    "The app's login page has no form with a password. Check the address, and that "
    "the app's manifest fits its version."
)
_CREDENTIALS = {"password": "user name and password", "access_token": "access token"}


class LogIn:
    """The login of one service account, made at the first call that needs it."""

    def __init__(self, login: Login, connection: Connection, sender: Sender) -> None:
        self._login = login
        self._connection = connection
        self._sender = sender
        self._session: dict[str, JSON] | None = None
        self._token: AccessToken | None = None

    @property
    def makes_session(self) -> bool:
        """Whether logging in is a call of its own, and gives a session that can end."""
        return self._login.call is not None or self._login.token_endpoint is not None

    @property
    def has_session(self) -> bool:
        """Whether such a session was given, has not ended and is not forgotten."""
        has_ended = self._token is not None and not self._token.is_usable
        return self._session is not None and not has_ended

    @property
    def session(self) -> dict[str, JSON] | None:
        """What the login gave, for expressions."""
        return self._session

    @property
    def credentials(self) -> str:
        """What the account logs in with, in words."""
        if self._login.token_endpoint is not None:
            return client_credentials.CREDENTIALS
        return _CREDENTIALS[self._connection.login_workflow]

    def headers(self) -> dict[str, str]:
        """Return what goes with every call. Logs in if need be. Raises ConnectorError."""
        if not self.has_session:
            if self._login.token_endpoint is not None:
                self._get_token(self._login.token_endpoint)
            elif self._login.call is not None:
                self._session = self._log_in(self._login.call)
        known = {"session": self._session, "login": self._account()}
        return fill_headers(self._login.headers, known)

    def forget(self) -> None:
        """Log in anew before the next call."""
        self._session = None
        self._sender.client.forget_cookies()

    def secrets(self) -> list[str]:
        """Return what nobody may see."""
        pair = basic_credentials(self._connection.username, self._connection.secret)
        encoded = client_credentials.encoded_pair(self._connection)
        given = _texts(self._session or {})
        own = [self._connection.secret, pair, encoded]
        return [*own, *given, *self._connection.hides]

    def _account(self) -> JSON:
        name, secret = self._connection.username, self._connection.secret
        if self._connection.login_workflow == "access_token":
            return {"key": secret}
        return {"username": name, "password": secret}

    def _get_token(self, endpoint: TokenEndpoint) -> None:
        self._token = client_credentials.get_token(
            endpoint, self._connection, self._sender.client, hides=self.secrets()
        )
        self._session = {"token": self._token.value}

    def _log_in(self, call: Call) -> dict[str, JSON]:
        if self._login.page is not None:
            return self._send_form(self._login.page, call)
        values = {"login": self._account()}
        answer, meaning = self._send(call, values)
        if meaning is Meaning.REFUSED or answer.status in self._login.refused:
            raise self._refused(answer)
        if meaning is not Meaning.FINE:
            raise self._error(answer, meaning)
        document = answer.json()
        session = {
            name: work_out(value, document)
            for name, value in self._login.values.items()
        }
        if not all(isinstance(value, str) and value for value in session.values()):
            raise Misconfigured(NOT_LOGGED_IN)
        return session

    def _send_form(self, page: Call, submit: Call) -> dict[str, JSON]:
        """Fill in the login page as a browser does: hidden fields go back unchanged.

        An app that takes the login redirects, and not to the same page again.
        """
        self._sender.client.forget_cookies()
        shown, meaning = self._send(page, {})
        if meaning is not Meaning.FINE and not shown.is_redirect:
            raise self._error(shown, meaning)
        hidden = hidden_fields(shown.body)
        if hidden is None:
            raise Misconfigured(NO_FORM)
        values: dict[str, JSON] = {
            "login": self._account(),
            "hidden": {**hidden},
            "cookies": {**self._sender.client.cookies},
        }
        answer, meaning = self._send(submit, values)
        shows_page_again = meaning is Meaning.FINE or (
            answer.is_redirect and self._leads_to(page, answer)
        )
        if shows_page_again or answer.status in self._login.refused:
            raise self._refused(answer)
        if not answer.is_redirect:
            raise self._error(answer, meaning)
        return {"hidden": {**hidden}, "cookies": {**self._sender.client.cookies}}

    def _leads_to(self, page: Call, answer: Answer) -> bool:
        base = urlsplit(self._sender.client.base_url).path
        target = urlsplit(answer.headers.get("Location", "")).path
        return target.rstrip("/") == f"{base}{fill(page, {}).path}".rstrip("/")

    def _send(self, call: Call, values: Mapping[str, JSON]) -> tuple[Answer, Meaning]:
        return self._sender.send(call, values, {}, hides=self.secrets(), is_login=True)

    def _refused(self, answer: Answer) -> ConnectorError:
        return error_for(Meaning.REFUSED, answer, credentials=self.credentials)

    def _error(self, answer: Answer, meaning: Meaning) -> ConnectorError:
        if meaning is Meaning.GONE:
            return Misconfigured(WRONG_ADDRESS)
        return error_for(meaning, answer, credentials=self.credentials)


def _texts(value: JSON) -> list[str]:
    """Return every text in it, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [str(value)]
