"""**Keyway on your phone**: a phone with a key of its own, and how it came here.

The rules are in `workspaces.phones`. The private half of the key never leaves the
phone; what is here opens nothing.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django_otp.models import Device, TimestampMixin

from workspaces.models.factor import FactorColumns, FactorManager
from workspaces.models.user import User


class PhoneDevice(FactorColumns, TimestampMixin, Device):
    """A phone that signs its calls: ECDSA on P-256 with SHA-256.

    It is confirmed once its person compared the check number on both screens.
    """

    public_key = models.CharField(
        max_length=200, help_text="SubjectPublicKeyInfo in base64url."
    )
    sealed_push = models.TextField(
        blank=True, help_text="Where Web Push messages go, encrypted. Empty: nowhere."
    )
    code_digest = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="Its last signed call.")

    objects: ClassVar[FactorManager[PhoneDevice]] = FactorManager()

    def __str__(self) -> str:
        return str(self.name)


class PhoneEnrolment(models.Model):
    """A one-time code by which a phone makes itself known, as a keyed digest."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    device = models.OneToOneField(
        PhoneDevice, on_delete=models.CASCADE, null=True, related_name="enrolment"
    )
    check_number = models.CharField(
        max_length=6, blank=True, help_text="What both screens show, of code and key."
    )

    def __str__(self) -> str:
        return f"Enrolment {self.public_id}"


class PhoneNonce(models.Model):
    """A nonce that a phone signed: each counts once."""

    device = models.ForeignKey(PhoneDevice, on_delete=models.CASCADE, related_name="+")
    nonce = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["device", "nonce"], name="phone_nonce_once")
        ]

    def __str__(self) -> str:
        return f"Nonce {self.pk}"
