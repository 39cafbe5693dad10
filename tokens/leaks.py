"""Tokens that somebody found where they do not belong, and hands in.

Whoever has the value could use the token, so the value is all the proof that is asked
for: no account, no signature. A key without its secret ends nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from tokens import credential, services
from tokens.models import ScimToken
from workspaces.buckets import Buckets

REPORTS_A_SECOND = 1.0
BURST = 30
REPORTS_A_SECOND_OF_ONE = 0.2
BURST_OF_ONE = 10
_buckets = Buckets()


def wait_seconds(address: str) -> int:
    """Take one report of an address; 0 if it may go on, else how long to wait."""
    own = _buckets.wait_seconds(
        address, rate=REPORTS_A_SECOND_OF_ONE, burst=BURST_OF_ONE
    )
    return own or _buckets.wait_seconds("all", rate=REPORTS_A_SECOND, burst=BURST)


def reset() -> None:
    """Forget who reported how often."""
    _buckets.reset()


@sensitive_variables("value", "given")
def report(value: str, *, now: datetime) -> bool:
    """Revoke the token of which this is the value, and tell its administrators.

    Says whether it was one that nobody had reported before, which whoever reports it
    must not learn.
    """
    given = credential.parse(value.strip())
    if given is None:
        return False
    token = ScimToken.objects.filter(key=given.key).first()
    if token is None:
        return False
    pepper = settings.KEYWAY_TOKEN_KEYS.get(token.digest_key)
    if pepper is None or not credential.verify(given, token.digest, pepper):
        return False
    return services.end_leaked(token, now=now)
