"""A password hasher that costs nothing, so that tests may log in often."""

from __future__ import annotations

from workspaces.hashers import KeywayArgon2Hasher


class CheapHasher(KeywayArgon2Hasher):
    """The product's algorithm at its lowest cost."""

    time_cost = 1
    memory_cost = 8
