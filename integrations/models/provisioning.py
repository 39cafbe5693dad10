"""How far a resource has come on its way into the app."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.models.account import AppAccount
from integrations.models.integration import Integration
from integrations.models.restore_point import RestorePoint
from scim.models import Resource
from workspaces.models import User


class Provisioning(models.Model):
    """One row a user of a gateway directory, also after the user is deleted.

    `desired_version` is a counter of this row: it moves with every change of the
    user or of its groups. What was applied last is `applied_version`.
    """

    class State(models.TextChoices):
        """The states that the product shows."""

        PROVISIONING_AWAITING = "provisioning_awaiting", "Provisioning awaiting"
        PROVISIONING_ONGOING = "provisioning_ongoing", "Provisioning ongoing"
        PROVISIONING_FAILED = "provisioning_failed", "Provisioning failed"
        ONBOARDED = "onboarded", "Onboarded"
        UPDATE_AWAITING = "update_awaiting", "Update awaiting"
        UPDATE_ONGOING = "update_ongoing", "Update ongoing"
        UPDATE_FAILED = "update_failed", "Update failed"
        DELETE_AWAITING = "delete_awaiting", "Delete awaiting"
        DELETE_ONGOING = "delete_ongoing", "Delete ongoing"
        DELETE_FAILED = "delete_failed", "Delete failed"
        DELETED = "deleted", "Deleted"

    PENDING: ClassVar = (
        State.PROVISIONING_AWAITING,
        State.PROVISIONING_ONGOING,
        State.UPDATE_AWAITING,
        State.UPDATE_ONGOING,
        State.DELETE_AWAITING,
        State.DELETE_ONGOING,
    )
    FAILED: ClassVar = (
        State.PROVISIONING_FAILED,
        State.UPDATE_FAILED,
        State.DELETE_FAILED,
    )

    ONGOING: ClassVar = (
        State.PROVISIONING_ONGOING,
        State.UPDATE_ONGOING,
        State.DELETE_ONGOING,
    )
    LEAVING: ClassVar = (
        State.DELETE_AWAITING,
        State.DELETE_ONGOING,
        State.DELETE_FAILED,
    )

    integration = models.ForeignKey(
        Integration,
        on_delete=models.CASCADE,
        related_name="provisionings",
        db_index=False,
    )
    resource = models.OneToOneField(
        Resource, on_delete=models.SET_NULL, null=True, related_name="provisioning"
    )
    resource_id_public = models.CharField(max_length=36)
    user_name = models.CharField(max_length=500)
    account = models.OneToOneField(
        AppAccount, on_delete=models.SET_NULL, null=True, related_name="provisioning"
    )
    is_matched = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether the IdP knows the user. False: a sync found the account, "
        "and nobody has said whose it is.",
    )
    granted = models.JSONField(
        default=list,
        help_text="What SCIM gave, as [kind, external id, where it came from]: "
        "group, role or entitlement.",
    )
    granting = models.JSONField(
        default=list,
        db_default=[],
        help_text="What is about to be given, as [kind, external id]: the app may have "
        "it although nobody heard so.",
    )
    creating_as = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="User name under which an account is being made: until one is seen, "
        "the app may hold it although nobody heard so.",
    )
    desired_version = models.PositiveIntegerField(default=1)
    applied_version = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=30, choices=State)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    changed_at = models.DateTimeField()
    approved_version = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="The desired version whose removal a person has approved.",
    )
    delete_at = models.DateTimeField(
        null=True, help_text="When the deactivated account is deleted."
    )
    applied_account = models.JSONField(
        null=True,
        help_text="username, email and display_name as the app showed them after the "
        "last change.",
    )
    drifted_at = models.DateTimeField(
        null=True, help_text="Since when the app shows other than what was applied."
    )
    undo_to = models.ForeignKey(
        RestorePoint,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The point to put the account back to, until that is done.",
    )
    undone_at = models.DateTimeField(
        null=True, help_text="Since when the app differs from the IdP on purpose."
    )
    undone_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resource_id_public"], name="provisioning_once_per_user"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["integration", "user_name"], name="provisioning_by_name"
            ),
            models.Index(fields=["integration", "state"], name="provisioning_by_state"),
            models.Index(
                fields=["integration"],
                condition=models.Q(is_matched=False),
                name="provisioning_unmatched",
            ),
            models.Index(
                fields=["integration"],
                condition=models.Q(drifted_at__isnull=False),
                name="provisioning_drifted",
            ),
            models.Index(
                fields=["delete_at"],
                condition=models.Q(delete_at__isnull=False),
                name="provisioning_delete_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_name}: {self.get_state_display()}"

    @property
    def given(self) -> set[tuple[str, str]]:
        """What SCIM gave, as (kind, external id)."""
        # Rows from before provenance was kept have two parts.
        return {(kind, external_id) for kind, external_id, *_ in self.granted}

    @property
    def begun(self) -> set[tuple[str, str]]:
        """What was about to be given when a job ended in the middle, as in `given`."""
        return {(kind, external_id) for kind, external_id in self.granting}
