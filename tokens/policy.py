"""How long the tokens of a workspace may live. Owners say so.

The rules are asked where a token is made, replaced or given another end, so that the
portal, the API and the commands keep to them alike. They hold from then on: a token
that lives longer already keeps its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from tokens.audit import Action
from tokens.errors import LivesTooLong, OverlapTooLong
from tokens.models import ScimToken, ScimTokenQuerySet
from tokens.policy_models import TokenPolicy
from workspaces import audit
from workspaces.errors import NoLongerAllowed
from workspaces.models import Membership, Workspace
from workspaces.permissions import Permission, can

Choice = tuple[int, str]


def policy_of(workspace: Workspace) -> TokenPolicy:
    """Return the policy of a workspace, the presets if nobody changed it."""
    found = TokenPolicy.objects.filter(workspace=workspace).first()
    return found or TokenPolicy(workspace=workspace)


def check_lifetime(policy: TokenPolicy, lifetime: timedelta) -> None:
    """Raise LivesTooLong if a token may not live so long from its making."""
    if lifetime > policy.longest:
        raise LivesTooLong(in_words(policy.longest_days))


def check_overlap(policy: TokenPolicy, length: timedelta | None) -> None:
    """Raise OverlapTooLong if a replaced token may not live on so long.

    None, to stop it at once, is always allowed: a leaked token needs it.
    """
    if length is not None and length > policy.longest_overlap:
        raise OverlapTooLong(policy.longest_overlap_hours)


@transaction.atomic
def change(
    *,
    default_days: int,
    longest_days: int,
    longest_overlap_hours: int,
    remind_days: Sequence[int],
    by: Membership,
) -> TokenPolicy:
    """Set the policy of the workspace of `by`.

    1 <= `default_days` <= `longest_days` <= 730, 0 <= `longest_overlap_hours` <= 168.
    Raises NoLongerAllowed if whoever asks is no Owner any more.
    """
    workspace = Workspace.objects.select_for_update().get(pk=by.workspace_id)
    present = Membership.objects.select_related("user").filter(pk=by.pk).first()
    if present is None or not can(present, Permission.MANAGE_POLICY):
        raise NoLongerAllowed
    policy = policy_of(workspace)
    before = _as_data("before", policy)
    policy.default_days = default_days
    policy.longest_days = longest_days
    policy.longest_overlap_hours = longest_overlap_hours
    policy.remind_days = sorted(set(remind_days), reverse=True)
    after = _as_data("after", policy)
    if list(before.values()) == list(after.values()):
        return policy
    policy.save()
    audit.record(
        Action.POLICY_CHANGED,
        workspace=workspace,
        actor=present.user,
        target=workspace,
        data={**before, **after},
    )
    return policy


def outliving(policy: TokenPolicy, *, now: datetime) -> ScimTokenQuerySet:
    """Return the live SCIM tokens that live longer than a new one could."""
    live = ScimToken.objects.in_workspace(policy.workspace).live(now)
    return live.filter(expires_at__gt=F("created_at") + policy.longest)


def choices(policy: TokenPolicy, preset: Sequence[int]) -> list[Choice]:
    """Return the lifetimes to choose from, in days and in words, the shortest first.

    Those of `preset` that are allowed, and the longest that is.
    """
    allowed = {days for days in preset if days < policy.longest_days}
    if allowed != set(preset):
        allowed.add(policy.longest_days)
    return [(days, in_words(days)) for days in sorted(allowed)]


def in_words(days: int) -> str:
    """Return a number of days as people say it."""
    if days % 365 == 0:
        return "1 year" if days == 365 else f"{days // 365} years"
    return "1 day" if days == 1 else f"{days} days"


def reminders_in_words(policy: TokenPolicy) -> str:
    """Return the days of the reminders: `90, 30, 7 and 1 day`."""
    *others, last = [str(days) for days in policy.remind_days]
    unit = "day" if last == "1" else "days"
    return f"{', '.join(others)} and {last} {unit}" if others else f"{last} {unit}"


def days_left(
    ends_at: datetime | None, policy: TokenPolicy, now: datetime
) -> int | None:
    """Return the whole days until then, from the day of the first reminder on."""
    if ends_at is None or ends_at - now > timedelta(days=max(policy.remind_days)):
        return None
    return max((ends_at - now).days, 0)


def _as_data(when: str, policy: TokenPolicy) -> dict[str, str | int | bool | None]:
    return {
        f"{when}_default_days": policy.default_days,
        f"{when}_longest_days": policy.longest_days,
        f"{when}_longest_overlap_hours": policy.longest_overlap_hours,
        f"{when}_remind_days": ", ".join(map(str, policy.remind_days)),
    }
