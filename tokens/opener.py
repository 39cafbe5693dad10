"""What all that opens a directory has in common: a token, an OAuth client, a trust."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from tokens import credential
from tokens.limits import Limits, NetworkRule
from tokens.state import TokenState, token_state
from workspaces.models import Directory, User


class Opener(models.Model):
    """Who may call a directory and how far that reaches, and when they last did.

    `key` is the public name: what `token_key` says in changes and request records.
    """

    noun: ClassVar[str]
    """What people call it: **Limit** and **Revoke** say it."""

    target_type: ClassVar[str]
    """What the audit log calls it."""

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=credential.KEY_LENGTH, unique=True)
    name = models.CharField(max_length=100)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)
    last_used_client = models.CharField(max_length=120, blank=True)
    refused_at = models.DateTimeField(
        null=True, help_text="When a refused use was last written into the audit log."
    )

    is_read_only = models.BooleanField(default=False, db_default=False)
    network_rule = models.CharField(
        max_length=10,
        choices=NetworkRule,
        default=NetworkRule.ANY,
        db_default=NetworkRule.ANY,
    )
    networks = models.JSONField(default=list, db_default=[], blank=True)
    email_domains = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names it."""
        return self.target_type, self.key, str(self)

    @property
    def limits(self) -> Limits:
        """How far it reaches."""
        return Limits(
            self.is_read_only,
            self.network_rule,
            tuple(self.networks),
            tuple(self.email_domains),
        )

    def state(self, now: datetime) -> TokenState:
        """Return the state at `now`, which must come from the database's clock."""
        return token_state(
            revoked_at=self.revoked_at,
            expires_at=None,
            is_replaced=False,
            overlap_ends_at=None,
            is_owner_active=True,
            now=now,
        )
