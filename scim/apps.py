"""SCIM: what the IdP says."""

from __future__ import annotations

from django.apps import AppConfig


class ScimConfig(AppConfig):
    """The protocol and the resource store."""

    name = "scim"
    verbose_name = "SCIM"

    def ready(self) -> None:
        """Register the audit actions and the kinds of jobs."""
        from scim import recent, records, schema_changes
        from scim.audit import Action
        from tokens import usage
        from workspaces import audit, jobs, periodic

        audit.register(Action)
        usage.register(recent.uses_of)
        jobs.register(schema_changes.JOB, schema_changes.carry_out)
        periodic.register(records.PRUNE_JOB, records.prune, every=records.PRUNE_EVERY)
