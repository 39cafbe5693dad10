"""How passwords are kept."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class KeywayArgon2Hasher(Argon2PasswordHasher):
    """Argon2id at OWASP's lower memory setting: 19 MiB, 2 passes, 1 lane.

    About 28 ms a check; the library's 100 MiB default would let a few log-ins
    at once take the memory of the web process.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
