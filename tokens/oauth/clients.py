"""The life of an OAuth client: add, a second secret, other keys, revoke a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from tokens import credential
from tokens.audit import Action
from tokens.credential import Credential, Kind
from tokens.models import AccessToken, ClientSecret, OAuthClient
from tokens.oauth import notices
from tokens.oauth.errors import ClientEnded, EnoughSecrets, WrongMethod
from tokens.oauth.jose import Jwk
from tokens.oauth.models import MOST_SECRETS
from tokens.policy import policy_of
from workspaces import audit, sync_reach
from workspaces.key_ring import in_use
from workspaces.models import Directory, User


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A new secret and its value, which exists nowhere else."""

    secret: ClientSecret
    plaintext: str = field(repr=False)


@transaction.atomic
def add_with_secret(
    directory: Directory, *, name: str, actor: User | None, now: datetime
) -> IssuedSecret:
    """Add a client that proves itself by a secret, and make its first one."""
    client = _add(directory, name, OAuthClient.Method.SECRET, [], actor, now)
    return _issue(client, actor=actor, now=now)


@transaction.atomic
def add_with_keys(
    directory: Directory,
    *,
    name: str,
    keys: Sequence[Jwk],
    actor: User | None,
    now: datetime,
) -> OAuthClient:
    """Add a client that signs JWTs; `keys` are its public ones, as JWKs."""
    return _add(directory, name, OAuthClient.Method.PRIVATE_KEY, keys, actor, now)


@transaction.atomic
def new_secret(
    client: OAuthClient, *, actor: User | None, now: datetime
) -> IssuedSecret:
    """Make a secret beside the one that the client has: both work.

    Raises ClientEnded, WrongMethod, ReachesTooHigh, and EnoughSecrets if there are two.
    """
    client = _locked(client)
    sync_reach.require_reach(client.directory, actor)
    if client.method != OAuthClient.Method.SECRET:
        raise WrongMethod("This client signs with its private key. It has no secret.")
    if client.secrets.live(now).count() >= MOST_SECRETS:
        raise EnoughSecrets
    issued = _issue(client, actor=actor, now=now)
    notices.tell(issued.secret, notices.Event.GENERATED, actor=actor, now=now)
    return issued


@transaction.atomic
def replace_keys(
    client: OAuthClient, keys: Sequence[Jwk], *, actor: User | None, now: datetime
) -> OAuthClient:
    """Take other public keys for those of a client. What it fetched before ends.

    Raises ClientEnded, WrongMethod and ReachesTooHigh.
    """
    client = _locked(client)
    sync_reach.require_reach(client.directory, actor)
    if client.method != OAuthClient.Method.PRIVATE_KEY:
        raise WrongMethod("This client proves itself by a secret. It has no keys.")
    # Whole keys: another one may come under the id of the former.
    removed = [key for key in client.public_keys if key not in keys]
    client.public_keys = list(keys)
    client.save(update_fields=["public_keys"])
    if removed:
        client.access_tokens.filter(revoked_at=None).update(revoked_at=now)
    audit.record(
        Action.CLIENT_KEYS_REPLACED,
        workspace=client.directory.workspace,
        actor=actor,
        target=client,
        data={"directory": client.directory.key, "keys": _names(keys)},
    )
    return client


@transaction.atomic
def revoke_secret(secret: ClientSecret, *, actor: User | None, now: datetime) -> None:
    """End a secret and the access tokens that were fetched with it, at once.

    Raises ClientEnded if that was done before.
    """
    live = ClientSecret.objects.filter(pk=secret.pk, revoked_at=None)
    if not live.update(revoked_at=now):
        raise ClientEnded("This secret has been revoked already.")
    _record(Action.OAUTH_REVOKED, secret, actor)


@transaction.atomic
def end_leaked_secret(secret: ClientSecret, *, now: datetime) -> bool:
    """End a secret that was found where it does not belong, and tell everyone.

    Says whether it worked until then.
    """
    live = ClientSecret.objects.live(now).filter(pk=secret.pk)
    if not live.update(revoked_at=now, leaked_at=now):
        return False
    _record(Action.OAUTH_LEAKED, secret, None)
    notices.tell(secret, notices.Event.LEAKED, actor=None, now=now)
    return True


@transaction.atomic
def end_leaked_access(token: AccessToken, *, now: datetime) -> bool:
    """End an access token that was found, and tell everyone. Says as above."""
    live = AccessToken.objects.filter(
        pk=token.pk, revoked_at=None, expires_at__gt=now, client__revoked_at=None
    )
    if not live.update(revoked_at=now):
        return False
    _record(Action.ACCESS_LEAKED, token, None)
    notices.tell(token, notices.Event.ACCESS_LEAKED, actor=None, now=now)
    return True


def end_all_access(*, now: datetime) -> int:
    """End every access token of the installation. Returns how many worked."""
    live = AccessToken.objects.filter(revoked_at=None, expires_at__gt=now)
    return live.update(revoked_at=now)


def digested(made: Credential) -> dict[str, str | int]:
    """Return the columns that keep a credential: all but its value."""
    digest_key = in_use(settings.KEYWAY_TOKEN_KEYS)
    return {
        "key": made.key,
        "hint": made.hint,
        "digest": credential.digest(made, settings.KEYWAY_TOKEN_KEYS[digest_key]),
        "digest_key": digest_key,
    }


def _add(
    directory: Directory,
    name: str,
    method: OAuthClient.Method,
    keys: Sequence[Jwk],
    actor: User | None,
    now: datetime,
) -> OAuthClient:
    sync_reach.require_reach(directory, actor)
    client = OAuthClient.objects.create(
        directory=directory,
        key=credential.random_key(),
        name=name,
        method=method,
        public_keys=list(keys),
        created_by=actor,
        created_at=now,
    )
    audit.record(
        Action.CLIENT_ADDED,
        workspace=directory.workspace,
        actor=actor,
        target=client,
        data={"directory": directory.key, "method": method, "keys": _names(keys)},
    )
    notices.tell(client, notices.Event.CLIENT_ADDED, actor=actor, now=now)
    return client


def _issue(client: OAuthClient, *, actor: User | None, now: datetime) -> IssuedSecret:
    made = credential.generate(Kind.CLIENT)
    secret = ClientSecret.objects.create(
        directory=client.directory,
        client=client,
        created_by=actor,
        created_at=now,
        expires_at=now + policy_of(client.directory.workspace).lifetime,
        **digested(made),
    )
    _record(Action.OAUTH_GENERATED, secret, actor)
    return IssuedSecret(secret, made.plaintext)


def _locked(client: OAuthClient) -> OAuthClient:
    client = (
        OAuthClient.objects.select_for_update(of=("self",))
        .select_related("directory__workspace")
        .get(pk=client.pk)
    )
    if client.revoked_at is not None:
        raise ClientEnded("This client has been revoked. Add another one.")
    return client


def _record(
    action: Action, target: ClientSecret | AccessToken, actor: User | None
) -> None:
    audit.record(
        action,
        workspace=target.directory.workspace,
        actor=actor,
        target=target,
        data={"directory": target.directory.key, "client": target.client.key},
    )


def _names(keys: Sequence[Jwk]) -> str:
    return " ".join(key["kid"][:64] for key in keys)
