"""Tokens: what opens a directory."""

from __future__ import annotations

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Registers what this app adds to the audit log and puts off."""

    name = "tokens"

    def ready(self) -> None:
        """Register the audit actions and the kinds of jobs."""
        from tokens import confirmed, notices, watch
        from tokens.audit import Action
        from workspaces import audit, jobs

        audit.register(Action)
        confirmed.register()
        jobs.register(notices.JOB, notices.send)
        jobs.register_periodic(watch.JOB, watch.watch, every=watch.EVERY)
