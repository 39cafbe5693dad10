"""The life of a token: issue, replace, change, retire and revoke."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tokens import credential, notices, policy
from tokens.audit import Action
from tokens.errors import TokenExists, TokenNotActive, TokenReplaced, TooShort
from tokens.limits import Limits
from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.opener import Opener
from tokens.policy_models import TokenPolicy
from workspaces import audit, secrets, sync_reach
from workspaces.key_ring import in_use
from workspaces.models import Directory, Membership, User

REFUSALS_APART = timedelta(hours=1)
FIRST_NAME = "IdP"
UNLIMITED = Limits()

_KINDS = {
    Directory.Kind.GATEWAY: credential.Kind.GATEWAY,
    Directory.Kind.DIRECTORY_SYNC: credential.Kind.DIRECTORY_SYNC,
}
_REFUSED: dict[type[Opener], Action] = {
    ScimToken: Action.REFUSED,
    OAuthClient: Action.CLIENT_REFUSED,
    IdpTrust: Action.TRUST_REFUSED,
}


class Overlap(StrEnum):
    """How long a token lives on beside the one that replaces it."""

    NOW = "now"
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"

    @property
    def length(self) -> timedelta | None:
        """How long that is; None where the old token stops at once."""
        return _LENGTHS.get(self)


_LENGTHS = {
    Overlap.HOUR: timedelta(hours=1),
    Overlap.DAY: timedelta(hours=24),
    Overlap.WEEK: timedelta(days=7),
}


def allowed_overlaps(rules: TokenPolicy) -> list[Overlap]:
    """Return the overlaps that a token policy allows, the longest last."""
    nothing = timedelta()
    return [o for o in Overlap if (o.length or nothing) <= rules.longest_overlap]


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its value, which exists nowhere else."""

    token: ScimToken
    plaintext: str = field(repr=False)


@transaction.atomic
def issue(
    directory: Directory,
    *,
    name: str,
    actor: User | None,
    owner: Membership | None = None,
    lifetime: timedelta | None = None,
    limits: Limits = UNLIMITED,
    now: datetime,
) -> IssuedToken:
    """Make a token beside those that the directory has.

    With an `owner` it stops when that membership ends; without, it is the
    workspace's. Without a `lifetime` it lives as long as the token policy presets.
    The plaintext exists only in the returned value; where the directory reveals
    once, it cannot be recovered. Raises LivesTooLong and ReachesTooHigh.
    """
    sync_reach.require_reach(directory, actor)
    rules = policy.policy_of(directory.workspace)
    lifetime = rules.lifetime if lifetime is None else lifetime
    policy.check_lifetime(rules, lifetime)
    made = credential.generate(_KINDS[Directory.Kind(directory.kind)])
    digest_key = in_use(settings.KEYWAY_TOKEN_KEYS)
    token = ScimToken(
        directory=directory,
        key=made.key,
        name=name,
        hint=made.hint,
        digest=credential.digest(made, settings.KEYWAY_TOKEN_KEYS[digest_key]),
        digest_key=digest_key,
        owner=owner,
        owner_label=str(owner.user)[:254] if owner else "",
        created_by=actor,
        created_at=now,
        expires_at=now + lifetime,
        **limits.as_columns(),
    )
    if directory.reveal_rule == Directory.RevealRule.AFTER_CONFIRMATION:
        token.sealed_value = secrets.encrypt(made.plaintext, value_address(token))
    token.save(force_insert=True)
    audit.record(
        Action.GENERATED,
        workspace=directory.workspace,
        actor=actor,
        target=token,
        data={"directory": directory.key},
    )
    return IssuedToken(token, made.plaintext)


@transaction.atomic
def generate_first(directory: Directory, *, actor: User, now: datetime) -> IssuedToken:
    """Make the token of a directory that has none.

    Raises TokenExists if there is a live one. The row lock makes one of two
    admins who press the button together the second.
    """
    directory = _locked_directory(directory)
    existing = ScimToken.objects.of_directory(directory).live(now).first()
    if existing is not None:
        raise TokenExists(existing)
    issued = issue(directory, name=FIRST_NAME, actor=actor, now=now)
    note_shown(issued.token, actor=actor)
    notices.tell(issued.token, notices.Event.GENERATED, actor=actor, now=now)
    return issued


@transaction.atomic
def rotate(
    directory: Directory,
    old: ScimToken,
    *,
    overlap: Overlap,
    actor: User,
    now: datetime,
) -> IssuedToken:
    """Make the token that takes the place of `old`, which stops now or after a time.

    Raises TokenReplaced if `old` has a live successor, so that a form sent twice and
    two admins at once make one token; TokenNotActive if `old` has ended; OverlapTooLong.
    """
    directory = _locked_directory(directory)
    policy.check_overlap(policy.policy_of(directory.workspace), overlap.length)
    old = _locked(old)
    successor = old.replaced_by
    if successor is not None and successor.state(now).is_live:
        raise TokenReplaced(successor)
    _refuse_ended(old, now)
    oldest = forerunner(old, now=now)
    if oldest is not None:
        retire(oldest, actor=actor, now=now)
    issued = issue(
        directory,
        name=_next_name(old.name),
        actor=actor,
        limits=old.limits,
        now=now,
    )
    note_shown(issued.token, actor=actor)
    old.replaced_by = issued.token
    old.overlap_ends_at = now + overlap.length if overlap.length else None
    if overlap.length is None:
        old.sealed_value = ""
    old.save(update_fields=["replaced_by", "overlap_ends_at", "sealed_value"])
    _record(
        Action.REPLACED, old, actor, replaced_by=issued.token.key, overlap=str(overlap)
    )
    notices.tell(issued.token, notices.Event.REPLACED, actor=actor, now=now)
    return issued


@transaction.atomic
def change(
    token: ScimToken,
    *,
    name: str,
    lifetime: timedelta | None,
    actor: User,
    now: datetime,
) -> ScimToken:
    """Rename a token and say when it ends; None leaves its end as it is.

    `lifetime` counts from when it was made: using or editing a token does not
    prolong it. Raises TokenNotActive if it has ended, TooShort if it would have,
    LivesTooLong.
    """
    token = _locked(token)
    _refuse_ended(token, now)
    before = (token.name, token.expires_at)
    token.name = name
    if lifetime is not None:
        policy.check_lifetime(policy.policy_of(token.directory.workspace), lifetime)
        token.expires_at = token.created_at + lifetime
        if token.expires_at <= now:
            raise TooShort
    if (token.name, token.expires_at) == before:
        return token
    token.save(update_fields=["name", "expires_at"])
    _record(
        Action.CHANGED,
        token,
        actor,
        former_name=before[0],
        expires_at=token.expires_at.isoformat() if token.expires_at else None,
    )
    return token


def forerunner(token: ScimToken, *, now: datetime) -> ScimToken | None:
    """Return the token that this one replaced, if it still works beside it."""
    found = ScimToken.objects.live(now).filter(replaced_by=token)
    return found.select_related("owner__user").first()


@transaction.atomic
def retire(token: ScimToken, *, actor: User | None, now: datetime) -> ScimToken:
    """End the overlap of a replaced token before its time.

    Raises TokenNotActive if it has ended, or if nothing has replaced it.
    """
    token = _locked(token)
    _refuse_ended(token, now)
    if token.replaced_by_id is None:
        raise TokenNotActive("No token has replaced this one. Revoke it instead.")
    token.overlap_ends_at = now
    token.sealed_value = ""
    token.save(update_fields=["overlap_ends_at", "sealed_value"])
    _record(Action.RETIRED, token, actor)
    return token


@transaction.atomic
def revoke(token: ScimToken, *, actor: User | None, now: datetime) -> ScimToken:
    """End the token for good, from the next request on.

    Raises TokenNotActive if that was done before.
    """
    token = _locked(token)
    if token.revoked_at is not None:
        raise TokenNotActive("This token has been revoked already.")
    token.revoked_at = now
    token.sealed_value = ""
    token.save(update_fields=["revoked_at", "sealed_value"])
    _record(Action.REVOKED, token, actor)
    return token


@transaction.atomic
def end_leaked(token: ScimToken, *, now: datetime) -> bool:
    """End a token whose value was found where it does not belong, and tell everyone.

    One that had ended before is told of too: whoever kept it keeps others. Says
    whether this was the first report of it.
    """
    token = _locked(token)
    if token.leaked_at is not None:
        return False
    token.leaked_at = now
    token.revoked_at = token.revoked_at or now
    token.sealed_value = ""
    token.save(update_fields=["leaked_at", "revoked_at", "sealed_value"])
    _record(Action.LEAKED, token, None)
    notices.tell(token, notices.Event.LEAKED, actor=None, now=now)
    return True


def note_shown(token: ScimToken, *, actor: User | None) -> None:
    """Write down that the answer to whoever made the token shows its value."""
    _record(Action.SHOWN, token, actor)


@transaction.atomic
def note_refusal(
    kind: type[Opener],
    token_id: int,
    *,
    reason: str,
    now: datetime,
) -> bool:
    """Write down that a known token was refused, at most once an hour.

    A conditional update: when many come together, one of them writes. Says whether
    this one did.
    """
    rows = kind._default_manager  # noqa: SLF001  public by Django's documentation
    stale = Q(refused_at=None) | Q(refused_at__lte=now - REFUSALS_APART)
    if not rows.filter(stale, pk=token_id).update(refused_at=now):
        return False
    token = rows.select_related("directory__workspace").get(pk=token_id)
    _record(_REFUSED[kind], token, None, reason=reason)
    return True


def _locked_directory(directory: Directory) -> Directory:
    return (
        Directory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=directory.pk)
    )


def _locked(token: ScimToken) -> ScimToken:
    return (
        ScimToken.objects.select_for_update(of=("self",))
        .select_related(
            "directory__workspace",
            "owner__user",
            "replaced_by__created_by",
            "replaced_by__owner__user",
        )
        .get(pk=token.pk)
    )


def _refuse_ended(token: ScimToken, now: datetime) -> None:
    state = token.state(now)
    if not state.is_live:
        raise TokenNotActive(
            f"{token.name} has ended: {state.label.lower()}. Generate a new token."
        )


def _record(
    action: Action,
    token: Opener,
    actor: User | None,
    **data: str | None,
) -> None:
    audit.record(
        action,
        workspace=token.directory.workspace,
        actor=actor,
        target=token,
        data={"directory": token.directory.key, **data},
    )


def _next_name(name: str) -> str:
    """Return the name of a successor: IdP, IdP 2, IdP 3."""
    stem, number = re.fullmatch(r"(.*?)(?: (\d{1,6}))?", name, re.DOTALL).groups()  # type: ignore[union-attr]
    tail = f" {int(number or 1) + 1}"
    return f"{stem[: 100 - len(tail)]}{tail}"


def value_address(token: ScimToken) -> secrets.Address:
    """Return where the sealed value of the token lives."""
    return secrets.Address(
        workspace=str(token.directory.workspace.public_id),
        table="tokens_scimtoken",
        row=token.key,
        column="sealed_value",
    )
