"""The life of the trust in an IdP, and the public keys that it signs with.

The keys are fetched by a worker, never by the request that needs them: when the trust
is added, every six hours, and when a JWT names a key that is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from tokens import credential
from tokens.audit import Action
from tokens.models import IdpTrust
from tokens.oauth import notices
from tokens.oauth.errors import TrustExists
from tokens.oauth.jose import Jwk
from workspaces import audit, jobs, sync_reach
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User

FETCH = "tokens.fetch_signing_keys"
"""The job that fetches. An app above carries it out: nothing here calls outside."""

REFRESH = "tokens.refresh_signing_keys"
REFRESH_EVERY = timedelta(hours=6)
ASK_APART = timedelta(minutes=5)
_MAX_FAILURES = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """What a JWT must say, and where the keys are that check it."""

    issuer: str
    audience: str
    tenant_id: str
    keys_url: str


@transaction.atomic
def add(
    directory: Directory, terms: Terms, *, name: str, actor: User | None, now: datetime
) -> IdpTrust:
    """Let JWTs of an IdP open the directory. Raises TrustExists and ReachesTooHigh."""
    sync_reach.require_reach(directory, actor)
    try:
        with transaction.atomic():
            trust = IdpTrust.objects.create(
                directory=directory,
                key=credential.random_key(),
                name=name,
                issuer=terms.issuer,
                audience=terms.audience,
                tenant_id=terms.tenant_id,
                keys_url=terms.keys_url,
                created_by=actor,
                created_at=now,
                keys_asked_at=now,
            )
    except IntegrityError:
        raise TrustExists from None
    audit.record(
        Action.TRUST_ADDED,
        workspace=directory.workspace,
        actor=actor,
        target=trust,
        data={
            "directory": directory.key,
            "issuer": terms.issuer,
            "audience": terms.audience,
            "tenant_id": terms.tenant_id,
        },
    )
    notices.tell(trust, notices.Event.TRUST_ADDED, actor=actor, now=now)
    _fetch(trust, Job.Trigger.WEB, now)
    return trust


def ask_for_keys(trust_id: int, *, asked_at: datetime | None, now: datetime) -> bool:
    """Have the keys of a trust fetched anew, at most once in ASK_APART.

    `asked_at` is when the caller saw them asked for last: within that time it costs
    no query. Says whether this call asked.
    """
    if asked_at is not None and now - asked_at < ASK_APART:
        return False
    stale = Q(keys_asked_at=None) | Q(keys_asked_at__lte=now - ASK_APART)
    with transaction.atomic():
        live = IdpTrust.objects.live().filter(stale, pk=trust_id)
        if not live.update(keys_asked_at=now):
            return False
        trust = IdpTrust.objects.select_related("directory__workspace").get(pk=trust_id)
        _fetch(trust, Job.Trigger.SCIM, now)
        return True


@transaction.atomic
def fetch_now(trust: IdpTrust, *, now: datetime) -> bool:
    """Have the keys fetched because a person asks. Says whether the trust is live."""
    live = IdpTrust.objects.live().filter(pk=trust.pk)
    if not live.update(keys_asked_at=now):
        return False
    _fetch(trust, Job.Trigger.WEB, now)
    return True


def keep_keys(trust: IdpTrust, keys: Sequence[Jwk], *, now: datetime) -> None:
    """Keep what was fetched in place of the former keys."""
    IdpTrust.objects.filter(pk=trust.pk).update(
        public_keys=list(keys), keys_fetched_at=now, keys_error=""
    )


def note_failure(trust: IdpTrust, message: str) -> None:
    """Keep why the keys could not be fetched. Those that are known go on working."""
    IdpTrust.objects.filter(pk=trust.pk).update(keys_error=message[:300])


def refresh(job: Job) -> dict[str, int]:
    """Have the keys of every trust of a workspace fetched anew."""
    now = database_now()
    live = IdpTrust.objects.live().filter(directory__workspace=job.workspace_id)
    trusts = list(live.select_related("directory__workspace"))
    for trust in trusts:
        _fetch(trust, Job.Trigger.SCHEDULE, now)
    return {"asked": len(trusts)}


def _fetch(trust: IdpTrust, trigger: Job.Trigger, now: datetime) -> None:
    jobs.enqueue(
        FETCH,
        workspace=trust.directory.workspace,
        subject=trust.key,
        trigger=trigger,
        max_failures=_MAX_FAILURES,
        now=now,
    )
