"""What a person proves who they are with, besides the password.

The rules are in `workspaces.factors`; a factor belongs to a person, not to a tenant.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, TypeVar

from django.db import models
from django_otp.models import Device, TimestampMixin
from django_otp_webauthn.models import AbstractWebAuthnCredential
from webauthn.helpers.structs import PublicKeyCredentialDescriptor

from workspaces.models.user import User

Row = TypeVar("Row", bound=models.Model)


class FactorManager(models.Manager[Row]):
    """Finds factors in the way that django-otp asks for devices."""

    def devices_for_user(
        self, user: User, *, confirmed: bool | None = None
    ) -> models.QuerySet[Row]:
        """Return the factors of a person, all or those that are set up or not."""
        wanted = {} if confirmed is None else {"confirmed": confirmed}
        return self.filter(user=user, **wanted)


class FactorColumns(models.Model):
    """What every factor has beside the columns of a device of django-otp."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    confirms_from = models.DateTimeField(
        null=True, help_text="From then on it may confirm a reveal."
    )

    class Meta:
        abstract = True

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this factor."""
        return "factor", str(self.public_id), str(self.name)  # type: ignore[attr-defined]


class AuthenticatorApp(FactorColumns, TimestampMixin, Device):
    """A TOTP key, RFC 6238: 6 digits, steps of 30 s."""

    sealed_key = models.CharField(max_length=200)
    last_step = models.BigIntegerField(
        default=-1, help_text="Codes of this step and before are used up."
    )

    objects: ClassVar[FactorManager[AuthenticatorApp]] = FactorManager()

    def __str__(self) -> str:
        return str(self.name)


class Passkey(FactorColumns, AbstractWebAuthnCredential):
    """A WebAuthn credential: only its public half is here."""

    objects: ClassVar[FactorManager[Passkey]] = FactorManager()

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def get_credential_descriptors_for_user(
        cls, user: User
    ) -> list[PublicKeyCredentialDescriptor]:
        """Return what names the person's passkeys; who has no account yet has none."""
        if user.pk is None:
            return []
        found: list[PublicKeyCredentialDescriptor] = (
            super().get_credential_descriptors_for_user(user)
        )
        return found


class RecoveryCodes(FactorColumns, TimestampMixin, Device):
    """The one set of recovery codes of a person."""

    objects: ClassVar[FactorManager[RecoveryCodes]] = FactorManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], name="recovery_codes_once")
        ]

    def __str__(self) -> str:
        return str(self.name)


class RecoveryCode(models.Model):
    """One code of a set: found by its first characters, kept as an Argon2id digest."""

    codes = models.ForeignKey(
        RecoveryCodes, on_delete=models.CASCADE, related_name="codes"
    )
    start = models.CharField(max_length=4)
    digest = models.CharField(max_length=160)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["codes", "start"], name="recovery_code_start_unique"
            )
        ]

    def __str__(self) -> str:
        return f"Recovery code {self.pk}"


class PasskeyChallenge(models.Model):
    """What a passkey is asked to sign: for one person and purpose, once."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="Empty where the passkey itself says whose it is, or makes somebody.",
    )
    purpose = models.CharField(max_length=60)
    state = models.JSONField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Challenge {self.public_id}"


class CodeAttempts(models.Model):
    """Wrong codes in a row of one person, for one purpose."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=20)
    failures = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "purpose"], name="code_attempts_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.failures} wrong codes to {self.purpose}"

    def is_locked(self, now: datetime) -> bool:
        """Say whether no code is looked at now."""
        return self.locked_until is not None and self.locked_until > now
