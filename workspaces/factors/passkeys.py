"""Passkeys: WebAuthn, with the person verified by the device each time.

A ceremony has two halves. `begin_…` returns options for the browser and the id of a
challenge, which the caller keeps in the session that asked; `complete_…` takes that id
and the browser's answer. A challenge serves one person, one purpose, once, for 5 minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from workspaces.factors import changes
from workspaces.factors.kinds import Kind
from workspaces.models import Passkey, PasskeyChallenge, User

KIND = "passkey"
ENROL = "enrol"
ANSWER_WITHIN = timedelta(minutes=5)


class PasskeyRefused(Exception):
    """The answer does not prove what was asked. Says no more to the asking side."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Options for the browser, as JSON values, and the id to complete it with."""

    options: dict[str, Any]
    challenge_id: str


def devices(user: User) -> Iterable[Passkey]:
    """Return the passkeys of a person, the one used last first."""
    found = Passkey.objects.filter(user=user, confirmed=True)
    return sorted(found, key=lambda p: p.last_used_at or p.created_at, reverse=True)


def begin_enrolment(user: User, *, now: datetime) -> Ceremony:
    """Ask the browser to make a passkey."""
    options, state = _Helper().register_begin(user)
    return _keep(user, ENROL, options, state, now=now)


def complete_enrolment(
    user: User, challenge_id: str, answer: Any, *, name: str, now: datetime
) -> Passkey:
    """Add the passkey that the browser made. Raises PasskeyRefused."""
    state = _take(user, ENROL, challenge_id, now=now)
    try:
        with transaction.atomic():
            device: Passkey = _Helper().register_complete(user, state, answer)
            device.name = name
            changes.added(device, kind=KIND, now=now)
    except (*_REFUSALS, IntegrityError) as error:
        raise PasskeyRefused from error
    return device


def begin(user: User, *, purpose: str, now: datetime) -> Ceremony:
    """Ask the browser to sign with one of the person's passkeys."""
    options, state = _Helper().authenticate_begin(user, require_user_verification=True)
    return _keep(user, purpose, options, state, now=now)


def complete(
    user: User, challenge_id: str, answer: Any, *, purpose: str, now: datetime
) -> Passkey:
    """Return the passkey that signed. Raises PasskeyRefused.

    Call it outside of a transaction: a wrong answer must use up the challenge too.
    """
    state = _take(user, purpose, challenge_id, now=now)
    try:
        with transaction.atomic():
            device: Passkey = _Helper().authenticate_complete(user, state, answer)
    except _REFUSALS as error:
        raise PasskeyRefused from error
    return device


# What the library raises for answers that are no answers, besides its own errors.
_REFUSALS = (
    WebAuthnException,
    OTPWebAuthnApiError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)


def _keep(
    user: User,
    purpose: str,
    options: dict[str, Any],
    state: dict[str, Any],
    *,
    now: datetime,
) -> Ceremony:
    PasskeyChallenge.objects.filter(user=user, expires_at__lte=now).delete()
    kept = PasskeyChallenge.objects.create(
        user=user, purpose=purpose, state=state, expires_at=now + ANSWER_WITHIN
    )
    return Ceremony(options, str(kept.public_id))


def _take(
    user: User, purpose: str, challenge_id: str, *, now: datetime
) -> dict[str, Any]:
    """Use a challenge up and return its state. Of two at once, one gets it."""
    kept = PasskeyChallenge.objects.filter(
        public_id=challenge_id, user=user, purpose=purpose, expires_at__gt=now
    ).first()
    if kept is None or not PasskeyChallenge.objects.filter(pk=kept.pk).delete()[0]:
        raise PasskeyRefused
    state: dict[str, Any] = kept.state
    return state


class _Helper(WebAuthnHelper):
    """The library's ceremony with our origin; the person has to be verified."""

    def __init__(self) -> None:
        super().__init__(request=None)
        self._public = urlsplit(settings.KEYWAY_PUBLIC_URL)

    def get_relying_party_domain(self) -> str:
        return self._public.hostname or ""

    def get_allowed_origins(self) -> list[str]:
        return [f"{self._public.scheme}://{self._public.netloc}"]

    def get_credential_display_name(self, user: User) -> str:
        return str(user)

    def get_discoverable_credentials_preference(self) -> ResidentKeyRequirement:
        return ResidentKeyRequirement.PREFERRED

    def get_generate_registration_options_kwargs(self, *, user: User) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_registration_options_kwargs(
            user=user
        )
        options["authenticator_selection"] = AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.REQUIRED,
            resident_key=self.get_discoverable_credentials_preference(),
        )
        return options

    def create_attestation(self, *args: Any) -> None:
        """Keep none: we ask for none, and it would tell models of devices apart."""


KIND_OF = Kind(
    KIND,
    "Passkey",
    "fingerprint-pattern",
    10,
    devices,
    all=Passkey.objects.all,
    title="Passkeys",
    hint="Your fingerprint, face or PIN on this device, or a security key. A passkey "
    "works on this site only, so a faked page cannot use it.",
    add_label="Add a passkey",
    add_url="workspaces:passkey",
)
