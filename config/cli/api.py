"""The management API as the command line calls it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote

import httpx2

from config.cli.credentials import Credentials
from config.cli.errors import Forbidden, NotLoggedIn, Refused, Unreachable

JSON = Any
_SECONDS = 60.0
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Api:
    """Calls of one person to one Keyway; a context manager, which hangs up."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._url = credentials.url
        self._client = httpx2.Client(
            base_url=f"{credentials.url}/api",
            headers={
                "Authorization": f"Bearer {credentials.token}",
                "User-Agent": "keyway-cli",
            },
            timeout=_SECONDS,
            follow_redirects=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(self, path: str, **query: str) -> JSON:
        """Return what is at a path. Raises CliError."""
        return self._call("GET", path, query=query)

    def post(self, path: str, body: JSON = None) -> JSON:
        """Make something, once even if the answer was lost. Raises CliError."""
        return self._call("POST", path, body=body, key=str(uuid.uuid4()))

    def delete(self, path: str) -> None:
        """Delete what is at a path. Raises CliError."""
        self._call("DELETE", path)

    def pages(self, path: str, *, size: int = 200) -> Iterator[JSON]:
        """Yield each row of a list, `size` (1 to 200) a page. Raises CliError."""
        query = {"limit": str(size)}
        while True:
            page = self.get(path, **query)
            yield from page["data"]
            if not page["nextCursor"]:
                return
            query["cursor"] = page["nextCursor"]

    def download(self, path: str, **query: str) -> Iterator[bytes]:
        """Yield a file piece by piece, as it comes. Raises CliError."""
        try:
            with self._client.stream("GET", path, params=query) as answer:
                if "Content-Disposition" not in answer.headers:
                    answer.read()
                    self._read(answer)
                    raise Unreachable(
                        f"{self._url} answered without a file. Check that this is the "
                        "address of Keyway itself."
                    )
                yield from answer.iter_bytes()
        except httpx2.TransportError as error:
            raise self._no_answer(error) from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JSON = None,
        key: str = "",
    ) -> JSON:
        headers = {"Idempotency-Key": key} if key else {}
        sent = {"json": body} if body is not None else {}
        if body is None and method == "POST":
            headers["Content-Type"] = "application/json"
        try:
            answer = self._client.request(
                method, path, params=query, headers=headers, **sent
            )
        except httpx2.TransportError as error:
            raise self._no_answer(error) from None
        return self._read(answer)

    def _no_answer(self, error: httpx2.TransportError) -> Unreachable:
        return Unreachable(
            f"{self._url} does not answer ({type(error).__name__}). Check the "
            "address, and that Keyway runs."
        )

    def _read(self, answer: httpx2.Response) -> JSON:
        """Return the body of an answer. Raises CliError for a problem (RFC 9457)."""
        if answer.is_success and not answer.content:
            return None
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.is_success and body is not None:
            return body
        if not isinstance(body, dict) or "detail" not in body:
            raise Unreachable(
                f"{self._url} answered {answer.status_code} without a reason. Check "
                "that this is the address of Keyway itself."
            )
        if answer.status_code == _UNAUTHORIZED:
            raise NotLoggedIn("Keyway does not take this token.")
        kind = Forbidden if answer.status_code == _FORBIDDEN else Refused
        raise kind(_problem(body))


def segment(text: str) -> str:
    """Return a part of a path, so that what was typed names nothing else."""
    return quote(text, safe="")


def _problem(body: Mapping[str, Any]) -> str:
    """Return a problem in words: the detail, and what is wrong with which field."""
    errors = body.get("errors") or []
    fields = (f"{e['pointer'].lstrip('#/') or 'body'}: {e['detail']}" for e in errors)
    return "\n".join([str(body["detail"]), *fields])
