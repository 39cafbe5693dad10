from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integrations.catalog.loader import (
    InvalidManifest,
    check_manifest,
    load_manifest,
    shipped_manifests,
)
from integrations.connectors.registry import connector_for
from tests.integrations.connectors.manifests import SMALL, small


def problems(manifest: object) -> list[str]:
    return [str(problem) for problem in check_manifest(manifest)]


def with_call(name: str, **call: Any) -> dict[str, Any]:
    return small(calls={name: {"method": "GET", "path": "/x", **call}})


def test_ships_manifests_that_are_right() -> None:
    slugs = [manifest["slug"] for manifest in shipped_manifests()]

    assert slugs == ["by-hand", "demo-app", "flask-appbuilder", "scim-app"]


def test_finds_nothing_wrong_with_a_small_manifest() -> None:
    assert problems(SMALL) == []


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (7, "manifest: This must be an object."),
        ({**SMALL, "colour": "red"}, "manifest: 'colour' is not known here."),
        ({**SMALL, "slug": "My App"}, "slug: This must match"),
        ({**SMALL, "name": ""}, "name: This must not be empty."),
        ({**SMALL, "name": "x" * 101}, "name: This may have at most 100 characters."),
        ({**SMALL, "connector": "ftp"}, "connector: This must be one of: http"),
        ({**SMALL, "identifier": {"label": "ID"}}, "identifier: This has none of"),
        ({**SMALL, "login_workflows": []}, "login_workflows: This must not be empty."),
        (
            {**SMALL, "capabilities": {**SMALL["capabilities"], "create": "yes"}},
            "capabilities.create: This must be true or false.",
        ),
        (
            {key: value for key, value in SMALL.items() if key != "http"},
            "manifest: 'http' is missing.",
        ),
        (small(account={"id": "id"}), "http.account: 'username' is missing."),
        (small(session={"style": "magic"}), "http.session.style: This must be one of"),
        (with_call("check", path="users"), "http.calls.check.path: This must match"),
        (with_call("check", path="/a?b=c"), "http.calls.check.path: This must match"),
        (with_call("check", method="TRACE"), "http.calls.check.method: This must be"),
        (
            with_call("check", headers={"Host": "evil.example"}),
            "http.calls.check.headers:",
        ),
        (
            with_call("check", paging={"style": "page"}),
            "http.calls.check.paging: 'start' is missing.",
        ),
    ],
)
def test_says_what_has_the_wrong_shape_and_where(
    manifest: object, problem: str
) -> None:
    found = problems(manifest)

    assert any(each.startswith(problem) for each in found), found


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (
            with_call("create_account", body="{login: person.username}"),
            "http.calls.create_account.body: person is not known here.",
        ),
        (
            with_call("create_account", path="/users/{id}"),
            "http.calls.create_account.path: id is not known here.",
        ),
        (
            with_call("list_accounts", query={"q": "page +"}),
            "http.calls.list_accounts.query.q: This is not JMESPath",
        ),
        (
            with_call("check", path="/users/{config.x"),
            "http.calls.check.path: A brace is opened",
        ),
        (
            with_call("check", headers={"X-Id": "{login.password}"}),
            "http.calls.check.headers.X-Id: login is not known here.",
        ),
        (
            with_call("check", body="quote(config.x)"),
            "http.calls.check.body: There is no function quote().",
        ),
        (
            with_call("update_account", reads=["role"]),
            "http.calls.update_account.reads: role is not one of http.lookups.",
        ),
        (
            with_call("create_account", reads=["current"]),
            "http.calls.create_account.reads: current is not one of http.lookups.",
        ),
        (
            with_call("check", errors=[{"status": 400, "when": "(", "means": "rate"}]),
            "http.calls.check.errors[0].when: This is not JMESPath",
        ),
        (
            {**SMALL, "capabilities": {**SMALL["capabilities"], "delete": True}},
            "capabilities.delete: There is no call delete_account for it.",
        ),
        (
            {
                **SMALL,
                "capabilities": {
                    **SMALL["capabilities"],
                    "entitlements": [
                        {"kind": "role", "label": "Roles", "assignable": True}
                    ],
                },
            },
            "capabilities.entitlements[0]: There is no call grant for kind role.",
        ),
    ],
)
def test_says_what_does_not_make_sense_and_where(
    manifest: dict[str, Any], problem: str
) -> None:
    found = problems(manifest)

    assert any(each.startswith(problem) for each in found), found


def test_finds_every_problem_at_once() -> None:
    manifest = small(
        message="(",
        calls={"create_account": {"method": "POST", "path": "/{x}", "body": "y"}},
    )

    assert len(problems(manifest)) == 3


def test_does_not_open_a_manifest_that_is_wrong() -> None:
    with pytest.raises(ValueError, match="person is not known here"):
        connector_for(with_call("create_account", body="person"))


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000])
def test_says_that_a_file_is_not_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)

    with pytest.raises(InvalidManifest, match=r"odd\.json: Not JSON"):
        load_manifest(path)


def test_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text("{}")

    with pytest.raises(InvalidManifest, match="'slug' is missing"):
        load_manifest(path)
