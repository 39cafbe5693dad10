"""What audit logs say was ended after a backup is ended again once it is restored.

A restored database knows nothing of it. What has no such end is named instead.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.operations.backup import BackupError
from tokens import api_tokens, calendar_feed, services
from tokens.audit import Action
from tokens.models import (
    ApiToken,
    ClientSecret,
    IdpTrust,
    OAuthClient,
    ScimToken,
)
from tokens.oauth import clients, endings
from tokens.policy_models import CalendarFeed
from workspaces import audit, invitations
from workspaces.audit_log import label_of
from workspaces.models import Invitation

_ENDS = {
    *(Action.REVOKED, Action.RETIRED, Action.REPLACED, Action.LEAKED),
    *(Action.OAUTH_REVOKED, Action.OAUTH_LEAKED),
    *(Action.CLIENT_REVOKED, Action.TRUST_REVOKED),
    *(Action.API_REVOKED, Action.API_LEAKED),
    *(Action.OWNER_ENDED, Action.API_OWNER_ENDED),
}
_LEFT_TO_PEOPLE = {
    *(audit.Members.REMOVED, audit.Members.LEFT, audit.Members.ROLE_CHANGED),
    *(audit.Sync.DEACTIVATED, audit.Sync.DEPROVISIONED, audit.Sync.TURNED_OFF),
    *(audit.Sync.DOMAIN_DELETED, audit.Sync.BREAK_GLASS_CLEARED),
    *(audit.Factors.DELETED, audit.Factors.RESET, audit.Factors.RECOVERY_USED),
    *(audit.Factors.POLICY_CHANGED, audit.Confirmations.POLICY_CHANGED),
    *(audit.SingleSignOn.SAVED, audit.SingleSignOn.DELETED),
    audit.SingleSignOn.UNLINKED,
    *(Action.CHANGED, Action.LIMITED, Action.CLIENT_LIMITED, Action.TRUST_LIMITED),
    *(Action.POLICY_CHANGED, Action.QUARANTINED, Action.REVEAL_RULE_CHANGED),
}
_MOST_NAMES = 20

Openers = Sequence[OAuthClient | IdpTrust]


@dataclass(frozen=True, slots=True)
class Told:
    """An event of an audit log, as its JSON line tells it."""

    action: str
    at: str
    target_id: str
    target: str = ""
    replaces: str = ""
    """The key of what gave way to the target, where the event says so."""


def told_since(logs: Iterable[Path], *, since: str) -> list[Told]:
    """Return the events of audit logs, which are JSON lines, after a time.

    Raises BackupError for a line that is none.
    """
    return [event for log in logs for event in _events(log) if event.at > since]


def end_again(events: Sequence[Told], *, now: datetime) -> list[str]:
    """End what the events say was ended. Returns what was done, in sentences."""
    ended = {event.target_id for event in events if event.action in _ENDS}
    revoked = _revoke(ended, now)
    done = [
        f"{revoked} tokens and OAuth clients that were ended after the backup are revoked."
    ]
    if rekeyed := _take_keys(_targets(events, Action.CLIENT_KEYS_REPLACED), now):
        done.append(
            f"{rekeyed} OAuth clients whose public keys were replaced after the backup "
            "have none: give them theirs."
        )
    feeds = _targets(events, Action.FEED_TURNED_OFF)
    feeds |= {e.replaces for e in events if e.action == Action.FEED_GENERATED}
    if off := _turn_off(feeds):
        done.append(
            f"{off} calendar feeds whose address was ended after the backup are off."
        )
    offers = _targets(events, audit.Members.INVITATION_REVOKED)
    if withdrawn := _withdraw(offers, now):
        done.append(
            f"{withdrawn} invitations that were revoked after the backup are revoked."
        )
    return done


def left_to_people(events: Sequence[Told]) -> list[str]:
    """Return what else was taken away or narrowed since, a line for each action."""
    names = defaultdict[str, set[str]](set)
    for event in events:
        if event.action in _LEFT_TO_PEOPLE:
            names[event.action].add(event.target or event.target_id)
    return [f"{label_of(action)}: {_listed(names[action])}" for action in sorted(names)]


def _listed(names: set[str]) -> str:
    first = sorted(map(_printable, names))[:_MOST_NAMES]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _printable(name: str) -> str:
    """Return a name without what could steer a terminal, or make a line of its own."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name
    )


def _events(log: Path) -> Iterator[Told]:
    try:
        for line in log.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            yield Told(
                str(event["action"]),
                str(event["at"]),
                str(event["target_id"]),
                str(event.get("target", "")),
                str(event.get("data", {}).get("replaces", "")),
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(
            f"{log} is no audit log as JSON lines ({type(error).__name__}). "
            "Take it from Audit log, Export JSON lines."
        ) from error


def _targets(events: Iterable[Told], action: str) -> set[str]:
    return {event.target_id for event in events if event.action == action}


def _revoke(keys: set[str], now: datetime) -> int:
    """Revoke what opens a directory or the API and has one of these keys.

    Returns how much.
    """
    mine = {"key__in": keys, "revoked_at": None}
    of_api = list(ApiToken.objects.filter(**mine).select_related("workspace"))
    tokens = list(ScimToken.objects.filter(**mine))
    secrets = list(ClientSecret.objects.filter(**mine))
    openers: Openers = [
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


def _take_keys(keys: set[str], now: datetime) -> int:
    """Leave clients without public keys: the log names the new ones, it has none."""
    signing = OAuthClient.Method.PRIVATE_KEY
    found = list(OAuthClient.objects.live().filter(key__in=keys, method=signing))
    for client in found:
        clients.replace_keys(client, [], actor=None, now=now)
    return len(found)


def _turn_off(keys: set[str]) -> int:
    found = CalendarFeed.objects.filter(key__in=keys).select_related("workspace")
    return sum(calendar_feed.turn_off(feed.workspace, actor=None) for feed in found)


def _withdraw(public_ids: set[str], now: datetime) -> int:
    offers = Invitation.objects.open()
    found = [offer for offer in offers if str(offer.public_id) in public_ids]
    for offer in found:
        invitations.revoke_again(offer, now=now)
    return len(found)
