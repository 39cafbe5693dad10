"""The life of a token: issue and revoke."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from tokens import credential
from tokens.audit import Action
from tokens.errors import TokenExists, TokenNotActive
from tokens.models import ScimToken
from workspaces import audit, secrets
from workspaces.models import Directory, User

LIFETIME = timedelta(days=730)

_KINDS = {
    Directory.Kind.GATEWAY: credential.Kind.GATEWAY,
    Directory.Kind.DIRECTORY_SYNC: credential.Kind.DIRECTORY_SYNC,
}


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its value, which exists nowhere else."""

    token: ScimToken
    plaintext: str = field(repr=False)


@transaction.atomic
def issue(
    directory: Directory,
    *,
    name: str,
    actor: User | None,
    lifetime: timedelta = LIFETIME,
    now: datetime,
) -> IssuedToken:
    """Make a token beside those that the directory has.

    The plaintext exists only in the returned value; where the directory reveals
    once, it cannot be recovered.
    """
    made = credential.generate(_KINDS[Directory.Kind(directory.kind)])
    digest_key = max(settings.KEYWAY_TOKEN_KEYS)
    token = ScimToken(
        directory=directory,
        key=made.key,
        name=name,
        hint=made.hint,
        digest=credential.digest(made, settings.KEYWAY_TOKEN_KEYS[digest_key]),
        digest_key=digest_key,
        created_by=actor,
        created_at=now,
        expires_at=now + lifetime,
    )
    if directory.reveal_rule == Directory.RevealRule.AFTER_CONFIRMATION:
        token.sealed_value = secrets.encrypt(made.plaintext, value_address(token))
    token.save(force_insert=True)
    audit.record(
        Action.GENERATED,
        workspace=directory.workspace,
        actor=actor,
        target=token,
        data={"directory": directory.key},
    )
    return IssuedToken(token, made.plaintext)


@transaction.atomic
def generate_first(directory: Directory, *, actor: User, now: datetime) -> IssuedToken:
    """Make the token of a directory that has none.

    Raises TokenExists if there is a live one. The row lock makes one of two
    admins who press the button together the second.
    """
    directory = Directory.objects.select_for_update().get(pk=directory.pk)
    existing = ScimToken.objects.of_directory(directory).live(now).first()
    if existing is not None:
        raise TokenExists(existing)
    return issue(directory, name="IdP", actor=actor, now=now)


@transaction.atomic
def revoke(token: ScimToken, *, actor: User | None, now: datetime) -> ScimToken:
    """End the token for good, from the next request on.

    Raises TokenNotActive if that was done before.
    """
    token = (
        ScimToken.objects.select_for_update(of=("self",))
        .select_related("directory__workspace")
        .get(pk=token.pk)
    )
    if token.revoked_at is not None:
        raise TokenNotActive("This token has been revoked already.")
    token.revoked_at = now
    token.sealed_value = ""
    token.save(update_fields=["revoked_at", "sealed_value"])
    audit.record(
        Action.REVOKED,
        workspace=token.directory.workspace,
        actor=actor,
        target=token,
        data={"directory": token.directory.key},
    )
    return token


def value_address(token: ScimToken) -> secrets.Address:
    """Return where the sealed value of the token lives."""
    return secrets.Address(
        workspace=str(token.directory.workspace.public_id),
        table="tokens_scimtoken",
        row=token.key,
        column="sealed_value",
    )
