from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from integrations.catalog.loader import (
    InvalidManifest,
    check_manifest,
    load_manifest,
    shipped_manifests,
)
from integrations.connectors.http.reading import LOGINS
from integrations.connectors.registry import connector_for
from tests.integrations.connectors.manifests import SMALL, small

MANIFEST_PAGE = Path(__file__).parents[3] / "docs/reference/manifest.md"
USERS = {"method": "GET", "path": "/users"}


def problems(manifest: object) -> list[str]:
    return [str(problem) for problem in check_manifest(manifest)]


def with_call(name: str, **call: Any) -> dict[str, Any]:
    return small(calls={name: {"method": "GET", "path": "/x", **call}})


def test_ships_manifests_that_are_right() -> None:
    slugs = [manifest["slug"] for manifest in shipped_manifests()]

    assert slugs == [
        "by-hand",
        "demo-app-by-clicks",
        "demo-app",
        "flask-appbuilder",
        "jupyterhub",
        "ldap",
        "openldap",
        "postgresql",
        "redmine-by-clicks",
        "redmine",
        "roundup",
        "scim-app",
        "wagtail",
    ]


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
        (
            {**SMALL, "connector": "ftp"},
            "connector: This must be one of: browser, http, ldap, scim, sql, task.",
        ),
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
            "http.calls.check.paging: 'size' is missing.",
        ),
        (
            with_call("check", paging={"style": "page", "size": 1}),
            "http.calls.check.paging: 'start' is missing.",
        ),
        (
            with_call("check", paging={"style": "cursor", "size": 1}),
            "http.calls.check.paging: 'next' is missing.",
        ),
        (
            with_call("check", paging={"style": "link", "size": 1, "next": "next"}),
            "http.calls.check.paging: This is not allowed with the rest",
        ),
        (
            small(calls={"delete_account": {"choose": []}}),
            "http.calls.delete_account.choose: This must not be empty.",
        ),
        (
            small(session={"style": "form", "page": {"method": "GET", "path": "/"}}),
            "http.session: 'login' is missing.",
        ),
        (
            small(key_session={"style": "key", "headers": {}}),
            "http.key_session.headers: This must not be empty.",
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
            small(calls={"delete_account": {"let": {"a": "b"}, "choose": [USERS]}}),
            "http.calls.delete_account.let.a: b is not known here.",
        ),
        (
            small(
                calls={
                    "delete_account": {"let": {"a": "b", "b": "a"}, "choose": [USERS]}
                }
            ),
            "http.calls.delete_account.let.a: This needs what needs it in turn.",
        ),
        (
            {**SMALL, "login_workflows": ["password", "access_token"]},
            "login_workflows: There is no http.key_session for the workflow",
        ),
        (
            small(key_session={"style": "key", "headers": {"X-Key": "{login.key}"}}),
            "http.key_session: The workflow access_token, which it is for, is not",
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


DOCUMENTED = re.findall(
    r"^```json\n(.*?)^```", MANIFEST_PAGE.read_text(), re.DOTALL | re.MULTILINE
)
PARTS = [
    part
    for text in DOCUMENTED
    for part in [json.loads(text if text.startswith("{") else f"{{{text}}}")]
]


@pytest.mark.parametrize(
    "part", [p for p in PARTS if {"session", "key_session"} & p.keys() - {"slug"}]
)
def test_documented_logins_are_right(part: dict[str, Any]) -> None:
    manifest = small(**part)
    manifest["login_workflows"] = [
        workflow for workflow, name in LOGINS.items() if name in manifest["http"]
    ]

    assert problems(manifest) == []


@pytest.mark.parametrize(
    "part", [p for p in PARTS if {"grant", "revoke", "update_account"} & p.keys()]
)
def test_documented_changes_are_right(part: dict[str, Any]) -> None:
    assert problems(small(calls=part)) == []


@pytest.mark.parametrize("part", [p for p in PARTS if {"paging", "times"} & p.keys()])
def test_documented_lists_are_right(part: dict[str, Any]) -> None:
    roles = {"method": "GET", "path": "/roles", "item": "roles"}
    call = {"method": "GET", "path": "/x", "kind": "role", "id": "id", "name": "name"}
    calls = {"list_entitlements": [{**call, **part}]}

    assert problems(small(calls=calls, lookups={"roles": roles})) == []


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


@pytest.mark.parametrize(
    ("slug", "changes", "problem"),
    [
        ("openldap", {"sql": {}}, "manifest: There is a section of another"),
        ("openldap", {"ldap": None}, "ldap: This must be an object."),
        ("postgresql", {"connector": "ldap"}, "manifest: 'ldap' is missing."),
        ("postgresql", {"sql": {"grantable": ["*"]}}, "sql.grantable[0]: Name the"),
    ],
)
def test_each_connector_has_its_own_section(
    slug: str, changes: dict[str, Any], problem: str
) -> None:
    manifest = next(m for m in shipped_manifests() if m["slug"] == slug)

    found = problems({**manifest, **changes})

    assert any(each.startswith(problem) for each in found), found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"rdn": "ou"}, "ldap.users.rdn: The DN is made of an attribute that is"),
        ({"rdn": "uid)(cn"}, "ldap.users.rdn: This must match"),
        ({"deactivate": {"style": "move"}}, "ldap.users.deactivate: 'base' is missing"),
        ({"deactivate": {"style": "hide"}}, "ldap.users.deactivate.style: This must"),
    ],
)
def test_says_what_is_wrong_in_an_ldap_section(
    change: dict[str, Any], problem: str
) -> None:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "openldap")
    manifest["ldap"]["users"].update(change)

    found = problems(manifest)

    assert any(each.startswith(problem) for each in found), found


@pytest.mark.parametrize("slug", ["demo-app", "demo-app-by-clicks"])
def test_app_that_cannot_be_asked_for_its_accounts_is_refused(slug: str) -> None:
    """F16: without a look-up a creation of an unclear end would be repeated blindly."""
    manifest = next(m for m in shipped_manifests() if m["slug"] == slug)
    part = manifest[manifest["connector"]]
    part.get("calls", part).pop("list_accounts")

    assert problems(manifest)[0].endswith("'list_accounts' is missing.")


def test_directory_whose_user_names_are_nowhere_is_refused() -> None:
    """F16: nobody could be looked for. The other connectors need no manifest for it."""
    manifest = next(m for m in shipped_manifests() if m["slug"] == "openldap")
    manifest["ldap"]["users"]["attributes"].pop("username")

    assert problems(manifest) == ["ldap.users.attributes: 'username' is missing."]
