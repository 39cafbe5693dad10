"""Tenants, people, roles, audit, secrets and jobs: what every other app stands on."""

from __future__ import annotations

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    """Registers what this app adds to the audit log."""

    name = "workspaces"

    def ready(self) -> None:
        """Register the audit actions and the record of log-ins."""
        from workspaces import audit, sign_in

        audit.register(audit.SignIn)
        sign_in.connect()
