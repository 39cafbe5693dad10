"""The `http` part of a manifest, read into compiled calls.

Reading also checks: every expression is compiled and every name in it must be
known where it stands, so that a mistake is found when the manifest is loaded
and not when somebody leaves the company. The shape has been checked before, by
the JSON schema of the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.connectors.client_credentials import read_endpoint
from integrations.connectors.expressions import (
    Expression,
    Template,
)
from integrations.connectors.http.blueprint import (
    Blueprint,
    Call,
    Change,
    EntitlementList,
    Login,
    Paging,
)
from integrations.connectors.manifest_reading import ManifestReader
from integrations.connectors.meanings import ErrorRule, Meaning
from integrations.connectors.problems import Problem

_EVERYWHERE = frozenset({"config", "session"})
_OF_ACCOUNT = frozenset({"id"})
_LOGIN = frozenset({"login"})
_PAGE = frozenset({"page", "offset", "size", "cursor"})
_HEADERS = {
    "basic": {"Authorization": "{basic(login.username, login.password)}"},
    "client_credentials": {"Authorization": "Bearer {session.token}"},
}
LOGINS = {"password": "session", "access_token": "key_session"}
"""Which part of `http` tells how each login workflow logs in."""

KNOWN_NAMES = {
    "check": frozenset(),
    "get_account": frozenset({"id"}),
    "find_account": _PAGE | {"username"},
    "list_accounts": _PAGE,
    "create_account": frozenset({"account", "new_password"}),
}
NAMES_OF_CHANGES = {
    "update_account": frozenset({"account", "id"}),
    "deactivate_account": frozenset({"id"}),
    "reactivate_account": frozenset({"id"}),
    "delete_account": frozenset({"id"}),
}


def read_blueprint(http: Mapping[str, Any]) -> tuple[Blueprint, list[Problem]]:
    """Return the compiled form, and what is wrong with it."""
    reader = _Reader(http)
    return reader.blueprint(), reader.problems


class _Reader(ManifestReader):
    def __init__(self, http: Mapping[str, Any]) -> None:
        super().__init__()
        self._http = http
        self._lookups = http.get("lookups", {})
        self._compiled_lookups = {
            name: self._call({**spec, "reads": []}, f"http.lookups.{name}", _OF_ACCOUNT)
            for name, spec in self._lookups.items()
        }

    def blueprint(self) -> Blueprint:
        http, calls = self._http, self._http["calls"]
        account = {**http["account"]}
        held = account.pop("entitlements", {})
        return Blueprint(
            config=http.get("config", {}),
            logins={
                workflow: self._login(http[name], f"http.{name}")
                for workflow, name in LOGINS.items()
                if name in http
            },
            ignores_case=http.get("usernames") == "ignore_case",
            account=self._expressions(account, "http.account"),
            held=self._expressions(held, "http.account.entitlements"),
            message=self._optional(http, "message", "http"),
            lookups=self._compiled_lookups,
            calls={
                name: self._call(calls[name], f"http.calls.{name}", known)
                for name, known in KNOWN_NAMES.items()
                if name in calls
            },
            changes={
                name: self._change(calls[name], f"http.calls.{name}", known)
                for name, known in NAMES_OF_CHANGES.items()
                if name in calls
            },
            entitlements=tuple(
                self._entitlement_list(spec, f"http.calls.list_entitlements[{number}]")
                for number, spec in enumerate(calls.get("list_entitlements", []))
            ),
            grant=self._by_kind("grant"),
            revoke=self._by_kind("revoke"),
        )

    def _login(self, spec: Mapping[str, Any], where: str) -> Login:
        style = spec["style"]
        headers = _HEADERS.get(style) or spec.get("headers", {})
        known = _LOGIN if style in {"basic", "key"} else frozenset({"session"})
        login = Login(
            style, headers=self._templates(headers, f"{where}.headers", known)
        )
        if style in {"basic", "key"}:
            return login
        if style == "client_credentials":
            return replace(login, token_endpoint=read_endpoint(spec))
        page = spec.get("page")
        filled_in = {"hidden", "cookies"} if page else frozenset[str]()
        return replace(
            login,
            page=self._call(page, f"{where}.page", frozenset()) if page else None,
            call=self._call(spec["login"], f"{where}.login", _LOGIN | filled_in),
            values=self._expressions(spec.get("values", {}), f"{where}.values"),
            refused=tuple(spec.get("refused", [401, 403])),
        )

    def _by_kind(self, name: str) -> dict[str, Change]:
        known = frozenset({"id", "entitlement"})
        return {
            kind: self._change(spec, f"http.calls.{name}.{kind}", known)
            for kind, spec in self._http["calls"].get(name, {}).items()
        }

    def _change(
        self, spec: Mapping[str, Any], where: str, known: frozenset[str]
    ) -> Change:
        """Read one call, or a choice of them."""
        if "choose" not in spec:
            return Change((self._call(spec, where, known),))
        reads = tuple(spec.get("reads", ()))
        self._check_reads(reads, where, known)
        names = known | self._names_read(reads)
        let = self._let(spec.get("let", {}), f"{where}.let", names)
        names |= let.keys()
        calls = tuple(
            self._call(call, f"{where}.choose[{number}]", names)
            for number, call in enumerate(spec["choose"])
        )
        return Change(calls, reads, let)

    def _let(
        self, specs: Mapping[str, str], where: str, known: frozenset[str]
    ) -> dict[str, Expression]:
        """Return the expressions, each behind those that it needs.

        Their own order says nothing: a database does not keep that of an object.
        """
        names = _EVERYWHERE | known | specs.keys()
        waiting = self._expressions(specs, where, frozenset(names))
        ordered: dict[str, Expression] = {}
        while ready := {
            name: expression
            for name, expression in waiting.items()
            if not expression.names() & waiting.keys()
        }:
            ordered |= ready
            waiting = {name: waiting[name] for name in waiting.keys() - ready.keys()}
        for name in sorted(waiting):
            self._report(f"{where}.{name}", "This needs what needs it in turn.")
        return ordered | waiting

    def _names_read(self, reads: tuple[str, ...]) -> frozenset[str]:
        return frozenset(reads) | ({"etag"} if "current" in reads else set())

    def _entitlement_list(self, spec: Mapping[str, Any], where: str) -> EntitlementList:
        if "times" in spec:
            self._check_reads((spec["times"],), where, frozenset())
        return EntitlementList(
            kind=spec["kind"],
            times=spec.get("times", ""),
            call=self._call({**spec, "id": None}, where, _PAGE),
            id=self._expression(spec["id"], f"{where}.id"),
            name=self._expression(spec["name"], f"{where}.name"),
        )

    def _call(self, spec: Mapping[str, Any], where: str, known: frozenset[str]) -> Call:
        reads = tuple(spec.get("reads", ()))
        self._check_reads(reads, where, known)
        names = _EVERYWHERE | known | self._names_read(reads)
        headers = {**self._http.get("headers", {}), **spec.get("headers", {})}
        paging = {**spec.get("paging", {})}
        paging["next"] = self._optional(paging, "next", f"{where}.paging")
        return Call(
            method=spec["method"],
            path=self._template(spec["path"], f"{where}.path", names),
            query=self._expressions(spec.get("query", {}), f"{where}.query", names),
            headers=self._templates(headers, f"{where}.headers", names),
            body=self._optional(spec, "body", where, names),
            form=self._expressions(spec.get("form", {}), f"{where}.form", names),
            reads=reads,
            when=self._optional(spec, "when", where, names),
            details=spec.get("details", False),
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
            paging=Paging(**paging),
        )

    def _check_reads(
        self, reads: tuple[str, ...], where: str, known: frozenset[str]
    ) -> None:
        for name in reads:
            if name == "current" and "id" in known:
                continue
            if name not in self._lookups:
                self._report(f"{where}.reads", f"{name} is not one of http.lookups.")
            elif "id" not in known and "id" in self._compiled_lookups[name].names():
                message = f"{name} is about one account, and this call is not."
                self._report(f"{where}.reads", message)

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
