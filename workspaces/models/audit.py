"""What happened, who did it, and from where."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models.functions import Coalesce

from workspaces.models.user import User
from workspaces.models.workspace import Workspace


class AppendOnly(TypeError):
    """Somebody tried to change or delete a line of the audit log."""

    def __init__(self) -> None:
        super().__init__("The audit log is only ever added to.")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Reads and adds; nothing else."""

    def update(self, **_values: Any) -> NoReturn:
        """Refuse. Raises AppendOnly."""
        raise AppendOnly

    def delete(self) -> NoReturn:
        """Refuse. Raises AppendOnly."""
        raise AppendOnly


class AuditEvent(models.Model):
    """One line of the audit log. Only `workspaces.audit` writes here.

    The labels are copies: the line still reads well when the actor or the
    target is gone.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, null=True, related_name="audit_events"
    )
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    actor_label = models.CharField(max_length=254)
    target_type = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=36, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    sequence = models.PositiveBigIntegerField(
        null=True, help_text="The place in the chain, from 1; empty until sealed."
    )
    digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="SHA-256 of this event and all before it.",
    )

    objects = AuditEventQuerySet.as_manager()
    sealing: ClassVar[models.Manager[AuditEvent]] = models.Manager()
    """For `workspaces.audit_chain` alone: it gives places, and prunes."""

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="audit_by_workspace"),
            models.Index(fields=["workspace", "action", "-id"], name="audit_by_action"),
            models.Index(
                fields=["workspace", "id"],
                condition=models.Q(sequence=None),
                name="audit_unsealed",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Coalesce("workspace", models.Value(0)),
                "sequence",
                name="audit_place_is_taken_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the line. Raises AppendOnly for one that is there already."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse. Raises AppendOnly."""
        raise AppendOnly


class AuditChain(models.Model):
    """How far the log of one workspace is sealed; without one, the installation's."""

    workspace = models.OneToOneField(
        Workspace, on_delete=models.PROTECT, null=True, related_name="audit_chain"
    )
    length = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    pruned = models.JSONField(
        null=True, help_text="The signed checkpoint up to which events were deleted."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                Coalesce("workspace", models.Value(0)), name="audit_chain_one_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.length} events of {self.workspace or 'the installation'}"
