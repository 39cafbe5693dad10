"""What the next provisioning of people will do, from what is known here.

The work itself looks into the app first, so that it may find less to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices

from integrations.desired import DesiredAccount
from integrations.models import AppAccount, Integration, Provisioning
from integrations.outside import acts
from integrations.provisioning import entitlements, mapping, unassigning
from integrations.provisioning.entitlements import Wishes
from integrations.provisioning.unassigning import Fate
from scim.models import Resource
from workspaces.clock import database_now

NAMES = {
    "username": "user name",
    "email": "email",
    "display_name": "display name",
}


class Kind(TextChoices):
    """What happens to the account as a whole."""

    CREATE = "create", "Create"
    UPDATE = "update", "Update"
    REACTIVATE = "reactivate", "Reactivate"
    DEACTIVATE = "deactivate", "Deactivate"
    DELETE = "delete", "Delete"
    NOTHING = "nothing", "Nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One name: what the app was seen with, and what is wanted."""

    name: str
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for one person."""

    kind: Kind = Kind.NOTHING
    username: str = ""
    differences: tuple[Difference, ...] = ()
    attributes: tuple[str, ...] = ()
    """Names of what is sent with every update, as apps do not show it."""

    granted: tuple[str, ...] = ()
    """Each as kind and name, such as `group Sales`."""

    revoked: tuple[str, ...] = ()

    @property
    def is_difference(self) -> bool:
        """Whether the app was seen to differ from what is wanted."""
        is_switched = self.kind not in {Kind.UPDATE, Kind.NOTHING}
        return bool(is_switched or self.differences or self.granted or self.revoked)

    @property
    def steps(self) -> list[str]:
        """The same in words, in order."""
        return list(self._steps())

    def _steps(self) -> Iterator[str]:
        if self.kind == Kind.CREATE:
            yield f"Look for an account of {self.username}, create it if there is none"
        elif self.kind != Kind.DELETE:
            changed = [d.label for d in self.differences] or self.attributes
            if changed:
                yield f"{acts.UPDATE}: {', '.join(changed)}"
        if self.kind in _WORDS:
            yield _WORDS[self.kind]
        yield from (f"Grant {each}" for each in self.granted)
        yield from (f"Take away {each}" for each in self.revoked)


_WORDS = {
    Kind.REACTIVATE: acts.REACTIVATE,
    Kind.DEACTIVATE: acts.DEACTIVATE,
    Kind.DELETE: acts.DELETE,
}


def steps(row: Provisioning, user: Resource | None) -> list[str]:
    """Return the steps in words; none if the app was seen as it is wanted."""
    users = [user] if user else []
    wishes = entitlements.wishes_of(row.integration, users)
    return _plan(row, user, wishes, now=database_now()).steps


def plans_of(integration: Integration, rows: Sequence[Provisioning]) -> list[Plan]:
    """Return the plan of each row, in a constant number of queries.

    Rows come with resource, account and the account's entitlements.
    """
    users = [row.resource for row in rows if row.resource is not None]
    for user in users:
        user.directory = integration.directory
    wishes = entitlements.wishes_of(integration, users)
    for row in rows:
        row.integration = integration
    now = database_now()
    return [_plan(row, row.resource, wishes, now=now) for row in rows]


def _plan(
    row: Provisioning, user: Resource | None, wishes: Wishes, *, now: datetime
) -> Plan:
    account = row.account
    if user is None or user.active is False:
        fate = unassigning.fate_of(row, user, now=now)
        if account is None or fate is Fate.STAY:
            return Plan()
        if fate is Fate.DELETE:
            return Plan(Kind.DELETE)
    if user is None:
        return _deactivation(row, wishes)
    desired = mapping.desired_account(user)
    granted, revoked = _grants(row, user, wishes)
    if account is None:
        return Plan(
            Kind.CREATE, desired.username, _differences(desired, None), (), granted
        )
    differences = _differences(desired, account)
    attributes = tuple(desired.attributes)
    kind = Kind.UPDATE if differences or attributes or granted or revoked else None
    if desired.active != account.is_active:
        kind = Kind.REACTIVATE if desired.active else Kind.DEACTIVATE
    return Plan(
        kind or Kind.NOTHING,
        desired.username,
        differences,
        attributes,
        granted,
        revoked,
    )


def _deactivation(row: Provisioning, wishes: Wishes) -> Plan:
    """Return the plan for an account that stays for some days after its user."""
    is_active = row.account is not None and row.account.is_active
    _, revoked = _grants(row, None, wishes)
    return Plan(Kind.DEACTIVATE if is_active else Kind.NOTHING, revoked=revoked)


def _differences(
    desired: DesiredAccount, account: AppAccount | None
) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, label, getattr(account, name, ""), getattr(desired, name))
        for name, label in NAMES.items()
        if getattr(desired, name)
        and getattr(desired, name) != getattr(account, name, "")
    )


def _grants(
    row: Provisioning, user: Resource | None, wishes: Wishes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what would be given, and what SCIM gave that would be taken."""
    wanted = wishes.of(user) if user else {}
    given = row.given
    held = {e.key for e in row.account.entitlements.all()} if row.account else set()
    return (
        tuple(
            f"{entitlement.kind} {entitlement.name}"
            for key, (entitlement, _) in wanted.items()
            if key not in held
        ),
        tuple(
            f"{each.kind} {each.name}"
            for key in sorted(given - wanted.keys())
            if (each := wishes.rows.get(key)) is not None
        ),
    )
