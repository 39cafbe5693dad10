"""Compile a filter to SQL, the same for PostgreSQL and SQLite.

A filter becomes one condition over `scim_resource r`: promoted columns where
there are any, the comparable JSON for the rest, memberships by EXISTS. Names come
from the schema and values are parameters; nothing of the client's text is in the
statement. What cannot be expressed is InvalidFilter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scim import json_sql
from scim.json_sql import Sql
from scim.operands import Operand, compare, json_operand, member_operand
from scim.protocol import paths
from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.paths import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from scim.protocol.schema import Attribute, ResourceSchema

_COLUMNS = {
    ("User", "username"): "r.user_name_key",
    ("User", "active"): "r.active",
    ("Group", "displayname"): "r.group_name_key",
    ("User", "externalid"): "r.external_id",
    ("Group", "externalid"): "r.external_id",
}
_MEMBERSHIPS = {
    "members": ("group_id", "member_id"),
    "groups": ("member_id", "group_id"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """An attribute path resolved against the schema."""

    keys: tuple[str, ...]
    attribute: Attribute
    sub_attribute: Attribute | None = None


class Compiler(FilterVisitor[Sql]):
    """Turns the syntax tree of a filter on one resource type into a condition."""

    def __init__(self, schema: ResourceSchema, base_url: str) -> None:
        self.schema = schema
        self.base_url = base_url

    def sort_key(self, path: str) -> Operand:
        """Return what a `sortBy` sorts by. Raises InvalidPath."""
        node = paths.parse(self.schema, path).ast
        if not isinstance(node, AttrPath):
            raise InvalidPath("sortBy must name an attribute.")
        try:
            return self._sortable(self._find(node))
        except InvalidFilter as error:
            raise InvalidPath(error.detail) from None

    def visit_logical_expr(self, node: LogicalExpr) -> Sql:
        """Join the terms."""
        terms = [self.visit(term) for term in node.terms]
        joiner = " AND " if node.op == LogicalOperator.and_ else " OR "
        return Sql(
            f"({joiner.join(term.text for term in terms)})",
            [param for term in terms for param in term.params],
        )

    def visit_not(self, node: Not) -> Sql:
        """Negate. A missing value makes the inner condition false, not unknown."""
        return _not(self.visit(node.expr))

    def visit_present(self, node: Present) -> Sql:
        """Test that there is a value; nothing empty is ever stored."""
        found = self._find(node.attr_path)
        if found.attribute.name in _MEMBERSHIPS:
            return self._membership(found, Sql("1 = 1"))
        if found.sub_attribute is not None and found.attribute.multi_valued:
            return self._exists(
                found.keys,
                json_sql.exists("e.value", (found.sub_attribute.name,)),
            )
        operand = self._single(found)
        return Sql(f"{operand.sql.text} IS NOT NULL", operand.sql.params)

    def visit_comparison(self, node: Comparison) -> Sql:
        """Compare; with a multi-valued attribute, any of its values."""
        if node.op == CompareOperator.ne:
            equal = Comparison(node.attr_path, CompareOperator.eq, node.value)
            return _not(self.visit_comparison(equal))
        found = self._find(node.attr_path)
        if node.value is None:
            if node.op != CompareOperator.eq:
                raise InvalidFilter("null can be compared with eq and ne only.")
            return _not(self.visit_present(Present(node.attr_path)))
        if found.attribute.name in _MEMBERSHIPS:
            leaf = found.sub_attribute or found.attribute.sub_attributes["value"]
            operand = member_operand(leaf, self.base_url, groups=self._is_groups(found))
            return self._membership(found, compare(operand, node))
        if found.attribute.multi_valued:
            leaf = found.sub_attribute or _value_of(found.attribute)
            keys = () if leaf is found.attribute else (leaf.name,)
            operand = json_operand("e.value", keys, leaf)
            return self._exists(found.keys, compare(operand, node))
        if found.attribute.type == "complex" and found.sub_attribute is None:
            # Entra: `manager eq "…"` means its value.
            found = replace(found, sub_attribute=_value_of(found.attribute))
        return compare(self._single(found), node)

    def visit_value_path(self, node: ValuePath) -> Sql:
        """Test that one value fulfils the inner filter as a whole."""
        found = self._find(node.attr_path)
        if not found.attribute.multi_valued:
            raise InvalidFilter(
                f"{node.attr_path} has one value and takes no brackets."
            )
        if found.attribute.name in _MEMBERSHIPS:
            inner = _Members(
                found.attribute, self.base_url, groups=self._is_groups(found)
            )
            return self._membership(found, inner.visit(node.val_filter))
        return self._exists(
            found.keys, _Elements(found.attribute).visit(node.val_filter)
        )

    def _find(self, path: AttrPath) -> Found:
        attributes = self.schema.attributes
        keys: tuple[str, ...] = ()
        if path.uri is not None and path.uri.lower() != self.schema.urn.lower():
            urn = self.schema.extension_urn(path.uri)
            if urn is None:
                raise InvalidFilter(f"{path.uri} is no schema of {self.schema.name}.")
            attributes, keys = self.schema.extensions[urn], (urn,)
        return _find(path, attributes, keys)

    def _single(self, found: Found) -> Operand:
        attribute, sub = found.attribute, found.sub_attribute
        if attribute.name == "meta":
            return self._meta(sub)
        column = _COLUMNS.get((self.schema.name, attribute.name.lower()))
        if attribute.name == "id":
            column = "r.public_id"
        if column is not None and len(found.keys) == 1:
            kept_as = "boolean" if attribute.type == "boolean" else "text"
            return Operand(Sql(column), attribute, kept_as)
        keys = (*found.keys, sub.name) if sub else found.keys
        return json_operand("r.comparable", keys, sub or attribute)

    def _meta(self, sub: Attribute | None) -> Operand:
        if sub is None:
            # Every resource has it; as the type it is complex, so only `pr` fits.
            return Operand(Sql("r.resource_type"), self.schema.attributes["meta"])
        if sub.name in {"created", "lastModified"}:
            column = "r.created_at" if sub.name == "created" else "r.modified_at"
            return Operand(Sql(column), sub, "time")
        if sub.name == "version":
            return Operand(Sql("('W/\"' || r.version || '\"')"), sub)
        if sub.name == "location":
            start = f"{self.base_url}/{self.schema.endpoint}/"
            return Operand(Sql("(%s || r.public_id)", [start]), sub)
        return Operand(Sql("r.resource_type"), sub)

    def _sortable(self, found: Found) -> Operand:
        attribute = found.attribute
        if attribute.name in _MEMBERSHIPS:
            raise InvalidFilter(f"{attribute.name} cannot be sorted on.")
        if not attribute.multi_valued:
            operand = self._single(found)
            if operand.attribute.type in {"complex", "binary"}:
                raise InvalidFilter(f"{attribute.name} cannot be sorted on.")
            return operand
        leaf = found.sub_attribute or _value_of(attribute)
        if leaf.type == "binary":
            raise InvalidFilter(f"{attribute.name} cannot be sorted on.")
        keys = () if leaf is attribute else (leaf.name,)
        return Operand(json_sql.primary("r.comparable", found.keys, keys), leaf, "text")

    def _exists(self, keys: tuple[str, ...], condition: Sql) -> Sql:
        elements = json_sql.elements("r.comparable", keys)
        return Sql(
            f"EXISTS (SELECT 1 FROM {elements.text} WHERE {condition.text})",
            elements.params + condition.params,
        )

    def _membership(self, found: Found, condition: Sql) -> Sql:
        own, other = _MEMBERSHIPS[found.attribute.name]
        return Sql(
            "EXISTS (SELECT 1 FROM scim_groupmember m JOIN scim_resource x "
            f"ON x.id = m.{other} WHERE m.{own} = r.id AND {condition.text})",
            condition.params,
        )

    def _is_groups(self, found: Found) -> bool:
        return found.attribute.name == "groups"


class _Elements(FilterVisitor[Sql]):
    """Conditions on one value of a multi-valued attribute, `e.value`."""

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute

    def operand(self, path: AttrPath) -> Operand:
        """Return what a path inside the brackets reads."""
        sub = self._sub(path)
        return json_operand("e.value", (sub.name,), sub)

    def visit_logical_expr(self, node: LogicalExpr) -> Sql:
        """Join the terms."""
        return Compiler.visit_logical_expr(self, node)  # type: ignore[arg-type]

    def visit_not(self, node: Not) -> Sql:
        """Negate."""
        return _not(self.visit(node.expr))

    def visit_present(self, node: Present) -> Sql:
        """Test that the sub-attribute has a value."""
        sql = self.operand(node.attr_path).sql
        return Sql(f"{sql.text} IS NOT NULL", sql.params)

    def visit_comparison(self, node: Comparison) -> Sql:
        """Compare a sub-attribute."""
        if node.value is None:
            return _not(self.visit_present(Present(node.attr_path)))
        if node.op == CompareOperator.ne:
            equal = Comparison(node.attr_path, CompareOperator.eq, node.value)
            return _not(self.visit_comparison(equal))
        return compare(self.operand(node.attr_path), node)

    def visit_value_path(self, node: ValuePath) -> Sql:
        """Refuse brackets in brackets: RFC 7644 has none."""
        raise InvalidFilter("A value filter cannot hold another one.")

    def _sub(self, path: AttrPath) -> Attribute:
        sub = self.attribute.sub_attributes.get(path.attr.lower())
        if sub is None or path.sub_attr or path.uri:
            raise InvalidFilter(f"{path} is no sub-attribute of {self.attribute.name}.")
        return sub


class _Members(_Elements):
    """Conditions on one membership: `x` is the resource at the other end."""

    def __init__(self, attribute: Attribute, base_url: str, *, groups: bool) -> None:
        super().__init__(attribute)
        self.base_url = base_url
        self.groups = groups

    def operand(self, path: AttrPath) -> Operand:
        """Return what a path inside the brackets reads."""
        return member_operand(self._sub(path), self.base_url, groups=self.groups)


def sort_key_of_all(
    schemas: Iterable[ResourceSchema], base_url: str, path: str
) -> Operand:
    """Return what a `sortBy` over several types sorts by.

    A resource whose type does not have the attribute has no value. Raises
    InvalidPath if no type has it.
    """
    keys: dict[str, Operand] = {}
    refusal: InvalidPath | None = None
    for schema in schemas:
        try:
            keys[schema.name] = Compiler(schema, base_url).sort_key(path)
        except InvalidPath as error:
            refusal = refusal or error
    if not keys and refusal is not None:
        raise refusal
    cases = " ".join(f"WHEN %s THEN {key.sql.text}" for key in keys.values())
    params = [p for name, key in keys.items() for p in (name, *key.sql.params)]
    # Types that have an attribute of one name keep it in one way.
    return replace(
        next(iter(keys.values())),
        sql=Sql(f"(CASE r.resource_type {cases} END)", params),
    )


def order_by(key: Operand, *, descending: bool) -> Sql:
    """Return the ORDER BY of a `sortBy`. RFC 7644 section 3.4.2.3.

    Who has no value comes last, or first when descending.
    """
    text, params = key.sql.text, key.sql.params
    direction = "DESC" if descending else "ASC"
    collated = f"{text} {json_sql.collation()}" if key.kept_as == "text" else text
    return Sql(
        f"({text} IS NULL) {direction}, {collated} {direction}, r.id {direction}",
        [*params, *params],
    )


def member_condition(schema: ResourceSchema, where: FilterNode, base_url: str) -> Sql:
    """Return the condition of `members[…]` over `scim_groupmember m`, member `x`."""
    attribute = schema.attributes["members"]
    return _Members(attribute, base_url, groups=False).visit(where)


def _find(
    path: AttrPath, attributes: dict[str, Attribute], keys: tuple[str, ...]
) -> Found:
    attribute = attributes.get(path.attr.lower())
    if attribute is None:
        raise InvalidFilter(f"{path} is no attribute here. /Schemas lists them.")
    sub = None
    if path.sub_attr is not None:
        sub = attribute.sub_attributes.get(path.sub_attr.lower())
        if sub is None:
            raise InvalidFilter(f"{path} is no attribute here. /Schemas lists them.")
    if "writeOnly" in {attribute.mutability, sub.mutability if sub else ""}:
        raise InvalidFilter(f"{attribute.name} is write-only and cannot be compared.")
    if attribute.returned == "never":
        # Or one could guess it letter by letter.
        raise InvalidFilter(f"{attribute.name} is never returned, nor compared.")
    return Found((*keys, attribute.name), attribute, sub)


def _value_of(attribute: Attribute) -> Attribute:
    if attribute.type != "complex":
        return attribute
    value = attribute.sub_attributes.get("value")
    if value is None:
        raise InvalidFilter(f"{attribute.name} needs a sub-attribute to compare.")
    return value


def _not(condition: Sql) -> Sql:
    return Sql(f"NOT COALESCE(({condition.text}), FALSE)", condition.params)
