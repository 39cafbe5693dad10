"""What the app was last seen to hold."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.models.integration import Integration
from scim.models import Resource
from workspaces.models import User


class AppEntitlement(models.Model):
    """A group, a role or a right that accounts of the app can hold."""

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="entitlements"
    )
    kind = models.CharField(max_length=40)
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    resource = models.OneToOneField(
        Resource,
        on_delete=models.SET_NULL,
        null=True,
        related_name="app_entitlement",
        help_text="The SCIM group, role or entitlement that stands for it.",
    )
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["integration", "kind", "external_id"],
                name="entitlement_unique",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """How the app and what was granted name it."""
        return self.kind, self.external_id


class AppAccount(models.Model):
    """A person's own account in the app."""

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="accounts"
    )
    external_id = models.CharField(max_length=255, help_text="The app's own key.")
    username = models.CharField(max_length=500)
    email = models.CharField(max_length=254, blank=True)
    display_name = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    entitlements = models.ManyToManyField(AppEntitlement, related_name="holders")
    resource = models.OneToOneField(
        Resource, on_delete=models.SET_NULL, null=True, related_name="app_account"
    )
    seen_at = models.DateTimeField()
    exempted_at = models.DateTimeField(
        null=True, help_text="Since when it need not belong to a user of the IdP."
    )
    exempted_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    exempt_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["integration", "external_id"], name="account_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(exempted_at=None, exempt_reason="")
                | (models.Q(exempted_at__isnull=False) & ~models.Q(exempt_reason="")),
                name="account_exempt_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.username} in {self.integration}"
