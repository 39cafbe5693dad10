"""Undo: put one person's account, or those of a run, back to a restore point.

What Keyway did since then is taken back; what others did in the app stays. The
account then differs from the IdP on purpose, until the IdP's next change of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from integrations.audit import Action
from integrations.connectors.base import Session
from integrations.desired import JSON, DesiredAccount, Entitlement, ObservedAccount
from integrations.models import (
    AppEntitlement,
    Integration,
    Provisioning,
    RestorePoint,
)
from integrations.outside import acts
from integrations.provisioning import kept_attributes, mapping, wanted
from integrations.provisioning.restoring import FIELDS
from scim.protocol.types import Document
from workspaces import audit
from workspaces.models import Job, User

_State = Provisioning.State
_WORDS = {name: name.replace("_", " ") for name in FIELDS} | {"username": "user name"}


class NotNow(ValueError):
    """The account cannot be put back at present; the text says why."""


@dataclass(frozen=True, slots=True)
class Undo:
    """What has to be done to put one account back."""

    external_id: str
    create: dict[str, Any] | None = None
    """The account as it was, if Keyway deleted it."""

    fields: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Each name as (what Keyway set, what was there before)."""

    attributes: dict[str, tuple[JSON, JSON]] = field(default_factory=dict)
    """Each value of the user schema, likewise."""

    active: bool | None = None
    """Whether the account should be able to log in; None leaves that alone."""

    take_away: tuple[Entitlement, ...] = ()
    give_back: tuple[Entitlement, ...] = ()

    @property
    def steps(self) -> list[str]:
        """The same in words; none if there is nothing left to take back."""
        return list(self._steps())

    def _steps(self) -> Iterator[str]:
        if self.create is not None:
            yield f"Create the account {self.create['username']} again, with a new key"
        for name, (present, old) in self.fields.items():
            yield f"Change the {_WORDS[name]} from {present} back to {old or 'nothing'}"
        for name, pair in self.attributes.items():
            yield f"Change {name} from {_said(pair[0])} back to {_said(pair[1])}"
        for each in self.take_away:
            yield acts.take_away(each.kind, each.name)
        for each in self.give_back:
            yield acts.grant(each.kind, each.name)
        if self.active is not None:
            yield acts.REACTIVATE if self.active else acts.DEACTIVATE


def done(point: RestorePoint) -> list[str]:
    """Return what was done from a point on, in words."""
    return [_in_words(act, details) for act, details in _changes([point])]


def _changes(points: Sequence[RestorePoint]) -> list[tuple[str, dict[str, Any]]]:
    """Return the changes of points of one integration that may be shown, in order."""
    attributes = kept_attributes.keepable(points[0].integration.directory)
    names = [attribute.name for attribute in attributes]
    every = [(act, details) for point in points for act, details in point.changes]
    kept = [
        (act, {n: details[n] for n in names if n in details})
        if act == "attributes"
        else (act, details)
        for act, details in every
    ]
    return [(act, details) for act, details in kept if details or act != "attributes"]


def _said(value: JSON) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value in (None, "") else str(value)


def _in_words(act: str, details: dict[str, Any]) -> str:
    if act == "update":
        changed = (
            f"{_WORDS[name]} from {old or 'nothing'} to {new}"
            for name, (old, new) in details.items()
        )
        return f"Change the {', the '.join(changed)}"
    if act == "attributes":
        said = (
            f"{name} from {_said(old)} to {_said(new)}"
            for name, (old, new) in details.items()
        )
        return f"Change {', '.join(said)}"
    if act == "grant":
        return acts.grant(details["kind"], details["name"])
    if act == "revoke":
        return acts.take_away(details["kind"], details["name"])
    return _ACTS[act]


_ACTS = {
    "create": acts.CREATE,
    "deactivate": acts.DEACTIVATE,
    "reactivate": acts.REACTIVATE,
    "delete": acts.DELETE,
}


def undoable(integration: Integration) -> QuerySet[RestorePoint]:
    """Return the points that stand for a change which nobody has undone."""
    return RestorePoint.objects.filter(
        integration=integration, undone_at=None, is_undo=False
    )


def since(point: RestorePoint) -> list[RestorePoint]:
    """Return the points of the person from this one on, the oldest first."""
    rows = undoable(point.integration).filter(
        resource_id=point.resource_id, pk__gte=point.pk
    )
    return list(rows.select_related("integration__directory").order_by("pk"))


def plan(points: Sequence[RestorePoint]) -> Undo:
    """Return what puts an account back to before the first of its points."""
    first = points[0]
    changes = _changes(points)
    acted = [act for act, _ in changes]
    external_id = next((p.external_id for p in reversed(points) if p.external_id), "")
    whereabouts = [act for act in acted if act in {"create", "delete"}]
    is_gone = whereabouts[-1:] == ["delete"]
    if first.before is None:
        if is_gone or not whereabouts:
            return Undo(external_id)
        taken, _ = _entitlements(changes)
        return Undo(external_id, active=False, take_away=taken)
    taken, given = _entitlements(changes)
    if is_gone:
        return Undo(external_id, create=first.before, give_back=given)
    switched = {"deactivate", "reactivate"} & set(acted)
    return Undo(
        external_id,
        fields=_net(changes, "update"),
        attributes=_net(changes, "attributes"),
        active=bool(first.before["active"]) if switched else None,
        take_away=taken,
        give_back=given,
    )


def _net(changes: list[tuple[str, Any]], wanted: str) -> dict[str, tuple[Any, Any]]:
    """Return (what was set in the end, what was there first) by name, if they differ."""
    found: dict[str, tuple[Any, Any]] = {}
    for act, details in changes:
        if act == wanted:
            for name, (old, new) in details.items():
                found[name] = (new, found[name][1] if name in found else old)
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _entitlements(
    changes: list[tuple[str, Any]],
) -> tuple[tuple[Entitlement, ...], tuple[Entitlement, ...]]:
    """Return what was given in the end, and what was taken in the end."""
    first: dict[Entitlement, str] = {}
    last: dict[Entitlement, str] = {}
    for act, details in changes:
        if act in {"grant", "revoke"}:
            each = Entitlement(**details)
            first.setdefault(each, act)
            last[each] = act
    net = [each for each, act in last.items() if act == first[each]]
    return (
        tuple(each for each in net if last[each] == "grant"),
        tuple(each for each in net if last[each] == "revoke"),
    )


@transaction.atomic
def request(point: RestorePoint, *, actor: User, now: datetime) -> None:
    """Put one person's account back to before `point`, in the background.

    Raises NotNow.
    """
    _request(point, actor=actor, now=now)
    _record(point, actor, {"user": point.resource_id, "people": 1})


@transaction.atomic
def request_run(
    integration: Integration, run: uuid.UUID, *, actor: User, now: datetime
) -> tuple[int, list[str]]:
    """Put everybody of a run back to before it.

    Returns how many that is, and why others have to wait.
    """
    asked, refused = 0, []
    points = first_of_each(undoable(integration).filter(run=run))
    for point in points:
        try:
            _request(point, actor=actor, now=now)
            asked += 1
        except NotNow as error:
            refused.append(str(error))
    if asked:
        _record(points[0], actor, {"run": str(run), "people": asked})
    return asked, refused


def first_of_each(points: QuerySet[RestorePoint]) -> list[RestorePoint]:
    """Return the oldest point of each person, in that order."""
    found: dict[str, RestorePoint] = {}
    for point in points.select_related("integration__workspace").order_by("pk"):
        found.setdefault(point.resource_id, point)
    return list(found.values())


def _request(point: RestorePoint, *, actor: User, now: datetime) -> None:
    row = (
        Provisioning.objects.select_for_update()
        .filter(integration=point.integration_id, resource_id_public=point.resource_id)
        .first()
    )
    if row is None:
        raise NotNow(
            f"{point.user_name} is no user of this directory any more. Change the "
            "account in the app."
        )
    if row.state in Provisioning.PENDING:
        raise NotNow(
            f"Keyway still has work to do for {row.user_name}. Wait until it is done, "
            "then undo."
        )
    if not plan(since(point)).steps:
        raise NotNow(f"There is nothing left to undo for {point.user_name}.")
    row.undo_to, row.undone_at, row.undone_by = point, now, actor
    row.state, row.changed_at = _State.UPDATE_AWAITING, now
    row.attempts, row.next_attempt_at, row.last_error = 0, None, ""
    row.save()
    wanted.put_off([row], trigger=Job.Trigger.WEB, actor=actor, now=now)


def _record(point: RestorePoint, actor: User, data: dict[str, Any]) -> None:
    audit.record(
        Action.UNDO_REQUESTED,
        workspace=point.integration.workspace,
        actor=actor,
        target=point.integration,
        data={**data, "before": point.at.isoformat()},
    )


def put_back(
    row: Provisioning, point: RestorePoint, session: Session
) -> ObservedAccount | None:
    """Carry the undo out. Returns the account as the app shows it then, if any."""
    points = since(point)
    if not points:
        return None
    undo = plan(points)
    account = session.get_account(undo.external_id) if undo.external_id else None
    if account is None and undo.create is not None:
        kept = _attributes(row, undo.create.get("attributes", {}), {})
        account = session.create_account(_wish(row, undo.create, {}, kept))
    if account is None:
        return None
    if undo.fields or undo.attributes:
        present = {name: getattr(account, name) for name in FIELDS}
        old = {name: pair[1] for name, pair in undo.fields.items()}
        shown = kept_attributes.shown_by_the_app(account, row.integration.directory)
        before = {name: pair[1] for name, pair in undo.attributes.items()}
        wish = _wish(row, present, old, _attributes(row, shown, before))
        session.update_account(account.external_id, wish)
    _exchange(row, undo, account, session)
    if undo.active is True and not account.active:
        session.reactivate_account(account.external_id)
    elif undo.active is False and account.active:
        session.deactivate_account(account.external_id)
    return session.get_account(account.external_id)


def _exchange(
    row: Provisioning, undo: Undo, account: ObservedAccount, session: Session
) -> None:
    """Take what was given and give what was taken, as far as the app has it still."""
    known = {e.key for e in AppEntitlement.objects.filter(integration=row.integration)}
    for each in undo.take_away:
        if (each.kind, each.external_id) in known:
            session.revoke(account.external_id, each)
    for each in undo.give_back:
        if (each.kind, each.external_id) in known:
            session.grant(account.external_id, each)


def _attributes(row: Provisioning, shown: Document, old: Document) -> Document:
    """Return all values of the user schema, for an app that replaces them together.

    What the app shows of them stays, but for the `old`; what it does not show, such as
    what is confidential, is as the IdP wants it.
    """
    user = row.resource
    wanted = mapping.desired_account(user).attributes if user else {}
    told = {n: v for n, v in shown.items() if n in wanted or v is not None}
    return {**wanted, **told, **old}


def _wish(
    row: Provisioning,
    present: dict[str, Any],
    old: dict[str, str],
    attributes: Document,
) -> DesiredAccount:
    names = {name: old.get(name, str(present[name])) for name in FIELDS}
    return DesiredAccount(
        external_ref=row.resource_id_public,
        username=names["username"],
        email=names["email"],
        given_name=names["given_name"],
        family_name=names["family_name"],
        display_name=names["display_name"],
        attributes=attributes,
    )


@transaction.atomic
def finish(row: Provisioning, point: RestorePoint, *, now: datetime) -> None:
    """Note that the account was put back, unless a newer wish came meanwhile.

    Whoever the IdP has deleted is the app's own from now on: the next sync finds
    the account.
    """
    points = since(point)
    undone = RestorePoint.objects.filter(pk__in=[each.pk for each in points])
    undone.update(undone_at=now, undone_by=row.undone_by)
    rows = Provisioning.objects.filter(pk=row.pk, undo_to=point)
    granted = points[0].granted if points else row.granted
    if row.resource_id is None:
        rows.update(account=None, state=_State.DELETED)
    else:
        rows.update(state=_State.ONBOARDED)
    rows.update(
        granted=granted,
        applied_version=F("desired_version"),
        undo_to=None,
        delete_at=None,
        drifted_at=None,
        last_error="",
        next_attempt_at=None,
        changed_at=now,
    )
