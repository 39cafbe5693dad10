"""Integrations: what we do about SCIM changes in the outside app."""

from __future__ import annotations

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers what this app listens to, carries out and adds to the audit log."""

    name = "integrations"

    def ready(self) -> None:
        """Register the audit actions, the receiver and the kinds of jobs."""
        from integrations import provisioning, services, sync, wanted
        from integrations.audit import Action
        from scim.signals import resource_changed
        from tokens import holders
        from workspaces import audit, jobs, navigation
        from workspaces.models import Directory
        from workspaces.permissions import Permission

        audit.register(Action)
        navigation.register(
            navigation.Entry(
                20,
                "Integrations",
                "integrations:list",
                "blocks",
                Permission.VIEW_INTEGRATIONS,
                also=("/tokens/",),
            )
        )
        holders.register(Directory.Kind.GATEWAY, services.holder_of)
        resource_changed.connect(wanted.resource_changed)
        jobs.register(
            wanted.JOB,
            provisioning.carry_out,
            gave_up=provisioning.gave_up,
        )
        jobs.register(sync.JOB, sync.carry_out)
