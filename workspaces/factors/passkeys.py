"""Passkeys: WebAuthn, with the person verified by the device each time.

A ceremony has two halves. `begin_…` returns options for the browser and the id of a
challenge, which the caller keeps in the session that asked; `complete_…` takes that id
and the browser's answer. A challenge serves one person, one purpose, once, for 5 minutes.
At the door nobody is known yet: there the passkey says whose it is, or belongs to
somebody who is only about to get an account.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnUserHandle
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from workspaces.factors import changes
from workspaces.factors.kinds import Kind
from workspaces.models import Passkey, PasskeyChallenge, User

KIND = changes.PASSKEY
ENROL = "enrol"
SIGN_IN = "sign_in"
ANSWER_WITHIN = timedelta(minutes=5)


class PasskeyRefused(Exception):
    """The answer does not prove what was asked. Says no more to the asking side."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Options for the browser, as JSON values, and the id to complete it with."""

    options: dict[str, Any]
    challenge_id: str


def devices(user: User) -> list[Passkey]:
    """Return the passkeys of a person, the one used last first."""
    found = Passkey.objects.filter(user=user, confirmed=True)
    return sorted(found, key=lambda p: p.last_used_at or p.created_at, reverse=True)


def can_sign_in(user: User) -> bool:
    """Say whether somebody has a password or a passkey, either of which lets in."""
    return user.has_usable_password() or bool(devices(user))


def owners_among(people: Collection[int]) -> set[int]:
    """Return which of these people, by their keys, have a passkey."""
    if not people:
        return set()
    found = Passkey.objects.filter(user__in=people, confirmed=True)
    return set(found.values_list("user", flat=True))


def begin_enrolment(user: User, *, now: datetime) -> Ceremony:
    """Ask the browser to make a passkey."""
    options, state = _Helper().register_begin(user)
    return _keep(user, ENROL, options, state, now=now)


def complete_enrolment(
    user: User, challenge_id: str, answer: Any, *, name: str, now: datetime
) -> Passkey:
    """Add the passkey that the browser made. Raises PasskeyRefused."""
    state = take(user, ENROL, challenge_id, now=now)
    return add(user, state, answer, name=name, now=now)


def begin_first(email: str, *, purpose: str, now: datetime) -> Ceremony:
    """Ask the browser to make the passkey of somebody who has no account yet."""
    handle = WebAuthnUserHandle.generate_handle()
    options, state = _Helper(handle).register_begin(User(email=email))
    kept = {**state, "handle": handle.hex()}
    return _keep(None, purpose, options, kept, now=now)


def add(
    user: User, state: dict[str, Any], answer: Any, *, name: str, now: datetime
) -> Passkey:
    """Add the passkey that the browser made for the challenge that was taken.

    Raises PasskeyRefused.
    """
    try:
        with transaction.atomic():
            device: Passkey = _Helper().register_complete(user, state, answer)
            if "handle" in state:
                WebAuthnUserHandle.objects.update_or_create(
                    user=user, defaults={"handle_hex": state["handle"]}
                )
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
    return _signed(user, take(user, purpose, challenge_id, now=now), answer)


def begin_sign_in(*, now: datetime) -> Ceremony:
    """Ask the browser for any passkey of this site."""
    options, state = _Helper().authenticate_begin(require_user_verification=True)
    return _keep(None, SIGN_IN, options, state, now=now)


def complete_sign_in(challenge_id: str, answer: Any, *, now: datetime) -> Passkey:
    """Return the passkey that signed, which says who is there. Raises PasskeyRefused."""
    return _signed(None, take(None, SIGN_IN, challenge_id, now=now), answer)


def _signed(user: User | None, state: dict[str, Any], answer: Any) -> Passkey:
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
    user: User | None,
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


def take(
    user: User | None, purpose: str, challenge_id: str, *, now: datetime
) -> dict[str, Any]:
    """Use a challenge up and return its state. Of two at once, one gets it.

    Call it outside of a transaction: a wrong answer must use up the challenge too.
    Raises PasskeyRefused.
    """
    kept = PasskeyChallenge.objects.filter(
        public_id=challenge_id, user=user, purpose=purpose, expires_at__gt=now
    ).first()
    if kept is None or not PasskeyChallenge.objects.filter(pk=kept.pk).delete()[0]:
        raise PasskeyRefused
    state: dict[str, Any] = kept.state
    return state


class _Helper(WebAuthnHelper):
    """The library's ceremony with our origin; the person has to be verified."""

    def __init__(self, handle: bytes | None = None) -> None:
        super().__init__(request=None)
        self._public = urlsplit(settings.KEYWAY_PUBLIC_URL)
        self._handle = handle

    def get_relying_party_domain(self) -> str:
        return self._public.hostname or ""

    def get_allowed_origins(self) -> list[str]:
        return [f"{self._public.scheme}://{self._public.netloc}"]

    def get_user_entity(self, user: User) -> PublicKeyCredentialUserEntity:
        if self._handle is None:
            return super().get_user_entity(user)
        return PublicKeyCredentialUserEntity(
            id=self._handle, name=user.email, display_name=user.email
        )

    def get_credential_display_name(self, user: User) -> str:
        return str(user)

    def get_discoverable_credentials_preference(self) -> ResidentKeyRequirement:
        # Without the device's own list, nobody could sign in with a passkey alone.
        return ResidentKeyRequirement.REQUIRED

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
