"""What an opener may be used for, and from where. No tables and no settings here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.db import models

MOST_NETWORKS = 50
Network = IPv4Network | IPv6Network
_POOL = {4: 24, 6: 64}
_NEIGHBOURS = {4: 3, 6: 2}
"""So many addresses of one range of the length above are taken for a pool."""


class NetworkRule(models.TextChoices):
    """What becomes of a request from an address that is not allowed."""

    ANY = "any", "Any address"
    REPORT = "report", "Report first: list other addresses"
    ENFORCE = "enforce", "Enforce: refuse other addresses"


class NoNetwork(ValueError):
    """A text that is no address and no range. Its text is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"“{text[:60]}” is no address or range. Enter one such as 203.0.113.7 or "
            "203.0.113.0/24."
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an opener reaches; as it stands, the whole directory from anywhere."""

    is_read_only: bool = False
    network_rule: str = NetworkRule.ANY
    networks: tuple[str, ...] = ()
    email_domains: tuple[str, ...] = ()

    def as_columns(self) -> dict[str, bool | str | list[str]]:
        """Return them as an opener's row keeps them."""
        return {
            "is_read_only": self.is_read_only,
            "network_rule": self.network_rule,
            "networks": list(self.networks),
            "email_domains": list(self.email_domains),
        }

    def covers(self, address: str | None) -> bool:
        """Say whether the address is in one of the ranges."""
        if not address:
            return False
        given = ip_address(address)
        if isinstance(given, IPv6Address) and given.ipv4_mapped:
            given = given.ipv4_mapped
        return any(given in _network(text) for text in self.networks)

    def allows_from(self, address: str | None) -> bool:
        """Say whether a request from the address is let through."""
        return self.network_rule != NetworkRule.ENFORCE or self.covers(address)


def read_networks(text: str) -> list[str]:
    """Return the ranges of a text in their shortest form, each once, in order.

    Commas, blanks and lines part them. Raises NoNetwork.
    """
    found: list[str] = []
    for part in text.replace(",", " ").split():
        try:
            network = _network(part)
        except ValueError:
            raise NoNetwork(part) from None
        found.append(shortest(network))
    return list(dict.fromkeys(found))


def learnt_networks(addresses: Sequence[str]) -> list[str]:
    """Return the ranges to allow for addresses that were seen, in their order.

    Clouds send from pools: neighbours are offered as the range they share (three of an
    IPv4 /24, two of an IPv6 /64), an address that stands alone as itself.
    """
    pools = [_pool(address) for address in addresses]
    seen = Counter(pools)
    found = [
        shortest(pool) if seen[pool] >= _NEIGHBOURS[pool.version] else address
        for address, pool in zip(addresses, pools, strict=True)
    ]
    return list(dict.fromkeys(found))


def shortest(network: Network) -> str:
    """Return a range as text; a single address without its length."""
    return str(network[0] if network.num_addresses == 1 else network)


def in_words(limits: Limits) -> Sequence[str]:
    """Return what an opener is limited to, for its line in the list."""
    words = ["Read only"] if limits.is_read_only else []
    if limits.network_rule != NetworkRule.ANY:
        count = len(limits.networks)
        ranges = f"{count} network{'' if count == 1 else 's'}"
        is_report = limits.network_rule == NetworkRule.REPORT
        words.append(f"{ranges}, report first" if is_report else ranges)
    return [*words, *limits.email_domains]


def _pool(address: str) -> Network:
    given = ip_address(address)
    return ip_network(f"{given}/{_POOL[given.version]}", strict=False)


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    return ip_network(text, strict=False)
