"""The app's own form of accounts and entitlements, read as the manifest says."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.connectors.base import PermanentFailure
from integrations.connectors.expressions import work_out
from integrations.connectors.failures import UNEXPECTED
from integrations.connectors.http.blueprint import Blueprint, EntitlementList
from integrations.connectors.keys import read_key, read_text
from integrations.desired import JSON, Entitlement, ObservedAccount

_TEXTS = ("email", "given_name", "family_name", "display_name")


def read_account(blueprint: Blueprint, document: JSON) -> ObservedAccount:
    """Return the account. Raises PermanentFailure if something vital is missing."""
    values = {
        name: work_out(expression, document)
        for name, expression in blueprint.account.items()
    }
    active = values.get("active", True)
    if not isinstance(active, bool):
        raise PermanentFailure(UNEXPECTED)
    attributes = values.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        raise PermanentFailure(UNEXPECTED)
    if "attributes" in values and attributes is None:
        attributes = {}
    return ObservedAccount(
        external_id=read_key(values["id"]),
        username=read_key(values["username"]),
        active=active,
        entitlements=_held(blueprint, document),
        attributes=attributes,
        **{name: read_text(values.get(name)) for name in _TEXTS},
    )


def read_entitlements(
    spec: EntitlementList, factors: Sequence[JSON], document: JSON
) -> list[Entitlement]:
    """Return the item's entitlement, or one with each factor: project times role.

    Without factors these are `[None]`. Raises PermanentFailure if one has no key or
    name.
    """
    items = [document]
    if spec.times:
        if not isinstance(document, dict):
            raise PermanentFailure(UNEXPECTED)
        items = [{**document, "times": factor} for factor in factors]
    return [
        Entitlement(
            kind=spec.kind,
            external_id=read_key(work_out(spec.id, item)),
            name=read_key(work_out(spec.name, item)),
        )
        for item in items
    ]


def _held(blueprint: Blueprint, document: JSON) -> frozenset[tuple[str, str]]:
    held = set()
    for kind, expression in blueprint.held.items():
        keys = work_out(expression, document)
        if not isinstance(keys, list):
            raise PermanentFailure(UNEXPECTED)
        held |= {(kind, read_key(key)) for key in keys}
    return frozenset(held)
