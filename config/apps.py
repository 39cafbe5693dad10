"""Start-up of the project as a whole."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    """Registers the checks that refuse unsafe settings."""

    name = "config"

    def ready(self) -> None:
        """Register the system checks."""
        from config import checks  # noqa: F401


class KeywayAdminConfig(AdminConfig):
    """Django's admin for superusers, with the portal's own login."""

    default_site = "config.admin.KeywayAdminSite"
