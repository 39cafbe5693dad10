"""The life of a token for the management API: generate, find, revoke."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from tokens import credential, key_change, notices, policy
from tokens.audit import Action
from tokens.errors import TokenError, TokenNotActive
from tokens.models import ApiToken
from tokens.services import REFUSALS_APART
from workspaces import audit, jobs, mailing
from workspaces.belongings import AtStake, Cause
from workspaces.clock import database_now
from workspaces.key_ring import in_use
from workspaces.models import Job, Membership, Role, User
from workspaces.permissions import Permission, can

LEAKED_JOB = "tokens.tell_of_leaked_api_token"
LAST_USED_PRECISION = timedelta(minutes=1)
SCOPES: dict[Permission, str] = {
    Permission.VIEW_INTEGRATIONS: "Read integrations, and tokens without their values",
    Permission.MANAGE_INTEGRATIONS: "Create, change, pause and delete integrations",
    Permission.MANAGE_SERVICE_ACCOUNTS: "Manage service accounts",
    Permission.MANAGE_TOKENS: "Generate, replace and revoke SCIM tokens",
    Permission.SYNC: "Start and cancel syncs",
    Permission.MANAGE_DIRECTORY_SYNC: "Manage Directory Sync, its domains and tokens",
    Permission.VIEW_ACTIVITY: "Read jobs and activity",
    Permission.VIEW_MEMBERS: "Read members",
    Permission.MANAGE_MEMBERS: "Invite, change and remove members, but no Owners",
    Permission.VIEW_AUDIT: "Read the audit log",
    Permission.MANAGE_POLICY: "Change the token policy and where the audit log goes",
    Permission.MANAGE_WEBHOOKS: "Manage webhooks",
}
"""What an API token can be allowed. Each is a permission that a role must have too."""


class ScopeRefused(TokenError):
    """The chosen scopes are none, or more than the person may do."""


@dataclass(frozen=True, slots=True)
class IssuedApiToken:
    """A new token and its value, which exists nowhere else."""

    token: ApiToken
    plaintext: str = field(repr=False)


@transaction.atomic
def issue(
    membership: Membership,
    *,
    name: str,
    scopes: Collection[str],
    lifetime: timedelta,
    now: datetime,
) -> IssuedApiToken:
    """Make a token that acts in the name of a member.

    Raises ScopeRefused, and LivesTooLong where the token policy says so.
    """
    policy.check_lifetime(policy.policy_of(membership.workspace), lifetime)
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not chosen or len(chosen) != len(set(scopes)):
        raise ScopeRefused("Choose at least one of the scopes that are listed.")
    if not all(can(membership, scope) for scope in chosen):
        raise ScopeRefused("Your role does not allow all of these scopes.")
    made = credential.generate(credential.Kind.MANAGEMENT_API)
    digest_key = in_use(settings.KEYWAY_TOKEN_KEYS)
    token = ApiToken.objects.create(
        workspace=membership.workspace,
        membership=membership,
        key=made.key,
        name=name,
        hint=made.hint,
        digest=credential.digest(made, settings.KEYWAY_TOKEN_KEYS[digest_key]),
        digest_key=digest_key,
        scopes=[str(scope) for scope in chosen],
        created_at=now,
        expires_at=now + lifetime,
    )
    audit.record(
        Action.API_GENERATED,
        workspace=membership.workspace,
        actor=membership.user,
        target=token,
        data={"scopes": ", ".join(token.scopes)},
    )
    return IssuedApiToken(token, made.plaintext)


@transaction.atomic
def revoke(token: ApiToken, *, actor: User | None, now: datetime) -> None:
    """End a token for good. Raises TokenNotActive if that was done before."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        raise TokenNotActive("This token has been revoked already.")
    audit.record(
        Action.API_REVOKED, workspace=token.workspace, actor=actor, target=token
    )


@transaction.atomic
def end_leaked(token: ApiToken, *, now: datetime) -> bool:
    """Revoke a token whose value was found where it does not belong, and tell of it.

    Says whether it worked until then.
    """
    live = ApiToken.objects.live(now).filter(pk=token.pk)
    if not live.update(revoked_at=now):
        return False
    audit.record(Action.API_LEAKED, workspace=token.workspace, actor=None, target=token)
    jobs.enqueue(
        LEAKED_JOB,
        workspace=token.workspace,
        subject=token.key,
        trigger=Job.Trigger.WEB,
        max_failures=mailing.MAX_FAILURES,
        now=now,
    )
    return True


def tell_of_leaked(job: Job) -> dict[str, int | str]:
    """Send the mail of a job, to administrators and to whose token it was."""
    token = (
        ApiToken.objects.select_related("membership__user", "workspace")
        .filter(key=job.subject, workspace=job.workspace_id)
        .first()
    )
    if token is None:
        return {"sent": 0, "note": "The token is gone."}
    owner = token.membership.user
    people = notices.administrators(token.workspace) | User.objects.filter(pk=owner.pk)
    lines = [
        f"Somebody handed in the value of the API token {token.name} of {owner} in "
        f"{token.workspace.name}. It is revoked: whatever used it is refused from now on.",
        "Find out where it was kept, and what was done with it: the audit log names it.",
        f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:audit_log')}?object={token.key}",
    ]
    subject = f"The API token {token.name} leaked and is revoked"
    return mailing.deliver(subject, "\n\n".join(lines) + "\n", people.distinct())


def find(text: str, *, address: str | None) -> ApiToken | None:
    """Return the live token that a text is, None if it opens nothing.

    A text that is no well-formed API token costs no query. A right one that has
    ended is written down.
    """
    given = credential.parse(text)
    if given is None or given.kind != credential.Kind.MANAGEMENT_API:
        return None
    token = (
        ApiToken.objects.filter(key=given.key)
        .select_related("workspace", "membership__user", "membership__workspace")
        .first()
    )
    pepper = settings.KEYWAY_TOKEN_KEYS.get(token.digest_key) if token else None
    if token is None or pepper is None:
        return None
    if not credential.verify(given, token.digest, pepper):
        return None
    now = database_now()
    state = token.state(now)
    if not state.is_live:
        _note_refusal(token, reason=state.label, now=now)
        return None
    if token.digest_key < in_use(settings.KEYWAY_TOKEN_KEYS):
        key_change.renew(ApiToken, token.pk, given)
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
    ApiToken.objects.filter(stale, pk=token.pk).update(
        last_used_at=now, last_used_address=address
    )
    return token


@transaction.atomic
def _note_refusal(token: ApiToken, *, reason: str, now: datetime) -> None:
    """Write down that a right token was refused, at most once an hour."""
    stale = Q(refused_at=None) | Q(refused_at__lte=now - REFUSALS_APART)
    if ApiToken.objects.filter(stale, pk=token.pk).update(refused_at=now):
        audit.record(
            Action.API_REFUSED,
            workspace=token.workspace,
            actor=None,
            target=token,
            data={"reason": reason},
        )


def at_stake(membership: Membership, role: Role | None) -> list[AtStake]:
    """Return the API tokens that stop if the membership ends; a role only narrows."""
    return [
        AtStake(
            name=f"API token {token}",
            effect="Scripts that use it are refused.",
            mend_url=reverse("api_tokens:list"),
            mend_label="API tokens",
        )
        for token in _that_stop(membership, role, database_now())
    ]


def note(membership: Membership, role: Role | None, cause: Cause) -> None:
    """Write down which API tokens stop. They act for a person: nobody inherits one."""
    for token in _that_stop(membership, role, database_now()):
        audit.record(
            Action.API_OWNER_ENDED,
            workspace=membership.workspace,
            actor=cause.by,
            target=token,
        )


def _that_stop(
    membership: Membership, role: Role | None, now: datetime
) -> list[ApiToken]:
    if role is not None:
        return []
    live = membership.api_tokens.filter(revoked_at=None, expires_at__gt=now)
    return list(live.order_by("id"))
