"""The account with which Keyway works in an app."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from integrations.models.app import App
from workspaces import secrets
from workspaces.models import Workspace


class ServiceAccount(models.Model):
    """A live account with the app's admin role. Its secret is encrypted."""

    class LoginWorkflow(models.TextChoices):
        """How the account logs in to the app."""

        PASSWORD = "password", "Username and password"
        ACCESS_TOKEN = "access_token", "Access token"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="service_accounts"
    )
    app = models.ForeignKey(App, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    login_workflow = models.CharField(
        max_length=20, choices=LoginWorkflow, default=LoginWorkflow.PASSWORD
    )
    username = models.CharField(
        max_length=254, blank=True, help_text="Empty where a token is all there is."
    )
    sealed_secret = models.TextField()
    secret_set_at = models.DateTimeField()
    origins = models.JSONField(
        default=list,
        help_text="Where the secret may be sent: addresses entered together with it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="service_account_name_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(login_workflow="access_token", username="")
                | (models.Q(login_workflow="password") & ~models.Q(username="")),
                name="service_account_logs_in_one_way",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_word(self) -> str:
        """What the secret is called in sentences."""
        is_token = self.login_workflow == self.LoginWorkflow.ACCESS_TOKEN
        return "access token" if is_token else "password"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this account."""
        return "service_account", str(self.public_id), self.name

    @property
    def secret_address(self) -> secrets.Address:
        """Where the sealed secret lives."""
        return secrets.Address(
            workspace=str(self.workspace.public_id),
            table="integrations_serviceaccount",
            row=str(self.public_id),
            column="sealed_secret",
        )
