"""Attribute paths of PATCH operations and filters of queries, parsed with limits.

The grammar and the syntax tree are the library's: RFC 7644 sections 3.4.2.2,
3.5.2 and 3.10.
"""

from __future__ import annotations

import re
from typing import Any, Final

from scim2_models import Path, SCIMException, ScimFilter
from scim2_models.path import (
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

from scim.protocol.errors import InvalidFilter, InvalidPath, from_library
from scim.protocol.schema import ResourceSchema

__all__ = [
    "AttrPath",
    "CompareOperator",
    "Comparison",
    "FilterNode",
    "FilterVisitor",
    "LogicalExpr",
    "LogicalOperator",
    "Not",
    "Present",
    "ValuePath",
    "check",
    "parse",
    "parse_filter",
]

_SIMPLE: Final = re.compile(
    r'([A-Za-z][A-Za-z0-9_-]*)(?:\.([A-Za-z][A-Za-z0-9_-]*))? eq "([^"\\\x00-\x1f]*)"'
)
MAX_LENGTH: Final = 4096
MAX_TERMS: Final = 100
MAX_DEPTH: Final = 20
_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[()\[\]]', re.DOTALL)
"""Brackets, and whole strings so that those within are passed over."""


def check(schema: ResourceSchema, text: str) -> None:
    """Raise InvalidPath unless the path names an attribute of the resource type.

    The library would ignore an operation on an unknown attribute.
    """
    if not text:
        return
    parsed = parse(schema, text)
    if parsed.resolve() is None and schema.extension_urn(text) is None:
        raise InvalidPath(
            "The path names no attribute of this resource type. /Schemas lists them."
        )
    node = parsed.ast
    if isinstance(node, ValuePath):
        _check_size(node.val_filter, InvalidPath)


def parse(schema: ResourceSchema, text: str) -> Path[Any]:
    """Return the parsed path. Raises InvalidPath."""
    _check_text(text, InvalidPath)
    try:
        return Path[schema.model](text)  # type: ignore[name-defined]
    except SCIMException as error:
        raise InvalidPath(from_library(error).detail) from None


def parse_filter(schema: ResourceSchema, text: str) -> FilterNode:
    """Return the syntax tree of a filter that fits the schema.

    Raises InvalidFilter: for bad syntax, an unknown attribute, a value or an
    operator that does not fit the attribute, and for too large a filter.
    """
    simple = _SIMPLE.fullmatch(text)
    if simple is not None and len(text) <= MAX_LENGTH:
        # What every IdP looks people up by. Nothing here needs the grammar.
        name, sub_name, value = simple.groups()
        return Comparison(AttrPath(name, sub_name), CompareOperator.eq, value)
    _check_text(text, InvalidFilter)
    try:
        parsed = ScimFilter[schema.model](text)  # type: ignore[name-defined]
    except SCIMException as error:
        raise InvalidFilter(error.detail) from None
    _check_size(parsed.ast, InvalidFilter)
    return parsed.ast


def _check_text(text: str, error: type[InvalidFilter] | type[InvalidPath]) -> None:
    if len(text) > MAX_LENGTH:
        raise error(f"It is longer than {MAX_LENGTH} characters.")
    depth = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in "([":
            depth += 1
            if depth > MAX_DEPTH:
                raise error(f"It is nested deeper than {MAX_DEPTH} levels.")
        elif bracket in ")]":
            depth -= 1


def _check_size(
    node: FilterNode, error: type[InvalidFilter] | type[InvalidPath]
) -> None:
    if _terms(node) > MAX_TERMS:
        raise error(f"It has more than {MAX_TERMS} comparisons.")


def _terms(node: FilterNode) -> int:
    if isinstance(node, LogicalExpr):
        return sum(_terms(term) for term in node.terms)
    if isinstance(node, Not):
        return _terms(node.expr)
    if isinstance(node, ValuePath):
        return _terms(node.val_filter)
    return 1
