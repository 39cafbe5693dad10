"""What reading a manifest is for every connector: compile its texts, gather what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from integrations.connectors.expressions import (
    Expression,
    InvalidExpression,
    Template,
    compile_expression,
    compile_template,
)
from integrations.connectors.problems import Problem

_Compiled = TypeVar("_Compiled")


class ManifestReader:
    """Compiles expressions and templates; `problems` says what is wrong and where.

    Of what cannot be compiled something harmless stands in, so that reading goes on
    and finds the other mistakes too.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _expression(
        self, text: str, where: str, known: frozenset[str] | None = None
    ) -> Expression:
        """Compile; `known` is None where the expression reads the app's answer."""
        expression = self._compiled(compile_expression, text, where, "null")
        self._check_names([expression], where, known)
        return expression

    def _template(self, text: str, where: str, known: frozenset[str]) -> Template:
        template = self._compiled(compile_template, text, where, "")
        self._check_names(template.expressions(), where, known)
        return template

    def _compiled(
        self, build: Callable[[str], _Compiled], text: str, where: str, harmless: str
    ) -> _Compiled:
        try:
            return build(text)
        except InvalidExpression as error:
            self._report(where, str(error))
            return build(harmless)

    def _check_names(
        self,
        expressions: Iterable[Expression],
        where: str,
        known: frozenset[str] | None,
    ) -> None:
        if known is None:
            return
        used = set[str]().union(*(each.names() for each in expressions))
        for name in sorted(used - known):
            names = ", ".join(sorted(known))
            self._report(where, f"{name} is not known here. Known are: {names}.")

    def _report(self, where: str, message: str) -> None:
        self.problems.append(Problem(where, message))
