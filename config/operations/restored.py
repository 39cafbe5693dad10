"""What a restored database must not do by surprise, and whether it is whole.

The world went on after the backup: apps were changed, tokens revoked, mails sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import transaction

from config.audit import Action
from config.operations.backup import BackupError, Manifest, counts
from integrations.models import Integration
from integrations.provisioning import pausing, wanted
from tokens import api_tokens, services
from tokens.audit import Action as TokenAction
from tokens.models import ApiToken, ClientSecret, IdpTrust, OAuthClient, ScimToken
from tokens.oauth import clients, endings
from workspaces import audit, audit_chain, jobs
from workspaces.models import Job, Workspace

ENDED = "Ended by a restore from a backup. Ask for it again if it is still wanted."
_ENDS = {
    *(TokenAction.REVOKED, TokenAction.RETIRED, TokenAction.REPLACED),
    *(TokenAction.LEAKED, TokenAction.OAUTH_REVOKED, TokenAction.OAUTH_LEAKED),
    *(TokenAction.CLIENT_REVOKED, TokenAction.TRUST_REVOKED),
    *(TokenAction.API_REVOKED, TokenAction.API_LEAKED),
}


@transaction.atomic
def settle(manifest: Manifest, *, ended_tokens: set[str], now: datetime) -> list[str]:
    """Make a restored database safe to start. Returns what was done, in sentences.

    `ended_tokens` are keys of tokens that were ended after the backup.
    """
    paused = sum(
        pausing.pause(integration, actor=None, now=now)
        for integration in Integration.objects.all()
    )
    others = Job.objects.exclude(kind=wanted.JOB).filter(state__in=Job.OPEN)
    ended = jobs.end_all(others, note=ENDED, now=now)
    sessions, _ = Session.objects.all().delete()
    revoked = _revoke_again(ended_tokens, now)
    audit.record(
        Action.RESTORED,
        workspace=None,
        actor=None,
        data={"taken_at": manifest.taken_at, "paused": paused, "revoked": revoked},
    )
    return [
        f"{paused} integrations are paused: nothing changes an app before you resume.",
        f"{revoked} tokens and OAuth clients that were ended after the backup are revoked.",
        f"{ended} jobs other than provisioning are ended.",
        f"{sessions} sessions are ended: everybody logs in again.",
    ]


def _revoke_again(keys: set[str], now: datetime) -> int:
    """Revoke what opens a directory or the API and has one of these keys.

    Returns how much.
    """
    mine = {"key__in": keys, "revoked_at": None}
    of_api = list(ApiToken.objects.filter(**mine).select_related("workspace"))
    tokens = list(ScimToken.objects.filter(**mine))
    secrets = list(ClientSecret.objects.filter(**mine))
    openers: list[OAuthClient | IdpTrust] = [
        *OAuthClient.objects.filter(**mine),
        *IdpTrust.objects.filter(**mine),
    ]
    for api_token in of_api:
        api_tokens.revoke(api_token, actor=None, now=now)
    for token in tokens:
        services.revoke(token, actor=None, now=now)
    for secret in secrets:
        clients.revoke_secret(secret, actor=None, now=now)
    for opener in openers:
        endings.revoke(opener, actor=None, now=now)
    return len(of_api) + len(tokens) + len(secrets) + len(openers)


def ended_since(logs: Iterable[Path], *, since: str) -> set[str]:
    """Return the keys of tokens and the like that audit logs say were ended.

    The logs are JSON lines.

    Raises BackupError for a line that is none.
    """
    return {
        event["target_id"]
        for event in _events(logs)
        if event["action"] in _ENDS and event["at"] > since
    }


def _events(logs: Iterable[Path]) -> Iterator[dict[str, str]]:
    for log in logs:
        try:
            for line in log.read_text(encoding="utf-8").splitlines():
                event = json.loads(line)
                yield {name: event[name] for name in ("action", "at", "target_id")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackupError(
                f"{log} is no audit log as JSON lines ({type(error).__name__}). "
                "Take it from Audit log, Export JSON lines."
            ) from error


def missing_rows(manifest: Manifest) -> list[str]:
    """Return the tables that do not hold as many rows as the backup says."""
    here = counts()
    return [
        f"{table}: {here.get(table, 0)} rows instead of {count}"
        for table, count in manifest.counts.items()
        if here.get(table, 0) != count
    ]


def faults_of_the_audit_logs() -> list[str]:
    """Return what is wrong with any chain."""
    return [
        f"{workspace or 'Installation'}: {fault}"
        for workspace in (*Workspace.objects.all(), None)
        for fault in audit_chain.verify(workspace)
    ]
