"""What a restored database must not do by surprise, and whether it is whole.

The world went on after the backup: apps were changed, tokens revoked, mails sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction

from config.audit import Action
from config.operations import replay
from config.operations.backup import Manifest, counts
from config.operations.replay import Told
from integrations.models import Integration
from integrations.provisioning import pausing, wanted
from tokens.models import IdpTrust
from tokens.oauth import clients, trusts
from workspaces import audit, audit_chain, jobs, progress
from workspaces.models import Job, Workspace

ENDED = "Ended by a restore from a backup. Ask for it again if it is still wanted."


@transaction.atomic
def settle(manifest: Manifest, *, told: Sequence[Told], now: datetime) -> list[str]:
    """Make a restored database safe to start. Returns what was done, in sentences.

    `told` is what audit logs say happened after the backup.
    """
    paused = sum(
        pausing.pause(integration, actor=None, now=now)
        for integration in Integration.objects.all()
    )
    others = Job.objects.exclude(kind=wanted.JOB).filter(state__in=Job.OPEN)
    ended = jobs.end_all(others, note=ENDED, now=now)
    sessions, _ = Session.objects.all().delete()
    done = [
        f"{paused} integrations are paused: nothing changes an app before you resume.",
        *replay.end_again(told, now=now),
        f"{ended} jobs other than provisioning are ended.",
        f"{sessions} sessions are ended: everybody logs in again.",
    ]
    if fetched := clients.end_all_access(now=now):
        done.append(f"{fetched} access tokens are ended: OAuth clients fetch others.")
    for trust in IdpTrust.objects.live().select_related("directory__workspace"):
        # The IdP may have thrown a key away since. A worker asks it first.
        trusts.fetch_now(trust, now=now)
    audit.record(
        Action.RESTORED,
        workspace=None,
        actor=None,
        data={"taken_at": manifest.taken_at, "paused": paused},
    )
    return done


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
    logs = [*Workspace.objects.all(), None]
    total = sum(map(audit_chain.length_kept, logs))
    with progress.bar("Verifying the audit logs", total) as told:
        return [
            f"{log or 'Installation'}: {fault}"
            for log in logs
            for fault in audit_chain.verify(log, told=told)
        ]
