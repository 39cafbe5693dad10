"""Tokens that somebody found where they do not belong, and hands in.

Whoever has the value could use the token, so the value is all the proof that is asked
for: no account, no signature. A key without its secret ends nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from tokens import api_tokens, credential, services
from tokens.credential import Kind
from tokens.models import AccessToken, ApiToken, ClientSecret, ScimToken
from tokens.oauth import clients
from workspaces.rate_limits import RateLimit

REPORTS_A_SECOND = 1.0
BURST = 30
REPORTS_A_SECOND_OF_ONE = 0.2
BURST_OF_ONE = 10
_limit = RateLimit("leaks")
Kept = ScimToken | ApiToken | ClientSecret | AccessToken
_KINDS: dict[Kind, type[Kept]] = {
    Kind.GATEWAY: ScimToken,
    Kind.DIRECTORY_SYNC: ScimToken,
    Kind.MANAGEMENT_API: ApiToken,
    Kind.CLIENT: ClientSecret,
    Kind.ACCESS: AccessToken,
}


def wait_seconds(address: str) -> int:
    """Take one report of an address; 0 if it may go on, else how long to wait."""
    own = _limit.take(address, rate=REPORTS_A_SECOND_OF_ONE, burst=BURST_OF_ONE)
    return own.wait or _limit.take("all", rate=REPORTS_A_SECOND, burst=BURST).wait


def reset() -> None:
    """Forget who reported how often."""
    _limit.reset()


@sensitive_variables("value", "given")
def report(value: str, *, now: datetime) -> bool:
    """Revoke the token of which this is the value, and tell its administrators.

    Says whether it was one that nobody had reported before, which whoever reports it
    must not learn.
    """
    given = credential.parse(value.strip())
    if given is None:
        return False
    rows = _KINDS[given.kind]._default_manager  # noqa: SLF001  public by the docs
    token: Kept | None = rows.filter(key=given.key).first()
    pepper = settings.KEYWAY_TOKEN_KEYS.get(token.digest_key) if token else None
    if token is None or pepper is None:
        return False
    if not credential.verify(given, token.digest, pepper):
        return False
    return _end(token, now)


def _end(token: Kept, now: datetime) -> bool:
    if isinstance(token, ApiToken):
        return api_tokens.end_leaked(token, now=now)
    if isinstance(token, ClientSecret):
        return clients.end_leaked_secret(token, now=now)
    if isinstance(token, AccessToken):
        return clients.end_leaked_access(token, now=now)
    return services.end_leaked(token, now=now)
