"""A logged-in conversation: login, calls, what they read first, and errors."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
)
from integrations.connectors.client import Answer, OutgoingClient
from integrations.connectors.http.blueprint import Blueprint, Call, Login
from integrations.connectors.http.expressions import ExpressionFailed
from integrations.connectors.http.filling import fill, fill_headers, work_out
from integrations.connectors.http.meanings import (
    Meaning,
    document_of,
    error_for,
    meaning_of,
)
from integrations.connectors.redaction import redact_text
from integrations.desired import JSON, Connection

WRONG_ADDRESS = (
    "The app has nothing at the address that Keyway calls. Check the address; the "
    "app's API may have to be switched on."
)
NOT_LOGGED_IN = (
    "The app answered the login and gave no session. Check that the address and the "
    "app's manifest fit its version."
)
SESSION_REFUSED = (
    "The app accepts the service account's password and then refuses its session. "
    "Check the account's rights, and that it is not locked."
)
UNEXPECTED = (
    "The app's answer does not hold what its manifest says. The app may have "
    "changed, or be of another version."
)


class Conversation:
    """Sends the calls of one blueprint as one service account."""

    def __init__(
        self, blueprint: Blueprint, connection: Connection, client: OutgoingClient
    ) -> None:
        self._blueprint = blueprint
        self._connection = connection
        self._client = client
        self._config: JSON = {
            **blueprint.config,
            "identifier": connection.identifier,
        }
        self._session: dict[str, JSON] | None = None
        self._looked_up: dict[str, JSON] = {}

    def ask(self, call: Call, values: Mapping[str, JSON] | None = None) -> Answer:
        """Send a call and return its answer, which is fine. Raises ConnectorError.

        The error is AccountGone if the call was about an account that is gone.
        """
        known = dict(values or {})
        known |= {name: self._read(name, known) for name in call.reads}
        answer, meaning = self._send_logged_in(call, known)
        if meaning is Meaning.FINE:
            return answer
        if meaning is Meaning.GONE and "id" not in known:
            raise Misconfigured(WRONG_ADDRESS)
        raise self._error(answer, meaning)

    def reach(self) -> None:
        """Return if something answers at the app's address. Raises ConnectorError."""
        self._client.reach()

    def log_in(self, probe: Call) -> None:
        """Return if the app takes the login. Raises ConnectorError.

        Where the login goes with each call, `probe` shows it: whether its answer
        is otherwise fine is for `ask` to say.
        """
        if self._login.call is not None:
            self._login_headers()
            return
        answer, meaning = self._send(probe, {}, self._login_headers())
        if meaning in {Meaning.REFUSED, Meaning.RATE, Meaning.TEMPORARY}:
            raise self._error(answer, meaning)

    def account_document(self, external_id: str) -> JSON:
        """Return the app's own form of an account. Raises AccountGone."""
        call = self._blueprint.calls["get_account"]
        document = selected(call, self.ask(call, {"id": external_id}))
        if document is None:
            raise PermanentFailure(UNEXPECTED)
        return document

    def close(self) -> None:
        """Free the connections."""
        self._client.close()

    def _read(self, name: str, values: Mapping[str, JSON]) -> JSON:
        if name == "current":
            return self.account_document(str(values["id"]))
        if name not in self._looked_up:
            call = self._blueprint.lookups[name]
            found = selected(call, self.ask(call))
            if found is None:
                raise Misconfigured(
                    f"The app has no {name.replace('_', ' ')} as the manifest "
                    "names it. Change the manifest or add it in the app."
                )
            self._looked_up[name] = found
        return self._looked_up[name]

    def _send_logged_in(
        self, call: Call, values: Mapping[str, JSON]
    ) -> tuple[Answer, Meaning]:
        is_new = self._session is None
        answer, meaning = self._send(call, values, self._login_headers())
        if meaning is not Meaning.REFUSED or self._login.call is None:
            return answer, meaning
        if not is_new:
            self._session = None
            answer, meaning = self._send(call, values, self._login_headers())
        if meaning is Meaning.REFUSED:
            raise Misconfigured(SESSION_REFUSED)
        return answer, meaning

    def _send(
        self,
        call: Call,
        values: Mapping[str, JSON],
        headers: Mapping[str, str],
        *,
        is_login: bool = False,
    ) -> tuple[Answer, Meaning]:
        context = {**values, "config": self._config, "session": self._session}
        filled = fill(call, context)
        answer = self._client.request(
            filled.method,
            filled.path,
            query=filled.query,
            headers={**headers, **filled.headers},
            body=filled.body,
            hides=self._secrets(values),
            is_login=is_login,
        )
        return answer, meaning_of(answer, call.errors)

    @property
    def _login(self) -> Login:
        return self._blueprint.login

    def _login_headers(self) -> dict[str, str]:
        if self._login.call is None:
            return {"Authorization": f"Basic {self._basic_pair()}"}
        if self._session is None:
            self._session = self._log_in(self._login.call)
        return fill_headers(self._login.headers, {"session": self._session})

    def _log_in(self, call: Call) -> dict[str, JSON]:
        login: JSON = {
            "username": self._connection.username,
            "password": self._connection.secret,
        }
        answer, meaning = self._send(call, {"login": login}, {}, is_login=True)
        if answer.status in self._login.refused:
            raise error_for(Meaning.REFUSED, answer)
        if meaning is Meaning.GONE:
            raise Misconfigured(WRONG_ADDRESS)
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

    def _error(self, answer: Answer, meaning: Meaning) -> ConnectorError:
        return error_for(meaning, answer, said=self._said(answer))

    def _said(self, answer: Answer) -> str:
        """Return the app's own words, fit to be shown."""
        if self._blueprint.message is None:
            return ""
        try:
            words = self._blueprint.message.evaluate(document_of(answer))
        except ExpressionFailed:
            return ""
        return redact_text(words, secrets=self._secrets({}))

    def _secrets(self, values: Mapping[str, JSON]) -> list[str]:
        """Return what nobody may see: of the service account, and of a person."""
        session = (str(value) for value in (self._session or {}).values())
        fresh = values.get("new_password")
        own = [fresh] if isinstance(fresh, str) else []
        own += self._connection.hides
        return [self._connection.secret, self._basic_pair(), *session, *own]

    def _basic_pair(self) -> str:
        """Return user name and password as RFC 7617 section 2 sends them."""
        pair = f"{self._connection.username}:{self._connection.secret}"
        return b64encode(pair.encode()).decode()


def selected(call: Call, answer: Answer) -> JSON:
    """Return the part of the answer that the call's `item` names, or all of it."""
    document = answer.json()
    return document if call.item is None else work_out(call.item, document)
