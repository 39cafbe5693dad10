"""SCIM: what the IdP says."""

from __future__ import annotations

from django.apps import AppConfig


class ScimConfig(AppConfig):
    """The protocol and the resource store."""

    name = "scim"

    def ready(self) -> None:
        """Register the pruning of request records."""
        from scim import records
        from workspaces import jobs

        jobs.register_periodic(
            records.PRUNE_JOB, records.prune, every=records.PRUNE_EVERY
        )
