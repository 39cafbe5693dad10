"""The SCIM resource store: one row a resource, one row a membership."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models import Directory


def new_public_id() -> str:
    """Return a random id for the wire. Keys of the database never leave it."""
    return str(uuid.uuid4())


class Resource(models.Model):
    """A user or a group of one directory.

    An index more is paid for by every write: foreign keys that another index begins
    with have none of their own, nor is `public_id` indexed for LIKE.

    `document` is the canonical JSON text that reads answer with, without `id`,
    `meta` and members. `comparable` is the same with every value in the form in
    which filters compare. The other columns repeat what is unique, looked up or
    sorted often.
    """

    class Source(models.TextChoices):
        """Who knew of the resource first."""

        IDP = "idp", "IdP"
        APP = "app", "App"

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="resources", db_index=False
    )
    public_id = models.CharField(max_length=36, default=new_public_id, editable=False)
    resource_type = models.CharField(max_length=40)
    document = models.TextField()
    comparable = models.JSONField()
    label = models.CharField(max_length=500, help_text="What people call it.")
    user_name_key = models.CharField(max_length=500, null=True)
    group_name_key = models.CharField(max_length=500, null=True)
    external_id = models.CharField(max_length=500, null=True)
    active = models.BooleanField(null=True, help_text="Users only.")
    version = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=10, choices=Source, default=Source.IDP)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["public_id"], name="scim_public_id_unique"),
            models.UniqueConstraint(
                fields=["directory", "user_name_key"], name="scim_user_name_unique"
            ),
            models.UniqueConstraint(
                fields=["directory", "group_name_key"],
                condition=models.Q(group_name_key__isnull=False),
                name="scim_group_name_unique",
            ),
            # What the memberships' ends refer to, with their directory.
            models.UniqueConstraint(
                fields=["directory", "id"], name="scim_id_in_directory"
            ),
            models.CheckConstraint(
                condition=models.Q(version__gte=1), name="scim_version_counts_from_1"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["directory", "resource_type", "id"], name="scim_by_type"
            ),
            models.Index(
                fields=["directory", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="scim_by_external_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type} {self.public_id}"


class ResourceCount(models.Model):
    """How many resources of a type have their ids in one block; see `scim.counts`."""

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    resource_type = models.CharField(max_length=40)
    block = models.BigIntegerField()
    total = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["directory", "resource_type", "block"],
                name="scim_count_once_per_block",
            )
        ]

    def __str__(self) -> str:
        return f"{self.total} of {self.resource_type} in block {self.block}"


class GroupMember(models.Model):
    """A resource's place in a group of the same directory.

    The database refuses an end of another directory, by what migration 0006 made.
    """

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    group = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    member = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="memberships"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["group", "member"], name="scim_member_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(group=models.F("member")),
                name="scim_group_not_in_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"


class Change(models.Model):
    """One change of a resource: append-only, and without its values."""

    class Kind(models.TextChoices):
        """What was done."""

        CREATED = "created", "Created"
        REPLACED = "replaced", "Replaced"
        PATCHED = "patched", "Patched"
        REACTIVATED = "reactivated", "Reactivated"
        DELETED = "deleted", "Deleted"

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    resource_id = models.CharField(max_length=36, help_text="Public id.")
    resource_type = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kind)
    version = models.PositiveIntegerField()
    attributes = models.JSONField(default=list, help_text="Names of what changed.")
    token_key = models.CharField(max_length=12, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["directory", "-id"], name="change_by_directory"),
            models.Index(fields=["resource_id"], name="change_by_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type} {self.resource_id} {self.kind}"


class RequestRecord(models.Model):
    """One SCIM request as it was answered: kept for a set time, then pruned."""

    directory = models.ForeignKey(
        Directory,
        on_delete=models.CASCADE,
        related_name="request_records",
        db_index=False,
    )
    token_key = models.CharField(max_length=12, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500, help_text="Without the query.")
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField()
    dialect = models.CharField(max_length=20)
    tolerances = models.JSONField(default=list)
    resource_id = models.CharField(max_length=36, blank=True)
    client = models.CharField(max_length=120, blank=True)
    address = models.GenericIPAddressField(null=True)
    body = models.TextField(blank=True, help_text="Of writes and errors, masked.")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["directory", "-id"], name="record_by_directory"),
            models.Index(fields=["at"], name="record_by_time"),
            models.Index(fields=["resource_id"], name="record_by_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"
