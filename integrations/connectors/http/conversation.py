"""A logged-in conversation: calls, what they read first, and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urljoin, urlsplit

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
)
from integrations.connectors.client import Answer, OutgoingClient
from integrations.connectors.expressions import ExpressionFailed, work_out
from integrations.connectors.failures import SESSION_REFUSED, UNEXPECTED
from integrations.connectors.http.blueprint import Blueprint, Call, Change
from integrations.connectors.http.logging_in import WRONG_ADDRESS, LogIn
from integrations.connectors.http.sending import Sender
from integrations.connectors.meanings import (
    ChangedMeanwhile,
    Meaning,
    document_of,
    error_for,
)
from integrations.connectors.redaction import redact_text
from integrations.desired import JSON, Connection

NO_SUCH_LOGIN = (
    "The app's manifest has no login of this kind. Choose a service account with "
    "another login workflow."
)

_MOST_TRIES = 3


class Conversation:
    """Sends the calls of one blueprint as one service account."""

    def __init__(
        self, blueprint: Blueprint, connection: Connection, client: OutgoingClient
    ) -> None:
        """Prepare it; nothing is sent yet. Raises Misconfigured."""
        login = blueprint.logins.get(connection.login_workflow)
        if login is None:
            raise Misconfigured(NO_SUCH_LOGIN)
        self._blueprint = blueprint
        self._client = client
        self._sender = Sender(
            client,
            connection,
            blueprint.config,
            redirects_mean_refused=login.style == "form",
        )
        self._log_in = LogIn(login, connection, self._sender)
        self._looked_up: dict[str, JSON] = {}

    def ask(
        self,
        call: Call,
        values: Mapping[str, JSON] | None = None,
        *,
        path: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a call and return its answer, which is fine. Raises ConnectorError.

        The error is AccountGone if the call was about an account that is gone.
        `path` and `query` take the place of the call's own.
        """
        known = dict(values or {})
        self._read_first(call.reads, known)
        answer, meaning = self._send_logged_in(call, known, path=path, query=query)
        if meaning is Meaning.FINE:
            return answer
        if meaning is Meaning.GONE and "id" not in known:
            raise Misconfigured(WRONG_ADDRESS)
        raise self._error(answer, meaning)

    def change(self, change: Change, values: Mapping[str, JSON]) -> None:
        """Make the first call of the change that applies. Raises ConnectorError.

        None applies where all is as it should be. What somebody else changed
        meanwhile is read again and the change made once more.
        """
        for tries_left in reversed(range(_MOST_TRIES)):
            try:
                self._make(change, dict(values))
            except ChangedMeanwhile:
                if not tries_left:
                    raise
            else:
                return

    def reach(self) -> None:
        """Return if something answers at the app's address. Raises ConnectorError."""
        self._client.reach()

    def log_in(self, probe: Call) -> None:
        """Return if the app takes the login. Raises ConnectorError.

        Where the login goes with each call, `probe` shows it: whether its answer
        is otherwise fine is for `ask` to say.
        """
        headers = self._log_in.headers()
        if self._log_in.makes_session:
            return
        answer, meaning = self._send(probe, {}, headers)
        if meaning in {Meaning.REFUSED, Meaning.RATE, Meaning.TEMPORARY}:
            raise self._error(answer, meaning)

    def account_document(self, external_id: str) -> JSON:
        """Return the app's own form of an account. Raises AccountGone."""
        return self._account(external_id)[0]

    def looked_up(self, name: str) -> JSON:
        """Return what a lookup of the manifest gives, asked for once."""
        if name not in self._looked_up:
            self._looked_up[name] = self._look_up(name, {})
        return self._looked_up[name]

    def _look_up(self, name: str, values: Mapping[str, JSON]) -> JSON:
        call = self._blueprint.lookups[name]
        found = selected(call, self.ask(call, values))
        if found is None:
            raise Misconfigured(
                f"The app has no {name.replace('_', ' ')} as the manifest "
                "names it. Change the manifest or add it in the app."
            )
        return found

    def path_of(self, link: str) -> tuple[str, dict[str, str]]:
        """Return path and query of a link that the app gave, as `ask` takes them.

        Raises PermanentFailure if it leads out of the app.
        """
        base = self._client.base_url
        url = urljoin(f"{base}/", link)
        if not url.startswith(f"{base}/"):
            raise PermanentFailure(UNEXPECTED)
        parts = urlsplit(url.removeprefix(base))
        return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))

    def close(self) -> None:
        """Free the connections."""
        self._client.close()

    def _account(self, external_id: str) -> tuple[JSON, str | None]:
        """Return the app's own form of an account, and its ETag if it has one."""
        call = self._blueprint.calls["get_account"]
        answer = self.ask(call, {"id": external_id})
        document = selected(call, answer)
        if document is None:
            raise PermanentFailure(UNEXPECTED)
        return document, answer.headers.get("ETag")

    def _make(self, change: Change, known: dict[str, JSON]) -> None:
        self._read_first(change.reads, known)
        for name, expression in change.let.items():
            known[name] = work_out(expression, known)
        for call in change.calls:
            self._read_first(call.reads, known)
            if call.when is None or work_out(call.when, known) is True:
                self.ask(call, known)
                return

    def _read_first(self, names: Sequence[str], known: dict[str, JSON]) -> None:
        """Add what the manifest reads before a call, unless it is known."""
        for name in names:
            if name in known:
                continue
            if name == "current":
                known["current"], known["etag"] = self._account(str(known["id"]))
            elif "id" in self._blueprint.lookups[name].names():
                known[name] = self._look_up(name, {"id": known["id"]})
            else:
                known[name] = self.looked_up(name)

    def _send_logged_in(
        self,
        call: Call,
        values: Mapping[str, JSON],
        *,
        path: str,
        query: Mapping[str, str] | None,
    ) -> tuple[Answer, Meaning]:
        is_new = not self._log_in.has_session
        headers = self._log_in.headers()
        answer, meaning = self._send(call, values, headers, path=path, query=query)
        if meaning is not Meaning.REFUSED or not self._log_in.makes_session:
            return answer, meaning
        if not is_new:
            self._log_in.forget()
            headers = self._log_in.headers()
            answer, meaning = self._send(call, values, headers, path=path, query=query)
        if meaning is Meaning.REFUSED:
            raise Misconfigured(SESSION_REFUSED)
        return answer, meaning

    def _send(
        self,
        call: Call,
        values: Mapping[str, JSON],
        headers: Mapping[str, str],
        *,
        path: str = "",
        query: Mapping[str, str] | None = None,
    ) -> tuple[Answer, Meaning]:
        return self._sender.send(
            call,
            {**values, "session": self._log_in.session},
            headers,
            hides=self._secrets(values),
            path=path,
            query=query,
        )

    def _error(self, answer: Answer, meaning: Meaning) -> ConnectorError:
        return error_for(
            meaning,
            answer,
            said=self._said(answer),
            credentials=self._log_in.credentials,
        )

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
        fresh = values.get("new_password")
        own = [fresh] if isinstance(fresh, str) else []
        return [*self._log_in.secrets(), *own]


def selected(call: Call, answer: Answer) -> JSON:
    """Return the part of the answer that the call's `item` names, or all of it."""
    document = answer.json()
    return document if call.item is None else work_out(call.item, document)
