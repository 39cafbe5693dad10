"""A client for one directory: operations in, results or one of our errors out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPInvalidDnError,
    LDAPInvalidFilterError,
)
from pyasn1.error import PyAsn1Error

from integrations.connectors import client as outgoing
from integrations.connectors.addresses import AddressRule, IPNetwork, resolve
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import GONE, AccountGone
from integrations.connectors.ldap.answers import NO_DN, NO_TLS, Code, error_for
from integrations.connectors.ldap.blueprint import SCHEMES
from integrations.connectors.ldap.wire import Dialler, Socket, connection_on
from integrations.connectors.network import Deadline, Resolver
from integrations.connectors.observing import Sent, observed
from integrations.connectors.redaction import (
    redact_answer,
    redact_body,
    redact_path,
    redact_text,
)
from integrations.desired import JSON, Connection

NOT_LDAP = (
    "The app answered with something that is not LDAP. If this stays so, check that "
    "its address is that of its directory."
)
_TOTAL_SECONDS = 20.0
_START_TLS = "1.3.6.1.4.1.1466.20037"
_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_MOST_PAGES = 10_000
_WHATEVER = range(0x10000)
"""Every result code."""
_GARBLED = (
    LDAPExceptionError,
    PyAsn1Error,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What ldap3 raises while it takes apart an answer that is none."""

Changes = Mapping[str, tuple[str, Sequence[str]]]
"""By attribute: `add`, `delete` or `replace`, and the values; none is all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the directory gave it; the names of attributes in small letters."""

    dn: str
    values: Mapping[str, tuple[str, ...]]

    def first(self, attribute: str) -> str:
        """Return the first value of an attribute, empty if it has none."""
        values = self.values.get(attribute.lower(), ())
        return values[0] if values else ""

    def all(self, attribute: str) -> tuple[str, ...]:
        """Return every value of an attribute."""
        return self.values.get(attribute.lower(), ())


class LdapClient:
    """Speaks with one directory as one service account. Used by one thread at a time.

    Connects, and binds, when first needed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        always_tls: bool = False,
        allowed_networks: Sequence[IPNetwork] = (),
        total_seconds: float = _TOTAL_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
        resolver: Resolver = resolve,
        observe: Observe = unobserved,
    ) -> None:
        """Prepare a client; nothing is sent yet. Raises Misconfigured.

        `ssl_context` pins a private authority; `resolver` is there for tests.
        """
        self._user, self._password = connection.username, connection.secret
        self._observe = observe
        self._deadline = Deadline(total_seconds)
        rule = AddressRule(allowed_networks)
        self._dialler = Dialler(
            rule.check_base_url(connection.base_url, schemes=SCHEMES),
            rule=rule,
            resolver=resolver,
            deadline=self._deadline,
            context=lambda: ssl_context or outgoing.trusted_authorities(),
            always_tls=always_tls,
        )
        self._socket: Socket | None = None
        self._ldap: Any = None
        self._is_bound = False

    def reach(self) -> None:
        """Return if a directory answers at the address, whatever it says."""
        self._ask(
            Sent("SEARCH", "?base"),
            lambda ldap: ldap.search("", "(objectClass=*)", ldap3.BASE),
            fine=_WHATEVER,
            as_somebody=False,
        )

    def bind(self) -> None:
        """Log in, if that is not done yet. Raises Misconfigured if it is refused."""
        if self._is_bound and self._ldap is not None:
            return
        if not self._password:
            # A bind without a password succeeds, and logs nobody in: RFC 4513 5.1.2.
            raise error_for(49, "")
        self._ask(
            Sent("BIND", redact_path(self._user), is_login=True),
            lambda ldap: ldap.bind(read_server_info=False),
            as_somebody=False,
        )
        self._is_bound = True

    def pages(
        self, base: str, query: str, attributes: Sequence[str], *, size: int
    ) -> Iterator[list[Entry]]:
        """Yield the entries below `base`, page by page, to the last one."""
        cookie: bytes | None = None
        for _ in range(_MOST_PAGES):
            page, cookie = self._page(base, query, attributes, size, cookie)
            yield page
            if not cookie:
                return
        raise TemporaryFailure(NOT_LDAP)

    def find(self, base: str, query: str, attributes: Sequence[str]) -> list[Entry]:
        """Return the entries below `base` that a query of a handful finds."""
        return [
            e for page in self.pages(base, query, attributes, size=50) for e in page
        ]

    def read_base(self, base: str) -> None:
        """Return if the service account may see this entry."""
        self._ask(
            Sent("SEARCH", redact_path(f"{base}?base")),
            lambda ldap: ldap.search(base, "(objectClass=*)", ldap3.BASE),
        )

    def add(self, dn: str, values: Mapping[str, Sequence[str]]) -> None:
        """Make an entry. Raises PermanentFailure if there is one of this name."""
        body: JSON = {name: list(each) for name, each in values.items()}
        wire = {name: _encoded(each) for name, each in values.items()}
        self._ask(
            Sent("ADD", redact_path(dn), redact_body(body)),
            lambda ldap: ldap.add(dn, attributes=wire),
        )

    def modify(self, dn: str, changes: Changes, *, fine: Sequence[Code] = ()) -> Code:
        """Change attributes; return the code, which is a success or in `fine`.

        Raises AccountGone if there is no such entry.
        """
        body: JSON = {name: {how: list(v)} for name, (how, v) in changes.items()}
        sent = Sent("MODIFY", redact_path(dn), redact_body(body))
        wire = {
            name: [(f"MODIFY_{how.upper()}", _encoded(values))]
            for name, (how, values) in changes.items()
        }
        result = self._ask(
            sent, lambda ldap: ldap.modify(dn, wire), fine=fine, is_change=True
        )
        return Code(result["result"])

    def rename(self, dn: str, rdn: str, *, new_base: str | None = None) -> None:
        """Give an entry another RDN or another place. Raises AccountGone."""
        body: JSON = {"newrdn": rdn, "newSuperior": new_base}
        self._ask(
            Sent("MODRDN", redact_path(dn), redact_body(body)),
            lambda ldap: ldap.modify_dn(dn, rdn, new_superior=new_base),
            is_change=True,
        )

    def delete(self, dn: str) -> None:
        """Make sure that there is no such entry."""
        self._ask(
            Sent("DELETE", redact_path(dn)),
            lambda ldap: ldap.delete(dn),
            fine=[Code.NO_SUCH_ENTRY],
        )

    def set_password(self, dn: str, password: str) -> None:
        """Give an entry a password, which the directory hashes. RFC 3062."""

        def change(ldap: Any) -> None:
            ldap.extend.standard.modify_password(user=dn, new_password=password)

        sent = Sent("PASSWORD", redact_path(dn))
        self._ask(sent, change, hides=[password], is_change=True)

    def close(self) -> None:
        """End the connection. Never raises."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._ldap, self._is_bound = None, None, False

    def _page(
        self,
        base: str,
        query: str,
        attributes: Sequence[str],
        size: int,
        cookie: bytes | None,
    ) -> tuple[list[Entry], bytes | None]:
        def search(ldap: Any) -> None:
            ldap.search(
                base,
                query,
                ldap3.SUBTREE,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                paged_size=size,
                paged_criticality=True,
                paged_cookie=cookie,
            )

        result = self._ask(Sent("SEARCH", redact_path(f"{base}?sub?{query}")), search)
        found = [
            _entry(each)
            for each in self._ldap.response or []
            if each["type"] == "searchResEntry"
        ]
        paging = (result.get("controls") or {}).get(_PAGED_RESULTS, {})
        return found, paging.get("value", {}).get("cookie") or None

    def _ask(
        self,
        sent: Sent,
        act: Callable[[Any], object],
        *,
        fine: Container[int] = (),
        hides: Sequence[str] = (),
        is_change: bool = False,
        as_somebody: bool = True,
    ) -> dict[str, Any]:
        """Send one request and return its result: a success, or a code in `fine`."""
        if as_somebody:
            self.bind()
        with observed(sent, self._observe):
            result = self._answered(act)
            sent.status = code = int(result["result"])
            if code == Code.SUCCESS or code in fine:
                return result
            words, secrets = str(result["message"] or ""), [self._password, *hides]
            if not sent.is_login:
                sent.answer = redact_answer(words.encode(), secrets=secrets)
            if code == Code.NO_SUCH_ENTRY and is_change:
                raise AccountGone(GONE)
            raise error_for(code, redact_text(words, secrets=secrets))

    def _answered(self, act: Callable[[Any], object]) -> dict[str, Any]:
        """Return what the directory says to a request. Raises ConnectorError."""
        self._deadline.restart()
        try:
            ldap = self._connected()
            act(ldap)
            result: dict[str, Any] = {"message": "", **ldap.result}
            int(result["result"])
        except (LDAPInvalidDnError, LDAPInvalidFilterError) as error:
            raise Misconfigured(NO_DN) from error
        except ConnectorError:
            self.close()
            raise
        except (*outgoing.NETWORK_ERRORS, *_GARBLED) as error:
            self.close()
            raise _error_of(error) from error
        return result

    def _connected(self) -> Any:
        if self._socket is None or self._ldap is None or self._ldap.closed:
            self.close()
            self._socket, must_start_tls = self._dialler.dial()
            self._ldap = connection_on(
                self._socket, user=self._user, password=self._password
            )
            if must_start_tls:
                self._start_tls(self._socket)
        self._socket.new_call()
        return self._ldap

    def _start_tls(self, sock: Socket) -> None:
        """Go on over TLS. Raises Misconfigured if the directory has none."""
        self._ldap.extended(_START_TLS)
        if self._ldap.result["result"] != Code.SUCCESS:
            raise Misconfigured(NO_TLS)
        self._dialler.start_tls(sock)


def _error_of(error: Exception) -> ConnectorError:
    if isinstance(error, _GARBLED):
        return TemporaryFailure(NOT_LDAP)
    if outgoing.is_about_certificate(error):
        return Misconfigured(outgoing.UNTRUSTED)
    return TemporaryFailure(outgoing.UNREACHABLE)


def _encoded(values: Sequence[str]) -> list[bytes]:
    try:
        return [value.encode() for value in values]
    except UnicodeEncodeError as error:
        raise PermanentFailure(outgoing.UNSENDABLE) from error


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(
        dn=found["dn"],
        values={
            name.lower(): tuple(value.decode(errors="replace") for value in values)
            for name, values in found["raw_attributes"].items()
        },
    )
