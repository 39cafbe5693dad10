"""Access tokens by client credentials: RFC 6749 section 4.4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from django.views.decorators.debug import sensitive_variables

from tokens import credential, services
from tokens.audit import Action
from tokens.credential import Kind
from tokens.models import AccessToken, ClientSecret, OAuthClient, UsedAssertion
from tokens.oauth import proof
from tokens.oauth.clients import digested
from tokens.oauth.proof import Proven
from tokens.opener import Opener
from tokens.usage import Use
from workspaces import audit
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job
from workspaces.rate_limits import RateLimit

GRANT = "client_credentials"
SCOPE = "scim"
LIFETIME = timedelta(hours=1)
PRUNE = "tokens.prune_oauth"
PRUNE_EVERY = timedelta(hours=1)
_KEPT = timedelta(days=1)
"""How long an access token that has ended is still told from one that never was."""

REQUESTS_A_SECOND_OF_ONE_ADDRESS = 2.0
BURST_OF_ONE_ADDRESS = 60
TOKENS_A_SECOND_OF_ONE_CLIENT = 0.1
BURST_OF_ONE_CLIENT = 30
_of_address = RateLimit("oauth-address")
_of_client = RateLimit("oauth-client")


class OAuthError(Exception):
    """A request gets no token: RFC 6749 section 5.2. Both texts go to the client."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


class NotProven(OAuthError):
    """The client is not who it says. It does not tell why."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_client",
            "The client is unknown, revoked, or did not prove itself. Check client id "
            "and secret, or the signed JWT, in Keyway under OAuth clients.",
            status=401,
        )


class TooMany(OAuthError):
    """Too many requests of one address, or tokens for one client."""

    def __init__(self, wait: int) -> None:
        super().__init__(
            "temporarily_unavailable",
            f"Too many requests. Keep an access token for its hour, and ask again in {wait} s.",
            status=429,
        )
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Granted:
    """A new access token, which exists nowhere else, and how long it lives."""

    plaintext: str = field(repr=False)
    seconds: int


@sensitive_variables()
def grant(
    directory: Directory,
    params: Mapping[str, str],
    *,
    authorization: str,
    address: str,
    now: datetime,
) -> Granted:
    """Give the client that a request proves an access token. Raises OAuthError.

    Of `directory` only the key is read: who asks need not know whether it exists.
    """
    _take(_of_address, address, REQUESTS_A_SECOND_OF_ONE_ADDRESS, BURST_OF_ONE_ADDRESS)
    _check_grant(params.get("grant_type", ""))
    try:
        proven = proof.prove(
            proof.read(authorization, params),
            directory.key,
            audiences=(token_url(directory), directory.base_url),
            now=now,
        )
    except proof.Ambiguous as error:
        raise OAuthError("invalid_request", str(error)) from None
    except proof.ProofRefused:
        raise NotProven from None
    _check_address(proven.client, address, now)
    key = proven.client.key
    _take(_of_client, key, TOKENS_A_SECOND_OF_ONE_CLIENT, BURST_OF_ONE_CLIENT)
    return _issue(proven, now)


def token_url(directory: Directory) -> str:
    """Return the address of the token endpoint of a directory."""
    return f"{settings.KEYWAY_PUBLIC_URL}/scim/{directory.key}/oauth/token"


def asked_from(opener: Opener, since: datetime) -> list[Use]:
    """Return from where a client fetched access tokens since a time. One query."""
    if not isinstance(opener, OAuthClient):
        return []
    rows = (
        AuditEvent.objects.filter(
            workspace=opener.directory.workspace_id,
            action=Action.ACCESS_ISSUED,
            at__gte=since,
            data__client=opener.key,
            address__isnull=False,
        )
        .order_by()
        .values("address")
        .annotate(requests=Count("pk"), last_at=Max("at"))
    )
    return [Use(str(row["address"]), row["requests"], row["last_at"]) for row in rows]


def reset_limits() -> None:
    """Forget who asked how often."""
    _of_address.reset()
    _of_client.reset()


def prune(job: Job) -> dict[str, int]:
    """Delete the workspace's access tokens and used JWTs that have ended."""
    now = database_now()
    mine = {"directory__workspace": job.workspace_id}
    ended = AccessToken.objects.filter(**mine, expires_at__lte=now - _KEPT)
    used = UsedAssertion.objects.filter(**mine, expires_at__lte=now)
    return {"access_tokens": ended.delete()[0], "assertions": used.delete()[0]}


def _check_grant(grant_type: str) -> None:
    if not grant_type:
        raise OAuthError("invalid_request", f"grant_type is missing. Send {GRANT}.")
    if grant_type != GRANT:
        raise OAuthError(
            "unsupported_grant_type", f"The one grant_type offered is {GRANT}."
        )


def _take(limit: RateLimit, key: str, rate: float, burst: int) -> None:
    wait = limit.take(key, rate=rate, burst=burst).wait
    if wait:
        raise TooMany(wait)


def _check_address(client: OAuthClient, address: str, now: datetime) -> None:
    """Refuse a client that has proven itself, but from where it may not be used."""
    if client.limits.allows_from(address):
        return
    services.note_refusal(OAuthClient, client.pk, reason="Address not allowed", now=now)
    raise OAuthError(
        "unauthorized_client",
        f"This client may not be used from {address}. Send from an allowed network, or "
        f"allow this one in Keyway under Limit {client.noun}.",
    )


@transaction.atomic
def _issue(proven: Proven, now: datetime) -> Granted:
    _require_same_keys(proven.client)
    made = credential.generate(Kind.ACCESS)
    client = proven.client
    if proven.secret:
        ClientSecret.objects.filter(pk=proven.secret.pk).update(last_used_at=now)
    token = AccessToken.objects.create(
        directory=client.directory,
        client=client,
        secret=proven.secret,
        created_at=now,
        expires_at=now + LIFETIME,
        **digested(made),
    )
    audit.record(
        Action.ACCESS_ISSUED,
        workspace=client.directory.workspace,
        actor=None,
        target=token,
        data={"directory": client.directory.key, "client": client.key, **_by(proven)},
    )
    return Granted(made.plaintext, int(LIFETIME.total_seconds()))


def _require_same_keys(client: OAuthClient) -> None:
    """Keep the keys as they are until the token is written, which ends with them.

    Raises NotProven if they were replaced after the JWT was checked.
    """
    locked = OAuthClient.objects.select_for_update(no_key=True).filter(pk=client.pk)
    if locked.values_list("public_keys", flat=True).first() != client.public_keys:
        raise NotProven


def _by(proven: Proven) -> dict[str, str]:
    secret: ClientSecret | None = proven.secret
    return {"secret": secret.key} if secret else {}
