"""Integrations: what we do about SCIM changes in the outside app."""

from __future__ import annotations

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers what this app listens to, carries out and adds to the audit log."""

    name = "integrations"

    def ready(self) -> None:
        """Register the audit actions, the receiver and the kinds of jobs."""
        from datetime import timedelta

        from django.conf import settings

        from integrations import push, service_accounts, services, signing_keys
        from integrations.api import idempotency
        from integrations.audit import Action
        from integrations.audit_stream import services as audit_stream
        from integrations.audit_stream import streaming
        from integrations.calendar import views as calendar_views
        from integrations.connectors.browser import availability
        from integrations.directory_sync import (
            holder,
            notices,
            provisioning,
            receiving,
        )
        from integrations.outside import call_log, health, outages
        from integrations.provisioning import (
            applying,
            confirming,
            removal_notices,
            restoring,
            role_publishing,
            unassigning,
            wanted,
        )
        from integrations.reports import assignment_exports
        from integrations.set_up import drafts, setup_check
        from integrations.syncing import group_matching, person, schedule, sync
        from integrations.tasks import mailing
        from integrations.watching import notices as watch_notices
        from integrations.watching import watch
        from integrations.webhooks import announcing, delivering, endpoints
        from integrations.webhooks import notices as webhook_notices
        from scim import confirming as scim_confirming
        from scim import schema_changes
        from scim.signals import resource_changed
        from tokens import holders
        from tokens.oauth import trusts
        from workspaces import (
            audit,
            configuration,
            confirmable,
            jobs,
            navigation,
            periodic,
            sealed,
        )
        from workspaces.models import Directory
        from workspaces.permissions import Permission

        audit.register(Action)
        sealed.register(service_accounts.SEALED)
        sealed.register(audit_stream.SEALED)
        availability.use(settings.KEYWAY_CHROMIUM)
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
                35, "Tasks", "tasks:list", "list-checks", Permission.VIEW_INTEGRATIONS
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
        navigation.register(
            navigation.Entry(
                70,
                "Settings",
                "directory_sync:settings",
                "settings",
                Permission.MANAGE_DIRECTORY_SYNC,
            )
        )
        navigation.register(
            navigation.Entry(
                80,
                "Admin Overview",
                "administration:overview",
                "layout-grid",
                Permission.MANAGE_TOKENS,
                is_administration=True,
            )
        )
        for order, label, url_name in (
            (20, "IDP Settings", "directory_sync:idp_settings"),
            (30, "SCIM Users Provisioning", "directory_sync:provisioning"),
        ):
            configuration.register(
                configuration.Tab(
                    order, label, url_name, Permission.MANAGE_DIRECTORY_SYNC
                )
            )
        configuration.register(calendar_views.TAB)
        configuration.register(
            configuration.Tab(
                40,
                "Single sign-on",
                "single_sign_on:settings",
                Permission.MANAGE_POLICY,
            )
        )
        configuration.register(
            configuration.Tab(
                45, "Webhooks", "webhooks:list", Permission.MANAGE_WEBHOOKS
            )
        )
        confirmable.register(provisioning.TURN_OFF)
        holders.register(Directory.Kind.GATEWAY, services.holder_of)
        holders.register(Directory.Kind.DIRECTORY_SYNC, holder.holder_of)
        resource_changed.connect(wanted.resource_changed)
        scim_confirming.register(confirming.confirm)
        schema_changes.register(role_publishing.follow)
        resource_changed.connect(receiving.resource_changed)
        jobs.register(notices.JOB, notices.send)
        jobs.register(
            wanted.JOB,
            applying.carry_out,
            gave_up=applying.gave_up,
        )
        jobs.register(removal_notices.JOB, removal_notices.send)
        periodic.register(
            unassigning.JOB, unassigning.delete_due, every=unassigning.EVERY
        )
        periodic.register(restoring.PRUNE, restoring.prune, every=restoring.PRUNE_EVERY)
        jobs.register(health.JOB, health.tell)
        jobs.register(outages.JOB, outages.tell)
        periodic.register_due(outages.ask_for_due)
        jobs.register(push.JOB, push.carry_out)
        jobs.register(trusts.FETCH, signing_keys.fetch)
        jobs.register(sync.JOB, sync.carry_out)
        jobs.register(person.JOB, person.carry_out)
        jobs.register(group_matching.JOB, group_matching.carry_out)
        jobs.register(drafts.CHECK, setup_check.carry_out, gave_up=setup_check.gave_up)
        for action in (service_accounts.REPLACE_PASSWORD, audit_stream.SEND):
            confirmable.register(action)
        confirmable.register(endpoints.SEND)
        jobs.register(service_accounts.JOB, service_accounts.carry_out)
        periodic.register_due(schedule.ask_for_due)
        jobs.register(streaming.JOB, streaming.carry_out)
        jobs.register(streaming.TELL, streaming.tell)
        periodic.register_due(streaming.ask_for_due)
        jobs.register(mailing.JOB, mailing.send)
        jobs.register(mailing.ASK_FOR_LIST, mailing.ask_for_list)
        periodic.register(mailing.REMIND, mailing.remind, every=timedelta(days=1))
        periodic.register(call_log.PRUNE, call_log.prune, every=call_log.PRUNE_EVERY)
        periodic.register(
            idempotency.PRUNE, idempotency.prune, every=timedelta(hours=1)
        )
        jobs.register(
            assignment_exports.JOB,
            assignment_exports.carry_out,
            gave_up=assignment_exports.gave_up,
        )
        periodic.register(
            assignment_exports.PRUNE,
            assignment_exports.prune,
            every=timedelta(hours=1),
        )
        periodic.register(drafts.PRUNE, drafts.prune, every=timedelta(days=1))
        jobs.register(watch_notices.JOB, watch_notices.send)
        periodic.register(watch.JOB, watch.carry_out, every=watch.EVERY)
        audit.listen(announcing.hear)
        for column in endpoints.SEALED:
            sealed.register(column)
        jobs.register(
            endpoints.DELIVER, delivering.carry_out, gave_up=delivering.gave_up
        )
        jobs.register(webhook_notices.JOB, webhook_notices.send)
        periodic.register(
            delivering.PRUNE, delivering.prune, every=delivering.PRUNE_EVERY
        )
