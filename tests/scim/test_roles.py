"""Roles and entitlements of the app, as Okta reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scim import services
from scim.models import Resource
from scim.served import schema_of
from tests.conftest import JSON, ScimClient, scim_client
from workspaces.clock import database_now
from workspaces.models import Directory, Workspace

ROLE = "urn:okta:scim:schemas:core:1.0:Role"
ENTITLEMENT = "urn:okta:scim:schemas:core:1.0:Entitlement"
APP = services.Origin(source=Resource.Source.APP)

Add = Callable[..., Resource]


@pytest.fixture
def add(directory: Directory) -> Add:
    """Make a role or an entitlement as Sync does."""

    def make(name: str, type_name: str = "Role") -> Resource:
        body: JSON = {"displayName": name, "type": type_name, "description": "Roles"}
        schema = schema_of(directory, type_name)
        return services.create(directory, schema, body, origin=APP, now=database_now())

    return make


def test_role_reads_as_okta_expects(add: Add, scim: ScimClient) -> None:
    role = add("Admin")

    body = scim.get(f"/Roles/{role.public_id}").body

    assert body.pop("meta")["location"].endswith(f"/Roles/{role.public_id}")
    assert body == {
        "schemas": [ROLE],
        "id": role.public_id,
        "displayName": "Admin",
        "type": "Role",
        "description": "Roles",
    }


def test_types_are_announced_with_their_schemas(scim: ScimClient) -> None:
    types = {t["name"]: t for t in scim.get("/ResourceTypes").resources}

    for name, endpoint, urn in (
        ("Role", "/Roles", ROLE),
        ("Entitlement", "/Entitlements", ENTITLEMENT),
    ):
        assert (types[name]["endpoint"], types[name]["schema"]) == (endpoint, urn)
        attributes = scim.get(f"/Schemas/{urn}").body["attributes"]
        assert {a["name"] for a in attributes} == {"displayName", "type", "description"}
        assert {a["mutability"] for a in attributes} == {"readOnly"}


def test_lists_are_kept_apart(add: Add, scim: ScimClient) -> None:
    add("Admin")
    add("Repository", "Entitlement")
    scim.add_group("Engineering")
    scim.add_user()

    assert [r["displayName"] for r in scim.get("/Roles").resources] == ["Admin"]
    (entitlement,) = scim.get("/Entitlements").resources
    assert (entitlement["displayName"], entitlement["type"]) == (
        "Repository",
        "Entitlement",
    )
    assert scim.get("").body["totalResults"] == 4
    assert scim.get("/Groups").body["totalResults"] == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"filter": 'displayName eq "admin"'}, ["Admin"]),
        (
            {"filter": 'displayName co "e"', "sortBy": "displayName"},
            ["Editor", "Viewer"],
        ),
        ({"filter": 'type eq "Role"', "count": 1}, ["Viewer"]),
        ({"sortBy": "displayName"}, ["Admin", "Editor", "Viewer"]),
        (
            {"sortBy": "displayName", "sortOrder": "descending", "startIndex": 2},
            ["Editor", "Admin"],
        ),
        ({"filter": 'meta.resourceType eq "Role"', "count": 2}, ["Viewer", "Admin"]),
    ],
)
def test_list_is_filtered_and_sorted(
    query: JSON, names: list[str], add: Add, scim: ScimClient
) -> None:
    for name in ("Viewer", "Admin", "Editor"):
        add(name)

    answer = scim.get("/Roles", **query)

    assert [r["displayName"] for r in answer.resources] == names


def test_one_is_found_by_its_id(add: Add, scim: ScimClient) -> None:
    role = add("Admin")
    add("Viewer")

    found = scim.get("/Roles", filter=f'id eq "{role.public_id}"').resources

    assert [r["id"] for r in found] == [role.public_id]
    assert scim.get(f"/Entitlements/{role.public_id}").status == 404


def test_projection(add: Add, scim: ScimClient) -> None:
    role = add("Admin")

    body = scim.get(f"/Roles/{role.public_id}", attributes="displayName").body

    assert body == {
        "schemas": [ROLE],
        "id": role.public_id,
        "displayName": "Admin",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_idp_cannot_change_what_the_app_has(
    method: str, add: Add, scim: ScimClient
) -> None:
    role = add("Admin")
    path = "/Roles" if method == "POST" else f"/Roles/{role.public_id}"
    change = {"op": "replace", "path": "displayName", "value": "X"}

    answer = scim.request(method, path, {"displayName": "X", "Operations": [change]})

    assert answer.status == 403
    assert "cannot be changed" in answer.body["detail"] or "not changed" in answer.text
    assert [r["displayName"] for r in scim.get("/Roles").resources] == ["Admin"]


def test_idp_cannot_change_it_in_bulk_either(add: Add, scim: ScimClient) -> None:
    role = add("Admin")

    answer = scim.post(
        "/Bulk",
        {"Operations": [{"method": "DELETE", "path": f"/Roles/{role.public_id}"}]},
    )

    assert [o["status"] for o in answer.body["Operations"]] == ["403"]


def test_role_is_no_member_of_a_group(add: Add, scim: ScimClient) -> None:
    answer = scim.post(
        "/Groups",
        {"displayName": "G", "members": [{"value": add("Admin").public_id}]},
    )

    assert answer.status == 201
    assert "members" not in answer.body


def test_role_of_another_directory_does_not_exist(
    add: Add, other_scim: ScimClient
) -> None:
    role = add("Admin")

    assert other_scim.get(f"/Roles/{role.public_id}").status == 404
    assert other_scim.get("/Roles").resources == []


def test_directory_sync_has_none(workspace: Workspace) -> None:
    directory = workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)
    scim = scim_client(directory)

    names = {t["name"] for t in scim.get("/ResourceTypes").resources}
    assert names == {"User", "Group"}
    assert scim.get("/Roles").status == 404
    assert scim.get(f"/Schemas/{ROLE}").status == 404
