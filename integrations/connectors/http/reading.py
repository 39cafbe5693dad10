"""The `http` part of a manifest, read into compiled calls.

Reading also checks: every expression is compiled and every name in it must be
known where it stands, so that a mistake is found when the manifest is loaded
and not when somebody leaves the company. The shape has been checked before, by
the JSON schema of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from integrations.connectors.http.blueprint import (
    Blueprint,
    Call,
    EntitlementList,
    Login,
    Paging,
)
from integrations.connectors.http.expressions import (
    Expression,
    InvalidExpression,
    Template,
    compile_expression,
    compile_template,
)
from integrations.connectors.http.meanings import ErrorRule, Meaning
from integrations.connectors.problems import Problem

_Compiled = TypeVar("_Compiled")

_EVERYWHERE = frozenset({"config", "session"})
_PAGE = frozenset({"page", "offset", "size"})
KNOWN_NAMES = {
    "check": frozenset(),
    "get_account": frozenset({"id"}),
    "find_account": _PAGE | {"username"},
    "list_accounts": _PAGE,
    "create_account": frozenset({"account", "new_password"}),
    "update_account": frozenset({"account", "id"}),
    "deactivate_account": frozenset({"id"}),
    "reactivate_account": frozenset({"id"}),
    "delete_account": frozenset({"id"}),
}


def read_blueprint(http: Mapping[str, Any]) -> tuple[Blueprint, list[Problem]]:
    """Return the compiled form, and what is wrong with it."""
    reader = _Reader(http)
    return reader.blueprint(), reader.problems


class _Reader:
    def __init__(self, http: Mapping[str, Any]) -> None:
        self._http = http
        self._lookups = http.get("lookups", {})
        self.problems: list[Problem] = []

    def blueprint(self) -> Blueprint:
        http, calls = self._http, self._http["calls"]
        account = {**http["account"]}
        held = account.pop("entitlements", {})
        return Blueprint(
            config=http.get("config", {}),
            login=self._login(http["session"]),
            ignores_case=http.get("usernames") == "ignore_case",
            account=self._expressions(account, "http.account"),
            held=self._expressions(held, "http.account.entitlements"),
            message=self._optional(http, "message", "http"),
            lookups={
                name: self._call(spec, f"http.lookups.{name}", frozenset())
                for name, spec in self._lookups.items()
            },
            calls={
                name: self._call(calls[name], f"http.calls.{name}", known)
                for name, known in KNOWN_NAMES.items()
                if name in calls
            },
            entitlements=tuple(
                self._entitlement_list(spec, f"http.calls.list_entitlements[{number}]")
                for number, spec in enumerate(calls.get("list_entitlements", []))
            ),
            grant=self._by_kind("grant"),
            revoke=self._by_kind("revoke"),
        )

    def _login(self, spec: Mapping[str, Any]) -> Login:
        if spec["style"] == "basic":
            return Login("basic")
        where = "http.session"
        known = frozenset({"login"})
        return Login(
            style=spec["style"],
            call=self._call(spec["login"], f"{where}.login", known),
            values=self._expressions(spec["values"], f"{where}.values"),
            headers=self._templates(
                spec["headers"], f"{where}.headers", frozenset({"session"})
            ),
            refused=tuple(spec.get("refused", [401, 403])),
        )

    def _by_kind(self, name: str) -> dict[str, Call]:
        known = frozenset({"id", "entitlement"})
        return {
            kind: self._call(spec, f"http.calls.{name}.{kind}", known)
            for kind, spec in self._http["calls"].get(name, {}).items()
        }

    def _entitlement_list(self, spec: Mapping[str, Any], where: str) -> EntitlementList:
        return EntitlementList(
            kind=spec["kind"],
            call=self._call({**spec, "id": None}, where, _PAGE),
            id=self._expression(spec["id"], f"{where}.id"),
            name=self._expression(spec["name"], f"{where}.name"),
        )

    def _call(self, spec: Mapping[str, Any], where: str, known: frozenset[str]) -> Call:
        reads = tuple(spec.get("reads", ()))
        self._check_reads(reads, where, known)
        names = _EVERYWHERE | known | set(reads)
        return Call(
            method=spec["method"],
            path=self._template(spec["path"], f"{where}.path", names),
            query=self._expressions(spec.get("query", {}), f"{where}.query", names),
            headers=self._templates(spec.get("headers", {}), f"{where}.headers", names),
            body=self._optional(spec, "body", where, names),
            reads=reads,
            errors=tuple(
                self._error_rule(rule, f"{where}.errors[{number}]")
                for number, rule in enumerate(
                    [*spec.get("errors", []), *self._http.get("errors", [])]
                )
            ),
            item=self._optional(spec, "item", where),
            id=self._optional(spec, "id", where),
            items=self._optional(spec, "items", where),
            total=self._optional(spec, "total", where),
            paging=Paging(**spec.get("paging", {})),
        )

    def _check_reads(
        self, reads: tuple[str, ...], where: str, known: frozenset[str]
    ) -> None:
        for name in reads:
            if name == "current" and "id" in known:
                continue
            if name not in self._lookups:
                self._report(f"{where}.reads", f"{name} is not one of http.lookups.")

    def _error_rule(self, spec: Mapping[str, Any], where: str) -> ErrorRule:
        statuses = spec["status"]
        return ErrorRule(
            statuses=tuple(statuses if isinstance(statuses, list) else [statuses]),
            contains=spec.get("contains", ""),
            when=self._optional(spec, "when", where),
            means=Meaning(spec["means"]),
        )

    def _optional(
        self,
        spec: Mapping[str, Any],
        name: str,
        where: str,
        known: frozenset[str] | None = None,
    ) -> Expression | None:
        text = spec.get(name)
        if text is None:
            return None
        return self._expression(text, f"{where}.{name}", known)

    def _expressions(
        self,
        specs: Mapping[str, str],
        where: str,
        known: frozenset[str] | None = None,
    ) -> dict[str, Expression]:
        return {
            name: self._expression(text, f"{where}.{name}", known)
            for name, text in specs.items()
        }

    def _templates(
        self, specs: Mapping[str, str], where: str, known: frozenset[str]
    ) -> dict[str, Template]:
        return {
            name: self._template(text, f"{where}.{name}", known)
            for name, text in specs.items()
        }

    def _expression(
        self, text: str, where: str, known: frozenset[str] | None = None
    ) -> Expression:
        """Compile; `known` is None where the expression reads the app's answer."""
        expression = self._compiled(compile_expression, text, where, "null")
        self._check_names([expression], where, known)
        return expression

    def _template(self, text: str, where: str, known: frozenset[str]) -> Template:
        template = self._compiled(compile_template, text, where, "")
        self._check_names([*template.expressions()], where, known)
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
        self, expressions: list[Expression], where: str, known: frozenset[str] | None
    ) -> None:
        if known is None:
            return
        used = set[str]().union(*(each.names() for each in expressions))
        for name in sorted(used - known):
            names = ", ".join(sorted(known))
            self._report(where, f"{name} is not known here. Known are: {names}.")

    def _report(self, where: str, message: str) -> None:
        self.problems.append(Problem(where, message))
