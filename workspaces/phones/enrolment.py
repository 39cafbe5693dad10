"""Add a phone: a code on the computer, a key on the phone, one number on both.

The code travels in the fragment of an address, which no server and no log sees. It
is kept as a keyed digest, lives ten minutes and serves once. The check number is made
of code and public key on each side by itself: a phone that got in between shows another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import segno
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from workspaces.factors import changes
from workspaces.factors.kinds import Kind
from workspaces.key_ring import in_order
from workspaces.models import PhoneDevice, PhoneEnrolment, User
from workspaces.phones import codes
from workspaces.phones.errors import CodeOver, EnrolmentOver
from workspaces.phones.signatures import Call, require_key, require_signed

KIND = "phone"
LIFETIME = timedelta(minutes=10)
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
NAME_LENGTH = 64
_LENGTH = 12
_PURPOSE = b"workspaces.phone_enrolment\x1f"
_CHECK = b"keyway-check\n"


def devices(user: User) -> Iterable[PhoneDevice]:
    """Return the added phones of a person, oldest first."""
    return PhoneDevice.objects.filter(user=user, confirmed=True).order_by("id")


@transaction.atomic
def start(user: User, *, now: datetime) -> tuple[PhoneEnrolment, str]:
    """Begin, and return the code, which exists in clear only there.

    What the person began before is dropped.
    """
    User.objects.select_for_update().get(pk=user.pk)
    _drop_begun(user)
    code = "".join(random.choice(ALPHABET) for _ in range(_LENGTH))
    enrolment = PhoneEnrolment.objects.create(
        user=user, digest=_digests(code)[0], expires_at=now + LIFETIME
    )
    return enrolment, code


def grouped(code: str) -> str:
    """Return a code in groups of four, easier to type."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def address(code: str) -> str:
    """Return the address that the phone opens; the code is in its fragment."""
    return f"{settings.KEYWAY_PUBLIC_URL}{reverse('device:page')}#{code}"


def qr_code(code: str) -> str:
    """Return the SVG element for a phone's camera: black on white in both themes."""
    made = segno.make(address(code), error="m", micro=False)
    return made.svg_inline(
        border=4,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
        omitsize=True,
    )


@transaction.atomic
def claim(
    code: str, *, public_key: str, name: str, call: Call, now: datetime
) -> PhoneEnrolment:
    """Note the phone that has the code and proves to have the key.

    It can do nothing before `add`. Raises CodeOver, NotUnderstood or NotSigned.
    """
    require_key(public_key)
    require_signed(call, public_key)
    typed = "".join(code.split()).replace("-", "").upper()
    enrolment = (
        PhoneEnrolment.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(
            digest__in=_digests(typed),
            device=None,
            expires_at__gt=now,
            user__is_active=True,
        )
        .first()
    )
    if enrolment is None:
        raise CodeOver
    device = PhoneDevice.objects.create(
        user=enrolment.user, name=name, public_key=public_key, confirmed=False
    )
    enrolment.device = device
    enrolment.check_number = check_number(typed, public_key)
    enrolment.expires_at = now + LIFETIME
    enrolment.save(update_fields=["device", "check_number", "expires_at"])
    return enrolment


def check_number(code: str, public_key: str) -> str:
    """Return six digits of code and key."""
    digest = hashlib.sha256(_CHECK + f"{code}\n{public_key}".encode()).digest()
    return f"{int.from_bytes(digest[:4], 'big') % 1_000_000:06}"


def begun(user: User, public_id: UUID, *, now: datetime) -> PhoneEnrolment | None:
    """Return an enrolment of the person that is not over, None if there is none."""
    return (
        PhoneEnrolment.objects.select_related("device", "user")
        .filter(user=user, public_id=public_id, expires_at__gt=now)
        .first()
    )


@transaction.atomic
def add(enrolment: PhoneEnrolment, *, now: datetime) -> PhoneDevice:
    """Make the phone a factor of its person. Raises EnrolmentOver."""
    User.objects.select_for_update().get(pk=enrolment.user_id)
    found = begun(enrolment.user, enrolment.public_id, now=now)
    device = found.device if found else None
    if found is None or device is None:
        raise EnrolmentOver
    device.confirmed = True
    changes.added(device, kind=KIND, now=now)
    found.delete()
    return device


@transaction.atomic
def cancel(enrolment: PhoneEnrolment) -> None:
    """Drop an enrolment, and the phone that took part in it."""
    User.objects.select_for_update().get(pk=enrolment.user_id)
    _drop_begun(enrolment.user)


def _drop_begun(user: User) -> None:
    PhoneDevice.objects.filter(user=user, confirmed=False).delete()
    PhoneEnrolment.objects.filter(user=user).delete()


def _digests(code: str) -> list[str]:
    """Return the digest under each key of the ring, the one in use first."""
    ring = settings.KEYWAY_TOKEN_KEYS
    return [
        hmac.new(ring[number], _PURPOSE + code.encode(), hashlib.sha256).hexdigest()
        for number in in_order(ring)
    ]


KIND_OF = Kind(
    KIND,
    "Phone",
    "smartphone",
    5,
    devices,
    codes.verify,
    all=PhoneDevice.objects.all,
    title="Keyway on your phone",
    hint="Shows who asks for what, and confirms with the number on your other screen.",
    add_label="Add your phone",
    add_url="workspaces:start_phone",
    add_posts=True,
)
