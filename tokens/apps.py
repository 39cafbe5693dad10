"""Tokens: what opens a directory."""

from __future__ import annotations

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Registers what this app adds to the audit log and puts off."""

    name = "tokens"

    def ready(self) -> None:
        """Register the audit actions and the kinds of jobs."""
        from tokens import (
            api_tokens,
            calendar_feed,
            confirmed,
            key_change,
            notices,
            owner_notices,
            owners,
            policy_views,
            usage,
            watch,
        )
        from tokens.audit import Action
        from tokens.oauth import expiry, grants, trusts
        from tokens.oauth import notices as oauth_notices
        from workspaces import (
            audit,
            belongings,
            configuration,
            jobs,
            key_rotation,
            periodic,
            sealed,
        )

        audit.register(Action)
        belongings.register(owners.at_stake, owners.note, owners.hand_over)
        belongings.register(api_tokens.at_stake, api_tokens.note, api_tokens.note)
        confirmed.register()
        configuration.register(policy_views.TAB)
        sealed.register(key_change.SEALED)
        key_rotation.register_use(key_change.use_of)
        key_rotation.register_use(calendar_feed.use_of)
        usage.register(grants.asked_from)
        jobs.register(notices.JOB, notices.send)
        jobs.register(api_tokens.LEAKED_JOB, api_tokens.tell_of_leaked)
        jobs.register(owner_notices.JOB, owner_notices.send)
        periodic.register(watch.JOB, watch.watch, every=watch.EVERY)
        jobs.register(oauth_notices.JOB, oauth_notices.send)
        periodic.register(expiry.JOB, expiry.watch, every=expiry.EVERY)
        periodic.register(grants.PRUNE, grants.prune, every=grants.PRUNE_EVERY)
        periodic.register(trusts.REFRESH, trusts.refresh, every=trusts.REFRESH_EVERY)
