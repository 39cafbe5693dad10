"""Tokens: what opens a directory."""

from __future__ import annotations

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Registers the audit actions of this app."""

    name = "tokens"

    def ready(self) -> None:
        """Register the audit actions of this app."""
        from tokens.audit import Action
        from workspaces import audit

        audit.register(Action)
