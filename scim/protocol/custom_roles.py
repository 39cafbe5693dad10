"""Custom roles of a user schema: what an IdP may send as a user's `roles`.

A role stands for a set of what the app can give. Roles have a rank, and some
exclude each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from scim.protocol.comparable import string_key
from scim.protocol.types import JSON, Document

MAX_ROLES: Final = 100
MAX_VALUE: Final = 200
MAX_DISPLAY_NAME: Final = 100
MAX_DESCRIPTION: Final = 500
MAX_RANKING: Final = 1000
MAX_INCOMPATIBLE: Final = 100
MAX_GRANTS: Final = 100
MAX_GRANT_NAME: Final = 255

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""As a manifest names its kinds."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that the app can give, by its kind and its name there.

    By name and not by the app's own key: a manifest and an integration that is being
    made know no keys, people read names, and a group that somebody made anew in the
    app is still the one that was meant. A name that the app has twice gives nothing.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class CustomRole:
    """One role. `value` is what the IdP sends; case does not matter."""

    value: str
    ranking: int
    """1 is the strongest. Of two with one ranking the value earlier in the alphabet
    is the stronger."""

    display_name: str = ""
    description: str = ""
    incompatible_roles: tuple[str, ...] = ()
    """Values of others. It is enough that one of two names the other."""

    grants: tuple[Grant, ...] = ()
    """Without any the role stands for the app's role of the name `value`."""

    @property
    def key(self) -> str:
        """What no two roles of a schema share."""
        return key_of(self.value)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.display_name or self.value

    @property
    def strength(self) -> tuple[int, str]:
        """Sorts the strongest first, and leaves no ties."""
        return self.ranking, self.key

    @property
    def excluded(self) -> frozenset[str]:
        """Keys of the roles that this one names as incompatible."""
        return frozenset(map(key_of, self.incompatible_roles))

    @property
    def described(self) -> Document:
        """The role as it is stored: what is empty is left out."""
        incompatible: list[JSON] = [*self.incompatible_roles]
        grants: list[JSON] = [{"kind": g.kind, "name": g.name} for g in self.grants]
        values: Document = {
            "displayName": self.display_name,
            "description": self.description,
            "incompatibleRoles": incompatible,
            "grants": grants,
        }
        said = {name: value for name, value in values.items() if value}
        return {"value": self.value, "ranking": self.ranking, **said}


def key_of(value: str) -> str:
    """Return a value without its case."""
    return string_key(value, case_exact=False)


def choose(
    asked: Iterable[CustomRole],
) -> tuple[list[CustomRole], list[tuple[CustomRole, CustomRole]]]:
    """Return the roles that may be held together, and (left out, because of).

    The strongest comes first; a role that excludes a stronger one that is held is
    left out, and then excludes nobody itself.
    """
    held: list[CustomRole] = []
    left_out: list[tuple[CustomRole, CustomRole]] = []
    excluded_by: dict[str, CustomRole] = {}
    for role in sorted(set(asked), key=lambda role: role.strength):
        excluded = role.excluded
        stronger = excluded_by.get(role.key) or next(
            (other for other in held if other.key in excluded), None
        )
        if stronger is not None:
            left_out.append((role, stronger))
            continue
        held.append(role)
        for key in excluded:
            excluded_by.setdefault(key, role)
    return held, left_out


def problems_in(listed: Any) -> Iterator[tuple[str, str]]:
    """Yield (place, message) for all that is wrong with a list of roles."""
    if not isinstance(listed, list) or len(listed) > MAX_ROLES:
        yield "roles", f"This must be a list of at most {MAX_ROLES} roles."
        return
    for i, described in enumerate(listed):
        for name, message in (*_misshapen(described), *_unknown(described)):
            yield (f"roles[{i}].{name}" if name else f"roles[{i}]"), message
    yield from _alike(listed)
    yield from _misnamed(listed)


def roles_from(listed: Any) -> tuple[CustomRole, ...]:
    """Return the roles of a list; what is malformed is left out. Never fails."""
    found: dict[str, CustomRole] = {}
    for described in listed if isinstance(listed, list) else []:
        if next(_misshapen(described), None) is None:
            role = _role(described)
            found.setdefault(role.key, role)
    kept = dict(list(found.items())[:MAX_ROLES])
    return tuple(_with_known(role, kept.keys()) for role in kept.values())


def _with_known(role: CustomRole, known: Set[str]) -> CustomRole:
    """Return a role that names others of the schema only, each once."""
    others = {key_of(value): value for value in role.incompatible_roles}
    named = tuple(v for k, v in others.items() if k in known and k != role.key)
    return replace(role, incompatible_roles=named)


def is_text(value: Any, longest: int, *, empty: bool = True) -> bool:
    """Say whether a value is one line of at most so many characters."""
    return (
        isinstance(value, str)
        and value.isprintable()
        and len(value) <= longest
        and (empty or bool(value))
    )


def shown(name: Any) -> str:
    """Return an unknown name cut to what can stand in a message."""
    text = str(name)[:40]
    return text if text.isprintable() else "?"


def _role(described: dict[str, Any]) -> CustomRole:
    return CustomRole(
        value=described["value"],
        ranking=described["ranking"],
        display_name=described.get("displayName", ""),
        description=described.get("description", ""),
        incompatible_roles=tuple(described.get("incompatibleRoles", ())),
        grants=tuple(
            Grant(grant["kind"], grant["name"]) for grant in described.get("grants", ())
        ),
    )


def _is_trimmed(value: Any, longest: int) -> bool:
    return is_text(value, longest, empty=False) and value == value.strip()


def _is_ranking(value: Any) -> bool:
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and 1 <= value <= MAX_RANKING
    )


def _are_values(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_INCOMPATIBLE
        and all(_is_trimmed(v, MAX_VALUE) for v in value)
    )


def _are_grants(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_GRANTS
        and all(isinstance(grant, dict) for grant in value)
    )


_SHAPES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "value": (
        lambda value: _is_trimmed(value, MAX_VALUE),
        f"This must be one line of 1 to {MAX_VALUE} characters, with no space at "
        "either end.",
    ),
    "ranking": (
        _is_ranking,
        f"This must be a whole number from 1 (the strongest) to {MAX_RANKING}.",
    ),
    "displayName": (
        lambda value: is_text(value, MAX_DISPLAY_NAME),
        f"This must be one line of at most {MAX_DISPLAY_NAME} characters.",
    ),
    "description": (
        lambda value: is_text(value, MAX_DESCRIPTION),
        f"This must be one line of at most {MAX_DESCRIPTION} characters.",
    ),
    "incompatibleRoles": (
        _are_values,
        f"This must be a list of at most {MAX_INCOMPATIBLE} values of other roles.",
    ),
    "grants": (
        _are_grants,
        f"This must be a list of at most {MAX_GRANTS} objects of kind and name.",
    ),
}
_REQUIRED: Final = ("value", "ranking")
_OF_GRANT: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "kind": (
        lambda value: isinstance(value, str) and _KIND.fullmatch(value) is not None,
        "This must be a kind of the app's manifest, such as group or role.",
    ),
    "name": (
        lambda value: _is_trimmed(value, MAX_GRANT_NAME),
        f"This must be a name of 1 to {MAX_GRANT_NAME} characters.",
    ),
}


def _misshapen(described: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, message) for every part of a role that has a wrong form."""
    if not isinstance(described, dict):
        yield "", "This must be an object."
        return
    for name, (is_right, message) in _SHAPES.items():
        if (name in described or name in _REQUIRED) and not is_right(
            described.get(name)
        ):
            yield name, message
    for i, grant in _grants(described):
        for name, (is_right, message) in _OF_GRANT.items():
            if not is_right(grant.get(name)):
                yield f"grants[{i}].{name}", message


def _unknown(described: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(described, dict):
        return
    for name in described.keys() - _SHAPES.keys():
        yield shown(name), f"This is not known. Known are: {', '.join(_SHAPES)}."
    for i, grant in _grants(described):
        for name in grant.keys() - _OF_GRANT.keys():
            place = f"grants[{i}].{shown(name)}"
            yield place, "This is not known. Known are: kind, name."


def _grants(described: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the numbered grants, where they are objects."""
    grants = described.get("grants", [])
    return list(enumerate(grants)) if _are_grants(grants) else []


def _alike(listed: list[Any]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for i, value in _values(listed):
        first = seen.setdefault(key_of(value), f"roles[{i}]")
        if first != f"roles[{i}]":
            yield f"roles[{i}].value", f"{first} has this value, but perhaps for case."


def _misnamed(listed: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield the incompatible roles that are no other role of the schema."""
    known = {key_of(value) for _, value in _values(listed)}
    for i, value in _values(listed):
        others = listed[i].get("incompatibleRoles")
        for j, other in enumerate(others if _are_values(others) else []):
            place = f"roles[{i}].incompatibleRoles[{j}]"
            if key_of(other) == key_of(value):
                yield place, "A role cannot exclude itself."
            elif key_of(other) not in known:
                yield place, f"No role of this schema has the value {shown(other)}."


def _values(listed: list[Any]) -> list[tuple[int, str]]:
    """Return the numbered values that have the right form."""
    return [
        (i, described["value"])
        for i, described in enumerate(listed)
        if isinstance(described, dict)
        and _is_trimmed(described.get("value"), MAX_VALUE)
    ]
