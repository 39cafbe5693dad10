"""What the connector knows of a directory: the `ldap` part of a manifest, filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMES = ("ldaps", "ldap")


@dataclass(frozen=True, slots=True)
class Lock:
    """Deactivated is who has `inactive` in `attribute`; `active` None removes it."""

    attribute: str
    inactive: str
    active: str | None


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of one kind, and how they name their members."""

    kind: str
    base: str
    object_class: str
    name: str
    member: str
    by_username: bool
    """Members are user names, as in `memberUid`; else they are DNs."""

    placeholder: str
    """The member of a group without members, where its class insists on one."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the connector knows of a directory."""

    always_tls: bool
    page_size: int
    base: str
    object_classes: tuple[str, ...]
    key: str
    """The attribute that stays the same over renames, such as entryUUID."""

    rdn: str
    attributes: Mapping[str, str]
    """By field of the account: the attribute that holds it."""

    own_attributes: Mapping[str, str]
    """By attribute of the user schema: the attribute that holds it."""

    never_empty: frozenset[str]
    """Attributes that the object class insists on: the user name stands in."""

    sets_password: bool
    lock: Lock | None
    moved_to: str
    """The DN below which the deactivated are, if that is how it is done."""

    groups: tuple[Groups, ...]

    @property
    def bases(self) -> tuple[str, ...]:
        """The DNs below which accounts are looked for."""
        return (self.base, self.moved_to) if self.moved_to else (self.base,)


def read_blueprint(section: Mapping[str, Any], identifier: str) -> Blueprint:
    """Return the blueprint of an `ldap` section of the right shape.

    `identifier` takes the place of `{identifier}` in each DN.
    """

    def dn(text: str) -> str:
        return text.replace("{identifier}", identifier)

    users = section["users"]
    off = users.get("deactivate", {"style": "none"})
    return Blueprint(
        always_tls=section.get("tls", "unless_allowed") == "always",
        page_size=section.get("page_size", 500),
        base=dn(users["base"]),
        object_classes=tuple(users["object_classes"]),
        key=section.get("key", "entryUUID"),
        rdn=users["rdn"],
        attributes=users["attributes"],
        own_attributes=users.get("own_attributes", {}),
        never_empty=frozenset(users.get("never_empty", [])),
        sets_password=users.get("initial_password", True),
        lock=_lock(off),
        moved_to=dn(off["base"]) if off["style"] == "move" else "",
        groups=tuple(
            Groups(
                kind=spec["kind"],
                base=dn(spec["base"]),
                object_class=spec["object_class"],
                name=spec.get("name", "cn"),
                member=spec["member"],
                by_username=spec.get("members", "dn") == "username",
                placeholder=dn(spec.get("placeholder", "")),
            )
            for spec in section.get("groups", [])
        ),
    )


def _lock(off: Mapping[str, Any]) -> Lock | None:
    if off["style"] == "ppolicy":
        return Lock("pwdAccountLockedTime", "000001010000Z", None)
    if off["style"] == "attribute":
        return Lock(off["attribute"], off["inactive"], off.get("active"))
    return None
