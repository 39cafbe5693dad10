"""Which attributes an answer holds: RFC 7644 section 3.9."""

from __future__ import annotations

from dataclasses import dataclass

from scim.protocol.errors import InvalidValue
from scim.protocol.schema import Attribute, ResourceSchema
from scim.protocol.types import JSON, Document

_ALWAYS = {"schemas", "id"}
MAX_LENGTH = 16_384
MAX_NAMES = 1_000

Names = dict[str, "Names"]
"""A tree of lower-case attribute names; an empty branch means the whole."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a client asked to get or to be spared."""

    attributes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.attributes or self.excluded)

    def wants(self, schema: ResourceSchema, name: str) -> bool:
        """Say whether the attribute, or a part of it, can be in the answer."""
        if self.attributes:
            return name.lower() in _tree(schema, self.attributes)
        return _tree(schema, self.excluded).get(name.lower()) != {}

    def names(self, schema: ResourceSchema, name: str, sub_name: str) -> bool:
        """Say whether a sub-attribute that comes only on request was requested."""
        branch = _tree(schema, self.attributes).get(name.lower(), {})
        return sub_name.lower() in branch

    def apply(self, schema: ResourceSchema, document: Document) -> Document:
        """Return the part of a whole document that the client should see."""
        if self.attributes:
            shown = _only(document, _tree(schema, self.attributes), top=True)
        elif self.excluded:
            tree = _tree(schema, self.excluded)
            shown = _without(document, tree, schema.attributes)
        else:
            shown = document
        named = bool(self.attributes)
        return _as_own_schema_says(schema, document, shown, on_request=named)


def parse(attributes: str | None, excluded: str | None) -> Projection:
    """Read the two query parameters. Raises InvalidValue if both are given."""
    projection = Projection(_names(attributes), _names(excluded))
    if projection.attributes and projection.excluded:
        raise InvalidValue("attributes and excludedAttributes exclude each other.")
    return projection


def _names(text: str | None) -> tuple[str, ...]:
    parts = (text or "").split(",")
    if len(text or "") > MAX_LENGTH or len(parts) > MAX_NAMES:
        raise InvalidValue(
            f"attributes and excludedAttributes take {MAX_NAMES} names of "
            f"{MAX_LENGTH} characters together at most."
        )
    return tuple(name for part in parts if (name := part.strip()))


def _tree(schema: ResourceSchema, names: tuple[str, ...]) -> Names:
    tree: Names = {}
    # The shorter names first: who asks for the whole gets it, parts or not.
    for *steps, last in sorted((_steps(schema, name) for name in names), key=len):
        branch = tree
        for step in steps:
            if branch.get(step) == {}:
                break
            branch = branch.setdefault(step, {})
        else:
            branch.setdefault(last, {})
    return tree


def _steps(schema: ResourceSchema, name: str) -> list[str]:
    """Split a name at its dots, with an extension's URN as the first step."""
    lowered = name.lower()
    base = f"{schema.urn.lower()}:"
    if lowered.startswith(base):
        return lowered[len(base) :].split(".")
    for urn in schema.extensions:
        if lowered == urn.lower():
            return [urn.lower()]
        if lowered.startswith(f"{urn.lower()}:"):
            return [urn.lower(), *lowered[len(urn) + 1 :].split(".")]
    return lowered.split(".")


def _as_own_schema_says(
    schema: ResourceSchema, document: Document, shown: Document, *, on_request: bool
) -> Document:
    """Return `shown` after what `returned` says of the directory's own attributes.

    `on_request` says that the client named what it wants. RFC 7643 section 7.
    """
    urn = schema.own_urn
    values = document.get(urn) if urn else None
    if urn is None or not isinstance(values, dict):
        return shown
    present = shown.get(urn)
    usual = present if isinstance(present, dict) else {}
    attributes = schema.extensions[urn]
    kept: Document = {}
    for name, value in values.items():
        attribute = attributes.get(name.lower())
        returned = attribute.returned if attribute else "default"
        is_wanted = name in usual and (returned != "request" or on_request)
        if returned == "always" or (is_wanted and returned != "never"):
            kept[name] = value
    rest = {name: value for name, value in shown.items() if name != urn}
    return {**rest, urn: kept} if kept else rest


def _only(document: Document, tree: Names, *, top: bool = False) -> Document:
    result: Document = {}
    for name, value in document.items():
        branch = tree.get(name.lower())
        if branch is None:
            if top and name in _ALWAYS:
                result[name] = value
        elif branch and name not in _ALWAYS:
            kept = _each(value, lambda item, names=branch: _only(item, names))
            if kept not in ({}, []):
                result[name] = kept
        else:
            result[name] = value
    return result


def _without(
    document: Document, tree: Names, attributes: dict[str, Attribute]
) -> Document:
    result: Document = {}
    for name, value in document.items():
        branch = tree.get(name.lower())
        attribute = attributes.get(name.lower())
        always = attribute is not None and attribute.returned == "always"
        if branch is None or always or name in _ALWAYS:
            result[name] = value
        elif branch:
            members = attribute.sub_attributes if attribute else {}
            result[name] = _each(
                value,
                lambda item, names=branch, known=members: _without(item, names, known),
            )
    return result


def _each(value: JSON, project: object) -> JSON:
    if isinstance(value, dict):
        return project(value)  # type: ignore[operator]
    if isinstance(value, list):
        items = [project(v) if isinstance(v, dict) else v for v in value]  # type: ignore[operator]
        return [item for item in items if item != {}]
    return value
