"""Integrations: what we do about SCIM changes in the outside app."""

from __future__ import annotations

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers what this app listens to, carries out and adds to the audit log."""

    name = "integrations"

    def ready(self) -> None:
        """Register the audit actions, the receiver and the kinds of jobs."""
        from datetime import timedelta

        from integrations import (
            drafts,
            provisioning,
            push,
            schedule,
            service_accounts,
            services,
            setup_check,
            sync,
            wanted,
        )
        from integrations.audit import Action
        from scim.signals import resource_changed
        from tokens import holders
        from workspaces import audit, confirmations, jobs, navigation
        from workspaces.models import Directory
        from workspaces.permissions import Permission

        audit.register(Action)
        navigation.register(
            navigation.Entry(
                10,
                "Dashboard",
                "integrations:dashboard",
                "layout-dashboard",
                Permission.VIEW_INTEGRATIONS,
            )
        )
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
        navigation.register(
            navigation.Entry(
                30,
                "Service accounts",
                "service_accounts:list",
                "key-square",
                Permission.MANAGE_SERVICE_ACCOUNTS,
            )
        )
        navigation.register(
            navigation.Entry(
                40,
                "Activity",
                "integrations:activity",
                "activity",
                Permission.VIEW_ACTIVITY,
            )
        )
        holders.register(Directory.Kind.GATEWAY, services.holder_of)
        resource_changed.connect(wanted.resource_changed)
        jobs.register(
            wanted.JOB,
            provisioning.carry_out,
            gave_up=provisioning.gave_up,
        )
        jobs.register(push.JOB, push.carry_out)
        jobs.register(sync.JOB, sync.carry_out)
        jobs.register(drafts.CHECK, setup_check.carry_out, gave_up=setup_check.gave_up)
        confirmations.register(service_accounts.REPLACE_PASSWORD)
        jobs.register(service_accounts.JOB, service_accounts.carry_out)
        jobs.register_periodic(schedule.JOB, schedule.carry_out, every=schedule.EVERY)
        jobs.register_periodic(drafts.PRUNE, drafts.prune, every=timedelta(days=1))
