"""Requests and answers as plain values, and the table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None

Handler = Callable[..., "Response"]

_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Refusal(Exception):
    """A request that is not carried out: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class DropConnection(Exception):
    """End the connection without an answer. Only a switched-on fault asks for it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> dict[str, JSON]:
        """Return the body, which must be one JSON object."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "not_json", "The body is not JSON.") from error
        if not isinstance(document, dict):
            raise Refusal(400, "not_an_object", "The body is not one JSON object.")
        return document

    def form(self) -> dict[str, str]:
        """Return the fields of a submitted form."""
        text = self.body.decode(errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True))

    def cookie(self, name: str) -> str:
        """Return the cookie's value, or an empty string."""
        try:
            cookies = SimpleCookie(self.headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[name].value if name in cookies else ""

    def number(self, name: str, *, default: int) -> int:
        """Return a query parameter as a number of at least 1."""
        text = self.query.get(name, "")
        return max(1, int(text)) if re.fullmatch(r"[0-9]{1,9}", text) else default


@dataclass(slots=True)
class Response:
    """One HTTP answer."""

    status: int = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def all_headers(self) -> list[tuple[str, str]]:
        """Return every header to send."""
        length = [("Content-Length", str(len(self.body)))]
        kind = [("Content-Type", self.content_type)] if self.body else []
        return [*kind, *length, *_SECURITY_HEADERS.items(), *self.headers]


def json_response(value: JSON, status: int = HTTPStatus.OK) -> Response:
    """Return `value` as a JSON answer."""
    return Response(status, "application/json", json.dumps(value).encode())


def html_response(page: str, status: int = HTTPStatus.OK) -> Response:
    """Return an HTML page."""
    return Response(status, body=page.encode())


def redirect(location: str) -> Response:
    """Send the browser to another page of the app with a GET."""
    return Response(HTTPStatus.SEE_OTHER, headers=[("Location", location)])


class Routes:
    """Which handler answers which method and path.

    A handler is called as `handler(store, request, **numbers)`, where the numbers
    are the `{name}` parts of its path.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Return a decorator that registers a handler."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[0-9]{1,15})", path))

        def register(handler: Handler) -> Handler:
            self._routes.append((method, pattern, handler))
            return handler

        return register

    def find(self, request: Request) -> tuple[Handler, dict[str, int]]:
        """Return the handler and its numbers. Raises Refusal if there is none."""
        method_missing = False
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler, {k: int(v) for k, v in match.groupdict().items()}
            method_missing = method_missing or match is not None
        if method_missing:
            raise Refusal(405, "method_not_allowed", "That is not possible here.")
        raise Refusal(404, "not_found", "There is nothing at this address.")
