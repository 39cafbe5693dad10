"""The one way out: an HTTP client bound to the address of one app.

It follows no redirect, reads no proxy settings, verifies certificates, ends
each call in time, reads no answer without end, and calls no address that the
operator has not allowed. Whatever goes wrong is an error of
`integrations.connectors.base`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import cast

import httpcore2
import httpx2
import orjson

from integrations.connectors.addresses import (
    NOT_AN_ADDRESS,
    AddressRule,
    IPNetwork,
    resolve,
)
from integrations.connectors.base import (
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.network import CheckedBackend, Deadline, Resolver
from integrations.connectors.observing import Sent, observed
from integrations.connectors.redaction import (
    redact_answer,
    redact_body,
    redact_path,
)
from integrations.desired import JSON

UNREACHABLE = (
    "The app cannot be reached. Check its address, and that it is running and can "
    "be reached from Keyway."
)
UNFINISHED = "The app began an answer and did not finish it in time."
UNTRUSTED = (
    "The app's certificate cannot be trusted: it is self-signed, expired or made "
    "for another name. The app's administrator must mend it."
)
REDIRECTED = (
    "The app redirects to another address. Enter the address that it redirects to."
)
UNSENDABLE = "The change holds a value that cannot be sent to the app."
TOO_LARGE = "The app's answer is larger than Keyway accepts."
NOT_JSON = (
    "The app answered with something that is not JSON, perhaps a page. If this "
    "stays so, check that its address is that of its API."
)

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 15.0
_TOTAL_SECONDS = 20.0
_LARGEST_ANSWER = 8 * 1024 * 1024
_ENCODINGS = {"", "identity", "gzip", "deflate"}
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an app answered. Its body is shown to nobody."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_redirect(self) -> bool:
        """Whether it sends to another page, which nobody follows."""
        return self.status in _REDIRECTS

    def json(self) -> JSON:
        """Return the body, None if it is empty. Raises TemporaryFailure."""
        if not self.body.strip():
            return None
        try:
            return cast("JSON", orjson.loads(self.body))
        except orjson.JSONDecodeError as error:
            raise TemporaryFailure(NOT_JSON) from error


class OutgoingClient:
    """A client for one app. Used by one thread at a time."""

    def __init__(
        self,
        base_url: str,
        *,
        allowed_networks: Sequence[IPNetwork] = (),
        total_seconds: float = _TOTAL_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
        resolver: Resolver = resolve,
        observe: Observe = unobserved,
    ) -> None:
        """Prepare a client; nothing is sent yet. Raises Misconfigured.

        `ssl_context` pins a private authority; `resolver` is there for tests;
        `observe` hears of each call.
        """
        self._observe = observe
        rule = AddressRule(allowed_networks)
        self._base_url = rule.check_base_url(base_url.rstrip("/"))
        self._deadline = Deadline(total_seconds)
        scheme = self._base_url.scheme
        backend = CheckedBackend(rule, resolver, self._deadline, scheme=scheme)
        self._client = httpx2.Client(
            transport=_Transport(backend, ssl_context),
            timeout=httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            headers={"User-Agent": "Keyway", "Accept-Encoding": "gzip"},
            follow_redirects=False,
            trust_env=False,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: JSON | bytes = None,
        hides: Sequence[str] = (),
        is_login: bool = False,
        returns_redirects: bool = False,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        `path` is percent-encoded, begins with a slash and is put behind the
        base URL. A `body` of None sends none; bytes go as they are. What is noted
        of the call holds none of `hides`, and of a log-in or bytes no body.
        A redirect is never followed: it is an error, or the answer of apps that
        redirect who is not logged in. Raises ConnectorError.
        """
        url = self._url(path, query)
        content = None if body is None else _encoded(body)
        sent_type = {} if body is None else {"Content-Type": "application/json"}
        accepted = {"Accept": "application/json"}
        request = self._client.build_request(
            method,
            url,
            headers={**accepted, **sent_type, **(headers or {})},
            content=content,
        )
        sent = Sent(method, redact_path(path, query, secrets=hides), is_login=is_login)
        if not is_login and not isinstance(body, bytes):
            sent.body = redact_body(body, secrets=hides)
        with observed(sent, self._observe):
            self._deadline.restart()
            response = self._open(request)
            sent.status = response.status_code
            try:
                if response.is_redirect and not returns_redirects:
                    raise Misconfigured(REDIRECTED)
                answer = Answer(
                    response.status_code, response.headers, _read_body(response)
                )
            finally:
                response.close()
            if answer.status >= HTTPStatus.BAD_REQUEST and not is_login:
                sent.answer = redact_answer(answer.body, secrets=hides)
            return answer

    def reach(self) -> None:
        """Return if something answers at the base URL, whatever. Raises ConnectorError.

        A page that redirects to its login is an answer too.
        """
        request = self._client.build_request("GET", self._url("/", None))
        sent = Sent("GET", "/")
        with observed(sent, self._observe):
            self._deadline.restart()
            response = self._open(request)
            sent.status = response.status_code
            response.close()

    @property
    def base_url(self) -> str:
        """The address, without a slash at its end."""
        return str(self._base_url).rstrip("/")

    @property
    def cookies(self) -> dict[str, str]:
        """What the app has set, by name; sent back with each request."""
        return {cookie.name: cookie.value or "" for cookie in self._client.cookies.jar}

    def forget_cookies(self) -> None:
        """Send none of them back any more."""
        self._client.cookies.clear()

    def close(self) -> None:
        """Free the connections."""
        self._client.close()

    def _url(self, path: str, query: Mapping[str, str] | None) -> httpx2.URL:
        try:
            url = httpx2.URL(f"{self._base_url}{path}")
            if query:
                url = url.copy_merge_params(dict(query))
        except httpx2.InvalidURL as error:
            raise PermanentFailure(UNSENDABLE) from error
        if not path.startswith("/") or url.netloc != self._base_url.netloc:
            raise Misconfigured(NOT_AN_ADDRESS)
        return url

    def _open(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return self._client.send(request, stream=True)
        except NETWORK_ERRORS as error:
            if is_about_certificate(error):
                raise Misconfigured(UNTRUSTED) from error
            raise TemporaryFailure(UNREACHABLE) from error


NETWORK_ERRORS = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)


class _Transport(httpx2.BaseTransport):
    """Carries requests over connections of our own backend."""

    def __init__(
        self, backend: CheckedBackend, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context or trusted_authorities(),
            network_backend=backend,
            keepalive_expiry=30,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                request.method,
                httpcore2.URL(
                    scheme=url.raw_scheme,
                    host=url.raw_host,
                    port=url.port,
                    target=url.raw_path,
                ),
                headers=request.headers.raw,
                content=cast("Iterator[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        stream = _BoundedStream(answer)
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream)

    def close(self) -> None:
        self._pool.close()


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Return the system's authorities. Reading them takes 20 ms, so only once."""
    return httpcore2.default_ssl_context()


class _BoundedStream(httpx2.SyncByteStream):
    """The bytes of an answer as they come, but not without end."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._answer.iter_stream():
            size += len(chunk)
            if size > _LARGEST_ANSWER:
                raise PermanentFailure(TOO_LARGE)
            yield chunk

    def close(self) -> None:
        self._answer.close()


def _encoded(body: JSON | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise PermanentFailure(UNSENDABLE) from error


def _read_body(response: httpx2.Response) -> bytes:
    """Return the decoded body.

    Of stacked encodings only the last result is bounded, so they are refused.
    """
    if response.headers.get("Content-Encoding", "").lower() not in _ENCODINGS:
        raise TemporaryFailure(NOT_JSON)
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                raise PermanentFailure(TOO_LARGE)
    except NETWORK_ERRORS as error:
        raise TemporaryFailure(UNFINISHED) from error
    except httpx2.DecodingError as error:
        raise TemporaryFailure(NOT_JSON) from error
    return bytes(body)


def is_about_certificate(error: Exception) -> bool:
    # httpcore2 keeps what it caught as the argument, and cuts off the cause.
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in error.args)
