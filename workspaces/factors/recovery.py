"""Recovery codes: ten, shown once, each good once, kept as Argon2id digests."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from workspaces.errors import NoFactorYet
from workspaces.factors import changes
from workspaces.factors.kinds import RECOVERY, Kind, usable
from workspaces.hashers import KeywayArgon2Hasher
from workspaces.models import RecoveryCode, RecoveryCodes, User

COUNT = 10
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_START, _LENGTH = 2, 16


def devices(user: User) -> Iterable[RecoveryCodes]:
    """Return the person's set while it has unused codes."""
    return RecoveryCodes.objects.filter(user=user, codes__used_at=None).distinct()


def left(user: User) -> int:
    """Return how many codes are unused."""
    return RecoveryCode.objects.filter(codes__user=user, used_at=None).count()


@transaction.atomic
def generate(user: User, *, now: datetime) -> list[str]:
    """Make ten codes and return them, in groups of four; the former ones are gone.

    They exist in clear only in the returned list. Raises NoFactorYet if the person has
    no other factor.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if not usable(user, now):
        raise NoFactorYet
    RecoveryCodes.objects.filter(user=user).delete()
    device = RecoveryCodes(user=user, name="Recovery codes")
    changes.added(device, kind=RECOVERY, now=now)
    codes = _new_codes()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(codes=device, start=code[:_START], digest=_digest(code))
        for code in codes
    )
    return [
        "-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes
    ]


def verify(device: RecoveryCodes, code: str, now: datetime) -> bool:
    """Say whether a code is right; it is used up then."""
    row = RecoveryCode.objects.filter(
        codes=device, start=code[:_START], used_at=None
    ).first()
    if row is None or not KeywayArgon2Hasher().verify(code, row.digest):
        return False
    used = RecoveryCode.objects.filter(pk=row.pk, used_at=None).update(used_at=now)
    if used:
        device.last_used_at = now
        device.save(update_fields=["last_used_at"])
        changes.recovery_code_used(device, left=left(device.user), now=now)
    return bool(used)


def _new_codes() -> list[str]:
    """Return codes with 68 secret bits that differ in how they start."""
    codes: dict[str, str] = {}
    while len(codes) < COUNT:
        code = "".join(random.choice(ALPHABET) for _ in range(_LENGTH))
        codes[code[:_START]] = code
    return list(codes.values())


def _digest(code: str) -> str:
    hasher = KeywayArgon2Hasher()
    return hasher.encode(code, hasher.salt())


KIND_OF = Kind(RECOVERY, "Recovery code", "life-buoy", 90, devices, verify)
