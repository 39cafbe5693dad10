"""Which network addresses Keyway may call.

Public ones, over TLS. The operator can open others by naming their networks;
a tenant cannot. The rule is applied to addresses, never to names: a name is
resolved once, every address is checked, and the checked address is dialled.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from queue import Empty, SimpleQueue
from threading import Thread

import httpx2

from integrations.connectors.base import Misconfigured

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

WEB_SCHEMES = ("https", "http")

NOT_ALLOWED = (
    "The address of the app is not allowed. Keyway calls public addresses over TLS; "
    "the operator of Keyway can allow others."
)
NOT_AN_ADDRESS = (
    "The address of the app is not usable. It begins with https:// and holds a "
    "host name, and neither a user name nor a query."
)

_GLOBAL_IPV6 = ip_network("2000::/3")
_REFUSED = [
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # the metadata service of Azure, on a public address
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",  # Teredo and other protocol assignments
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",
    )
]
_USUAL_PORTS = {
    "https": (443, 80),
    "ldaps": (636,),
    "ldap": (389,),
    "postgresql": (5432,),
    "postgres": (5432,),
    "syslog+tls": (6514,),
}
"""Of what may go to a public address. `ldap` and `postgres` begin in the clear: their
connectors turn TLS on before anything is said, unless the operator opens the network.
"""
_FIRST_UNPRIVILEGED_PORT = 1024
_LAST_PORT = 65_535


class AddressRule:
    """Public addresses, and the networks that the operator allows."""

    def __init__(self, allowed_networks: Sequence[IPNetwork] = ()) -> None:
        self._allowed_networks = tuple(allowed_networks)

    def check(self, address: IPAddress, *, scheme: str, port: int) -> None:
        """Raise Misconfigured if the address may not be called this way."""
        if self.is_opened(address):
            return
        ports = _USUAL_PORTS.get(scheme, ())
        port_is_usual = port in ports or port >= _FIRST_UNPRIVILEGED_PORT
        if not ports or not port_is_usual or not _is_public(_unwrapped(address)):
            raise Misconfigured(NOT_ALLOWED)

    def is_opened(self, address: IPAddress) -> bool:
        """Say whether the operator opens its network: there TLS is not a must."""
        address = _unwrapped(address)
        return any(address in network for network in self._allowed_networks)

    def check_base_url(
        self, base_url: str, *, schemes: Sequence[str] = WEB_SCHEMES
    ) -> httpx2.URL:
        """Return the address of an app, parsed. Raises Misconfigured.

        Looks at the text alone: a name is resolved, and its addresses are
        checked, when the app is called.
        """
        unusable = _not_an_address(schemes)
        try:
            url = httpx2.URL(base_url)
        except (httpx2.InvalidURL, ValueError) as error:
            raise Misconfigured(unusable) from error
        has_extras = bool(url.userinfo) or any(mark in base_url for mark in "?#\\")
        is_port = 0 < port_of(url) <= _LAST_PORT
        if url.scheme not in schemes or not url.host or has_extras or not is_port:
            raise Misconfigured(unusable)
        try:
            literal = ip_address(url.host)
        except ValueError:
            return url
        self.check(literal, scheme=url.scheme, port=port_of(url))
        return url


def origin_of(base_url: str) -> str:
    """Return scheme, host and port of an address: `https://bi.example.com:8443`.

    Read as the client reads it, so that the two cannot differ. A usual port is left
    out. Raises Misconfigured.
    """
    try:
        url = httpx2.URL(base_url)
        without = url.copy_with(port=None)
        if port_of(without) == port_of(url):
            url = without
        return f"{url.scheme}://{url.netloc.decode('ascii')}"
    except (httpx2.InvalidURL, ValueError) as error:
        raise Misconfigured(NOT_AN_ADDRESS) from error


def port_of(url: httpx2.URL) -> int:
    """Return the port of an address, the usual one of its scheme if it names none."""
    return url.port or _USUAL_PORTS.get(url.scheme, (80,))[0]


def resolve(host: str, seconds: float) -> list[IPAddress]:
    """Return the addresses of a host name; none if it has none or time runs out."""
    answers: SimpleQueue[list[IPAddress]] = SimpleQueue()
    # The system's resolver takes no time limit, so it is left behind in its thread.
    Thread(target=lambda: answers.put(_look_up(host)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return []


def _look_up(host: str) -> list[IPAddress]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def _not_an_address(schemes: Sequence[str]) -> str:
    beginnings = " or ".join(f"{scheme}://" for scheme in schemes if scheme != "http")
    return NOT_AN_ADDRESS.replace("https://", beginnings)


def _unwrapped(address: IPAddress) -> IPAddress:
    """Return the IPv4 address of `::ffff:a.b.c.d`: that is what gets dialled."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _is_public(address: IPAddress) -> bool:
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return False
    refused = address.is_multicast or address.is_reserved or not address.is_global
    return not refused and not any(address in network for network in _REFUSED)
