"""Start-up of the project as a whole."""

from __future__ import annotations

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    """Registers the checks that refuse unsafe settings, and its audit actions."""

    name = "config"

    def ready(self) -> None:
        """Register the system checks and the audit actions."""
        from config import checks  # noqa: F401
        from config.audit import Action
        from workspaces import audit

        audit.register(Action)


class KeywayAdminConfig(AdminConfig):
    """Django's admin for superusers, with the portal's own login."""

    default_site = "config.admin.KeywayAdminSite"


class LogInsConfig(AxesConfig):
    """django-axes, called in the admin by what it holds."""

    verbose_name = "Log-ins"
