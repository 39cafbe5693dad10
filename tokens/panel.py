"""The tokens of a directory as a part of other pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse

from tokens import scheduled_rotation
from tokens.forms import OVERLAPS
from tokens.limits import in_words
from tokens.models import ScimToken, ScimTokenQuerySet
from tokens.policy import days_left, policy_of
from tokens.policy_models import TokenPolicy
from tokens.services import allowed_overlaps
from tokens.state import TokenState
from workspaces.models import Directory
from workspaces.pages import Pill

PILLS = {
    TokenState.ACTIVE: Pill("Active", "success"),
    TokenState.EXPIRING: Pill("Expiring", "warning"),
    TokenState.EXPIRED: Pill("Expired", "danger"),
    TokenState.REPLACED: Pill("Replaced", "neutral"),
    TokenState.REVOKED: Pill("Revoked", "neutral"),
    TokenState.OWNER_INACTIVE: Pill("Owner inactive", "danger"),
}
LEAKED = Pill("Leaked", "danger")
AGAIN = Directory.RevealRule.AFTER_CONFIRMATION
MOST_LIVE, MOST_ENDED = 50, 10
"""How many tokens the panel lists; the page of all tokens has the others."""

_ACTIONS = ("rotate", "edit", "limit", "revoke")


def listed(directory: Directory, now: datetime) -> list[ScimToken]:
    """Return what `panel` takes: live tokens, then those that ended, newest first.

    At most one more than it lists, to tell that there are more. One query.
    """
    is_live = Exists(ScimToken.objects.live(now).filter(pk=OuterRef("pk")))
    in_order = of_directory(directory).order_by(is_live.desc(), "-id")
    return list(in_order[: MOST_LIVE + MOST_ENDED + 1])


def of_directory(directory: Directory) -> ScimTokenQuerySet:
    """Return the tokens of a directory with what a row of them tells, newest first."""
    everything = ScimToken.objects.of_directory(directory)
    return everything.select_related("replaced_by__owner__user")


def panel(
    directory: Directory,
    tokens: Sequence[ScimToken],
    *,
    can_manage: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the context of `tokens/panel.html`.

    `tokens` are those that are `listed`. `current` is the token that
    **More options** of the section is about: the newest that works and that no
    other working one replaces.
    """
    policy = policy_of(directory.workspace)
    found = rows(tokens, directory, policy, can_manage=can_manage, now=now)
    live = [row for row in found if row["is_live"]]
    ended = [row for row in found if not row["is_live"]]
    has_more_ended = len(ended) > MOST_ENDED
    has_more = has_more_ended or len(live) > MOST_LIVE
    return {
        "tokens": live[:MOST_LIVE],
        "inactive": ended[:MOST_ENDED],
        "has_more_inactive": has_more_ended,
        "all_url": reverse("tokens:all", args=[directory.key])
        if has_more and can_manage
        else None,
        "owners": sorted({row["owner"] for row in live if row["owner"]}),
        "has_live_token": bool(live),
        "current": next((row for row in live if row["is_current"]), None),
        "can_generate": can_manage,
        "quarantined_at": directory.quarantined_at,
        "quarantine_url": _quarantine_url(directory) if can_manage else None,
        "schedule": _schedule(
            directory, tokens, policy, can_manage=can_manage, now=now
        ),
        "generate_url": reverse("tokens:generate", args=[directory.key]),
    }


def _quarantine_url(directory: Directory) -> str:
    act = "end_quarantine" if directory.quarantined_at else "quarantine"
    return reverse(f"tokens:{act}", args=[directory.key])


def _schedule(
    directory: Directory,
    tokens: Sequence[ScimToken],
    policy: TokenPolicy,
    *,
    can_manage: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the context of `tokens/_schedule.html`."""
    schedule = scheduled_rotation.of(directory)
    dues = scheduled_rotation.open_dues(schedule, tokens, now=now) if schedule else ()
    overlap = allowed_overlaps(policy)[-1] if dues else None
    return {
        "every_days": schedule.every_days if schedule else None,
        "url": reverse("tokens:schedule", args=[directory.key]) if can_manage else None,
        "dues": [
            {
                "name": due.token.name,
                "at": due.at,
                "is_overdue": due.is_overdue,
                "rotate_url": reverse(
                    "tokens:rotate", args=[directory.key, due.token.key]
                )
                if can_manage
                else None,
                "overlap": overlap,
                "overlap_words": OVERLAPS[overlap].lower() if overlap else "",
            }
            for due in dues
        ],
    }


def rows(
    tokens: Iterable[ScimToken],
    directory: Directory,
    policy: TokenPolicy,
    *,
    can_manage: bool,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return tokens as `tokens/_table.html` lists them."""
    return [
        _row(token, directory, policy, can_manage=can_manage, now=now)
        for token in tokens
    ]


def _row(
    token: ScimToken,
    directory: Directory,
    policy: TokenPolicy,
    *,
    can_manage: bool,
    now: datetime,
) -> dict[str, Any]:
    state = token.state(now)
    successor = token.replaced_by
    if successor is not None and not successor.state(now).is_live:
        successor = None
    may_change = can_manage and state.is_live
    urls = {
        f"{action}_url": reverse(f"tokens:{action}", args=[directory.key, token.key])
        if may_change
        else None
        for action in _ACTIONS
    }
    if successor is not None:
        urls["rotate_url"] = None
    is_kept = directory.reveal_rule == AGAIN and bool(token.sealed_value)
    urls["view_url"] = (
        reverse("tokens:view", args=[directory.key, token.key])
        if may_change and is_kept
        else None
    )
    return {
        "name": token.name,
        "key": token.key,
        "hint": token.hint,
        "created_by": str(token.created_by or "the command line"),
        "owner": token.owner_label,
        "limits": ", ".join(in_words(token.limits)),
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "last_used_ip": token.last_used_address,
        "last_used_client": token.last_used_client,
        "ends_at": token.ends_at,
        "days_left": days_left(token.ends_at, policy, now) if state.is_live else None,
        "replaced_by": successor.name if successor else "",
        "state": LEAKED if token.leaked_at else PILLS[state],
        "is_live": state.is_live,
        "is_current": state.is_live and successor is None,
        **urls,
    }
