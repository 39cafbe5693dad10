"""The manifest's expressions: JMESPath, bounded.

JMESPath reads values and builds values; it cannot call Python, loop or read
anything but what it is given. Length, depth and steps are limited all the same,
because an expression can double a list again and again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options, TreeInterpreter

from integrations.connectors.base import PermanentFailure
from integrations.connectors.failures import UNWORKABLE
from integrations.connectors.functions import ManifestFunctions
from integrations.desired import JSON

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode as Node

_LONGEST_EXPRESSION = 1000
_DEEPEST_EXPRESSION = 24
_MOST_STEPS = 200_000
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# JMESPathError is a ValueError; its functions let some of Python's own pass.
_FAILURES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

_SCOPE_OF_FIRST_CHILD_ONLY = {
    "filter_projection",
    "flatten",
    "index_expression",
    "pipe",
    "projection",
    "subexpression",
    "value_projection",
}


class InvalidExpression(Exception):
    """The text is not an expression; the message says why."""


class ExpressionFailed(Exception):
    """The expression cannot be worked out on these values."""


_OPTIONS = Options(custom_functions=ManifestFunctions())


class _BoundedInterpreter(TreeInterpreter):
    steps = 0

    def visit(self, node: Node, *values: Any, **options: Any) -> Any:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise ExpressionFailed("It takes too many steps.")
        return super().visit(node, *values, **options)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    _tree: Node = field(repr=False, compare=False)

    def evaluate(self, values: JSON) -> JSON:
        """Return the result; null where something is missing."""
        try:
            return cast("JSON", _BoundedInterpreter(_OPTIONS).visit(self._tree, values))
        except _FAILURES as error:
            raise ExpressionFailed(str(error)) from error

    def names(self) -> set[str]:
        """Return the names that it reads from the values it is given."""
        return set(_names(self._tree))


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions in braces: `/users/{id}`."""

    parts: tuple[str | Expression, ...]

    def render(self, values: JSON, encode: Callable[[JSON], str]) -> str:
        """Return the text, with each result put through `encode`."""
        return "".join(
            part if isinstance(part, str) else encode(part.evaluate(values))
            for part in self.parts
        )

    def expressions(self) -> Iterator[Expression]:
        """Yield the expressions between braces."""
        return (part for part in self.parts if isinstance(part, Expression))


def compile_expression(text: str) -> Expression:
    """Return a compiled expression. Raises InvalidExpression."""
    if len(text) > _LONGEST_EXPRESSION:
        limit = f"at most {_LONGEST_EXPRESSION} characters"
        raise InvalidExpression(f"An expression has {limit}.")
    try:
        tree = jmespath.compile(text).parsed
    except (JMESPathError, RecursionError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise InvalidExpression(f"This is not JMESPath: {reason}") from error
    if _depth(tree) > _DEEPEST_EXPRESSION:
        raise InvalidExpression("The expression is nested too deeply.")
    for function in _functions(tree):
        if function not in ManifestFunctions.FUNCTION_TABLE:
            raise InvalidExpression(f"There is no function {function}().")
    return Expression(text, tree)


def compile_template(text: str) -> Template:
    """Return a compiled template. Raises InvalidExpression."""
    pieces = _PLACEHOLDER.split(text)
    if any(brace in piece for piece in pieces[::2] for brace in "{}"):
        raise InvalidExpression("A brace is opened or closed without the other.")
    return Template(
        tuple(
            compile_expression(piece) if number % 2 else piece
            for number, piece in enumerate(pieces)
        )
    )


def _children(node: Node) -> list[Node]:
    # The children of a slice are numbers, not nodes.
    return [child for child in node["children"] if isinstance(child, Mapping)]


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, _children(node)), default=0)


def _functions(node: Node) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield str(node["value"])
    for child in _children(node):
        yield from _functions(child)


def _names(node: Node) -> Iterator[str]:
    if node["type"] == "field":
        yield str(node["value"])
    if node["type"] == "expref":
        return
    inherits = _children(node)
    if node["type"] in _SCOPE_OF_FIRST_CHILD_ONLY:
        inherits = inherits[:1]
    for child in inherits:
        yield from _names(child)


def work_out(expression: Expression, values: JSON) -> JSON:
    """Return the expression's value. Raises PermanentFailure if it has none."""
    try:
        return expression.evaluate(values)
    except ExpressionFailed as error:
        raise PermanentFailure(UNWORKABLE) from error
