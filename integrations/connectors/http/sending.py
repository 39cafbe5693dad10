"""One call of a manifest becomes one request, and its answer gets its meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from integrations.connectors.client import Answer, OutgoingClient
from integrations.connectors.http.blueprint import Call
from integrations.connectors.http.filling import fill
from integrations.connectors.meanings import Meaning, meaning_of
from integrations.desired import JSON, Connection


class Sender:
    """Sends calls to one app, with the manifest's constants among their values."""

    def __init__(
        self,
        client: OutgoingClient,
        connection: Connection,
        config: Mapping[str, JSON],
        *,
        redirects_mean_refused: bool,
    ) -> None:
        self.client = client
        self._redirects_mean_refused = redirects_mean_refused
        place = urlsplit(client.base_url)
        self._config: JSON = {
            **config,
            "identifier": connection.identifier,
            "base_url": client.base_url,
            "origin": f"{place.scheme}://{place.netloc}",
        }

    def send(
        self,
        call: Call,
        values: Mapping[str, JSON],
        headers: Mapping[str, str],
        *,
        hides: Sequence[str],
        is_login: bool = False,
        query: Mapping[str, str] | None = None,
        path: str = "",
    ) -> tuple[Answer, Meaning]:
        """Send the call and say what its answer means. Raises ConnectorError.

        `path` and `query` take the place of the call's own.
        """
        filled = fill(call, {**values, "config": self._config})
        answer = self.client.request(
            filled.method,
            path or filled.path,
            query=query if path else filled.query,
            headers={**headers, **filled.headers},
            body=filled.body,
            hides=hides,
            is_login=is_login,
            returns_redirects=self._redirects_mean_refused,
        )
        if answer.is_redirect:
            return answer, Meaning.REFUSED
        return answer, meaning_of(answer, call.errors)
