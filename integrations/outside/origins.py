"""Where the password or access token of a service account may be sent.

A saved secret goes only to an origin (scheme, host and port) for which somebody
who knew the password entered it. Whoever may change the address of an integration
can therefore not read a password by pointing Keyway at a server of their own.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from integrations.audit import Action
from integrations.connectors.addresses import origin_of
from integrations.models import ServiceAccount
from workspaces import audit, secrets
from workspaces.models import AuditEvent, User

MOST_GUESSES = 5
GUESSES_WITHIN = timedelta(hours=1)


class PasswordNeeded(ValueError):
    """The account's password is not meant for this address."""

    def __init__(self, account: ServiceAccount, base_url: str) -> None:
        self.account = account
        self.origin = origin_of(base_url)
        super().__init__(
            f"The {account.secret_word} of {account.name} is not meant for {self.origin}: "
            f"{_known(account)} Enter it again to use it there."
        )


class WrongPassword(ValueError):
    """What was entered is not the saved password."""


def is_allowed(account: ServiceAccount | None, base_url: str) -> bool:
    """Say whether the password may be sent to this address.

    Without an account there is none to send.
    """
    return account is None or origin_of(base_url) in account.origins


def require(account: ServiceAccount | None, base_url: str) -> None:
    """Raise PasswordNeeded if the password may not be sent to this address."""
    if account is not None and not is_allowed(account, base_url):
        raise PasswordNeeded(account, base_url)


@transaction.atomic
def allow(account: ServiceAccount, base_url: str, *, actor: User | None) -> None:
    """Remember an address that was entered together with the password."""
    locked = ServiceAccount.objects.select_for_update().get(pk=account.pk)
    account.origins = locked.origins
    origin = origin_of(base_url)
    if origin in locked.origins:
        return
    account.origins = [*locked.origins, origin]
    account.save(update_fields=["origins"])
    audit.record(
        Action.ORIGIN_ALLOWED,
        workspace=account.workspace,
        actor=actor,
        target=account,
        data={"origin": origin},
    )


def confirm(
    account: ServiceAccount | None,
    base_url: str,
    *,
    password: str,
    actor: User | None,
    now: datetime,
) -> None:
    """Allow an address if `password` is the saved one; nothing if it is allowed.

    Not for use within a transaction, which would forget a wrong password. Raises
    PasswordNeeded without a password, WrongPassword with another one.
    """
    if account is None or is_allowed(account, base_url):
        return
    if not password:
        raise PasswordNeeded(account, base_url)
    if not _compared_and_allowed(
        account, base_url, password=password, actor=actor, now=now
    ):
        raise WrongPassword(
            f"This is not the {account.secret_word} that is saved for {account.name}. "
            "If it was changed in the app, replace it under Service accounts first."
        )


@transaction.atomic
def _compared_and_allowed(
    account: ServiceAccount,
    base_url: str,
    *,
    password: str,
    actor: User | None,
    now: datetime,
) -> bool:
    """Allow the address if the password is right; else write the wrong guess down.

    One lock for both: the password cannot be replaced in between. Raises
    WrongPassword after too many guesses.
    """
    locked = (
        ServiceAccount.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=account.pk)
    )
    guesses = AuditEvent.objects.filter(
        workspace=locked.workspace,
        action=Action.PASSWORD_REFUSED,
        target_id=str(locked.public_id),
        at__gt=now - GUESSES_WITHIN,
    )
    if guesses.count() >= MOST_GUESSES:
        raise WrongPassword(
            f"Too many wrong {locked.secret_word}s were entered for {account.name}. Try "
            f"again in an hour, or replace the {locked.secret_word} under Service "
            "accounts."
        )
    if hmac.compare_digest(_saved(locked).encode(), password.encode()):
        allow(account, base_url, actor=actor)
        return True
    audit.record(
        Action.PASSWORD_REFUSED,
        workspace=locked.workspace,
        actor=actor,
        target=locked,
    )
    return False


def _saved(account: ServiceAccount) -> str:
    try:
        return secrets.decrypt(account.sealed_secret, account.secret_address)
    except secrets.UnreadableSecret:
        raise WrongPassword(
            f"The {account.secret_word} of {account.name} cannot be read with the "
            "present encryption keys. Replace it under Service accounts first."
        ) from None


def known_for(account: ServiceAccount, *addresses: str) -> list[str]:
    """Return the origins that a new password could be meant for.

    Those that the present one is meant for, those of the integrations that use the
    account, and those of `addresses`.
    """
    used_at = account.integrations.values_list("base_url", flat=True)
    return _distinct(
        [*account.origins, *map(origin_of, used_at), *map(origin_of, addresses)]
    )


def _distinct(origins: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(origins))


def _known(account: ServiceAccount) -> str:
    if not account.origins:
        return "it was saved without an address."
    return f"Keyway sends it to {' and '.join(account.origins)} only."
