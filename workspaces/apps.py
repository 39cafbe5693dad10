"""Tenants, people, roles, audit, secrets and jobs: what every other app stands on."""

from __future__ import annotations

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    """Registers what this app carries out, shows and adds to the audit log."""

    name = "workspaces"

    def ready(self) -> None:
        """Register audit actions, jobs, entries of the menu and the record of log-ins."""
        from workspaces import (
            audit,
            audit_chain,
            audit_retention,
            confirmable,
            confirmation_expiry,
            confirmations,
            domains,
            factor_reset,
            invitations,
            jobs,
            navigation,
            periodic,
            sealed,
            sign_in,
            sign_in_providers,
        )
        from workspaces.factors import (
            authenticator,
            kinds,
            notices,
            passkeys,
            proof,
            recovery,
        )
        from workspaces.permissions import Permission
        from workspaces.phones import alarm, enrolment, requests, subscriptions

        for actions in (
            audit.SignIn,
            audit.SingleSignOn,
            audit.Members,
            audit.Sync,
            audit.Log,
            audit.Factors,
            audit.Confirmations,
            audit.Keys,
            audit.Work,
            audit.Superusers,
        ):
            audit.register(actions)
        jobs.register(invitations.JOB, invitations.send)
        jobs.register(notices.JOB, notices.send)
        periodic.register(
            confirmation_expiry.JOB,
            confirmation_expiry.tidy,
            every=confirmation_expiry.EVERY,
        )
        periodic.register(
            audit_chain.JOB, audit_chain.carry_out, every=audit_chain.EVERY
        )
        periodic.register(
            audit_retention.JOB, audit_retention.prune, every=audit_retention.EVERY
        )
        audit.register(audit.Phones)
        jobs.register(alarm.JOB, alarm.send)
        kinds.register(enrolment.KIND_OF)
        sealed.register(subscriptions.SEALED)
        sealed.register(authenticator.SEALED)
        sealed.register(sign_in_providers.SEALED)
        confirmable.register(factor_reset.RESET)
        confirmations.when_requested(requests.ask)
        for kind in (authenticator.KIND_OF, passkeys.KIND_OF, recovery.KIND_OF):
            kinds.register(kind)
        proof.connect()
        jobs.register(domains.JOB, domains.check)
        navigation.register(
            navigation.Entry(
                50,
                "Members",
                "workspaces:members",
                "users",
                Permission.VIEW_MEMBERS,
            )
        )
        navigation.register(
            navigation.Entry(
                60,
                "Audit log",
                "workspaces:audit_log",
                "scroll-text",
                Permission.VIEW_AUDIT,
            )
        )
        sign_in.connect()
