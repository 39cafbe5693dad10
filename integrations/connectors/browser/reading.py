"""The `browser` part of a manifest, read into compiled steps.

Reading also checks what the JSON schema cannot: every expression is compiled, every
name in it must be known where it stands, and every act must end with something that
the app itself says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.connectors.browser.blueprint import (
    Blueprint,
    Listing,
    Look,
    Reading,
    Step,
    Target,
    Verb,
)
from integrations.connectors.manifest_reading import ManifestReader
from integrations.connectors.problems import Problem

_NOTHING: frozenset[str] = frozenset()
_EVERYWHERE = frozenset({"config"})
_OF_ONE = frozenset({"id", "current"})
ACTS = {
    "create_account": frozenset({"account", "new_password"}),
    "update_account": _OF_ONE | {"account"},
    "deactivate_account": _OF_ONE,
    "reactivate_account": _OF_ONE,
    "delete_account": _OF_ONE,
}
NO_END = (
    "The last step must be expect, so that nothing counts as done before the app's "
    "own page shows it."
)
NO_START = "The first step must be goto, so that it is known where the others begin."
FIXED = "A css selector is fixed text and takes no value in braces."


def read_blueprint(browser: Mapping[str, Any]) -> tuple[Blueprint, list[Problem]]:
    """Return the compiled form, and what is wrong with it."""
    reader = _Reader(browser)
    return reader.blueprint(), reader.problems


class _Reader(ManifestReader):
    def __init__(self, browser: Mapping[str, Any]) -> None:
        super().__init__()
        self._browser = browser

    def blueprint(self) -> Blueprint:
        browser = self._browser
        account = browser["account"]
        read = {**account["read"]}
        held = read.pop("entitlements", {})
        accounts = self._listing(browser["list_accounts"], "browser.list_accounts")
        find, log_in = browser.get("find_account"), browser["log_in"]
        return Blueprint(
            config=browser.get("config", {}),
            ignores_case=browser.get("usernames") == "ignore_case",
            log_in=self._steps(
                log_in["steps"], "browser.log_in.steps", frozenset({"login"})
            ),
            login_refused=self._target(log_in["refused"], "browser.log_in.refused"),
            check=self._steps(browser["check"], "browser.check"),
            refused=self._optional_target(browser, "refused", "browser"),
            duplicates=tuple(browser.get("duplicates", ())),
            masks=tuple(
                self._target(mask, f"browser.masks[{number}]")
                for number, mask in enumerate(browser.get("masks", ()))
            ),
            account_page=self._steps(
                account["steps"], "browser.account.steps", frozenset({"id"})
            ),
            account=self._readings(read, "browser.account.read"),
            held=self._readings(held, "browser.account.read.entitlements"),
            list_accounts=accounts,
            find_account=accounts
            if find is None
            else self._listing(find, "browser.find_account", frozenset({"username"})),
            entitlements=tuple(
                self._listing(spec, f"browser.list_entitlements[{number}]")
                for number, spec in enumerate(browser.get("list_entitlements", ()))
            ),
            acts={
                name: self._steps(browser[name], f"browser.{name}", known)
                for name, known in ACTS.items()
                if name in browser
            },
            grant=self._by_kind("grant"),
            revoke=self._by_kind("revoke"),
        )

    def _by_kind(self, name: str) -> dict[str, tuple[Step, ...]]:
        return {
            kind: self._steps(
                steps, f"browser.{name}.{kind}", _OF_ONE | {"entitlement"}
            )
            for kind, steps in self._browser.get(name, {}).items()
        }

    def _listing(
        self, spec: Mapping[str, Any], where: str, known: frozenset[str] = _NOTHING
    ) -> Listing:
        read = {**spec["read"]}
        held = read.pop("entitlements", {})
        return Listing(
            steps=self._steps(spec["steps"], f"{where}.steps", known),
            rows=self._target(spec["rows"], f"{where}.rows"),
            read=self._readings(read, f"{where}.read"),
            held=self._readings(held, f"{where}.read.entitlements"),
            next=self._optional_target(spec, "next", where),
            total=self._reading(spec["total"], f"{where}.total")
            if "total" in spec
            else None,
            kind=spec.get("kind", ""),
        )

    def _steps(
        self,
        specs: Sequence[Mapping[str, Any]],
        where: str,
        known: frozenset[str] = _NOTHING,
    ) -> tuple[Step, ...]:
        steps = tuple(
            self._step(spec, f"{where}[{number}]", known | _EVERYWHERE)
            for number, spec in enumerate(specs)
        )
        if steps[0].verb is not Verb.GOTO:
            self._report(f"{where}[0]", NO_START)
        if steps[-1].verb is not Verb.EXPECT:
            self._report(f"{where}[{len(steps) - 1}]", NO_END)
        return steps

    def _step(self, spec: Mapping[str, Any], where: str, known: frozenset[str]) -> Step:
        verb = next(verb for verb in Verb if verb in spec)
        where = f"{where}.{verb}"
        if verb is Verb.GOTO:
            return Step(
                verb,
                path=self._template(spec["goto"], where, known),
                query={
                    name: self._expression(text, f"{where}.query.{name}", known)
                    for name, text in spec.get("query", {}).items()
                },
            )
        return Step(
            verb,
            target=self._target(spec[verb], where, known),
            value=self._expression(spec["value"], f"{where}.value", known)
            if "value" in spec
            else None,
            accepts=spec.get("accept", False),
        )

    def _optional_target(
        self, spec: Mapping[str, Any], name: str, where: str
    ) -> Target | None:
        return self._target(spec[name], f"{where}.{name}") if name in spec else None

    def _target(
        self,
        spec: Mapping[str, Any],
        where: str,
        known: frozenset[str] = _EVERYWHERE,
    ) -> Target:
        by = next(name for name in spec if name != "in")
        text = self._template(spec[by], f"{where}.{by}", known)
        if by == "css" and any(text.expressions()):
            self._report(f"{where}.css", FIXED)
        within = spec.get("in")
        return Target(
            by, text, self._target(within, f"{where}.in", known) if within else None
        )

    def _readings(self, specs: Mapping[str, Any], where: str) -> dict[str, Reading]:
        return {
            name: self._reading(spec, f"{where}.{name}") for name, spec in specs.items()
        }

    def _reading(self, spec: Mapping[str, Any], where: str) -> Reading:
        look = next(look for look in Look if look in spec)
        return Reading(
            look,
            self._target(spec[look], f"{where}.{look}"),
            self._pattern(spec["match"], f"{where}.match") if "match" in spec else None,
        )

    def _pattern(self, text: str, where: str) -> re.Pattern[str] | None:
        try:
            pattern = re.compile(text)
        except re.error as error:
            self._report(where, f"This is not a regular expression: {error}.")
            return None
        if pattern.groups != 1:
            self._report(where, "One part in parentheses says what to pick out.")
        return pattern
