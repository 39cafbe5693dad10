"""One SCIM service-provider endpoint and everything behind it."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models

from workspaces.models.workspace import Workspace

_KEY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def new_directory_key() -> str:
    """Return 16 random letters and digits: no underscore, which Okta refuses."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))


class DirectoryQuerySet(models.QuerySet["Directory"]):
    """Scopes of directories."""

    def in_workspace(self, workspace: Workspace) -> DirectoryQuerySet:
        """Keep the directories of one tenant."""
        return self.filter(workspace=workspace)


class Directory(models.Model):
    """The tenant boundary of SCIM: a token opens one, a resource lives in one."""

    class Kind(models.TextChoices):
        """What the resources of the directory stand for."""

        GATEWAY = "gateway", "SCIM gateway"
        DIRECTORY_SYNC = "directory_sync", "Directory Sync"

    class Dialect(models.TextChoices):
        """Whose habits to expect. `auto` recognises them from the requests."""

        AUTO = "auto", "Recognise"
        OKTA = "okta", "Okta"
        ENTRA = "entra", "Microsoft Entra ID"
        GOOGLE = "google", "Google Workspace"
        GENERIC = "generic", "Any SCIM 2.0 client"

    class RevealRule(models.TextChoices):
        """When the value of a token can be seen."""

        ONCE = "once", "Once, when it is made"
        AFTER_CONFIRMATION = "after_confirmation", "Again, after confirmation"

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="directories"
    )
    key = models.CharField(
        max_length=32, unique=True, default=new_directory_key, editable=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    dialect = models.CharField(max_length=20, choices=Dialect, default=Dialect.AUTO)
    reveal_rule = models.CharField(
        max_length=20, choices=RevealRule, default=RevealRule.ONCE
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirms_with_app = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether the IdP waits for what the app says to its change.",
    )
    quarantined_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when writes wait."
    )
    user_schema = models.JSONField(
        default=dict,
        blank=True,
        help_text="The attributes of users beyond SCIM's, as a manifest lists them.",
    )

    objects = DirectoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "directories"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(kind="directory_sync"),
                name="directory_sync_once_per_workspace",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this directory."""
        return "directory", self.key, str(self)

    @property
    def path(self) -> str:
        """The path of the SCIM base URL, without a trailing slash."""
        return f"/scim/{self.key}/v2"

    @property
    def base_url(self) -> str:
        """The SCIM base URL to paste into an IdP."""
        return f"{settings.KEYWAY_PUBLIC_URL}{self.path}"
