"""The examples of RFC 7643, RFC 7644 and RFC 9865, each asked of the running server.

Bodies are those in `protocol/rfc`, with the ids of real resources for the RFC's.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from scim.models import Resource
from scim.protocol.schema import DEFAULT_RESULTS, MAX_RESULTS
from tests.conftest import JSON, Answer, ScimClient
from tests.scim.rfc import BABS, FOLDER, JAMES, MANDY, example
from tests.scim.urns import ENTERPRISE, ERROR, GROUP, LIST, PATCH, USER

SERVERS_OWN = ("id", "meta", "groups", "password")
"""What a client may send and the server decides by itself. Who is created without
`active` is active: no example says either."""


@pytest.fixture
def babs(scim: ScimClient) -> JSON:
    """Store Barbara Jensen."""
    return scim.add_user("bjensen", externalId="bjensen", displayName="Babs Jensen")


@pytest.fixture
def james(scim: ScimClient) -> JSON:
    return scim.add_user("jsmith", displayName="James Smith")


@pytest.fixture
def ids(babs: JSON, james: JSON) -> dict[str, str]:
    """Return the ids to put for those of the RFC."""
    return {BABS: babs["id"], JAMES: james["id"], MANDY: james["id"]}


def without(document: JSON, *names: str) -> JSON:
    return {name: value for name, value in document.items() if name not in names}


def members(scim: ScimClient, group: JSON) -> list[str]:
    body = scim.get(f"/Groups/{group['id']}").body
    return [member["value"] for member in body.get("members", [])]


def assert_error(answer: Answer, theirs: JSON) -> None:
    """Check an error against that of the RFC, whose `detail` is free text."""
    assert answer.status == int(theirs["status"])
    assert without(answer.body, "detail") == without(theirs, "detail")
    assert answer.body["detail"]


def test_every_example_is_used() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in (Path(__file__), *FOLDER.parent.glob("test_*.py"))
    )

    unused = {path.stem for path in FOLDER.glob("*.json") if path.stem not in sources}

    assert unused == set()


class TestResourcesOfRfc7643:
    @pytest.mark.parametrize(
        "name",
        [
            "rfc7643-8.1-minimal_user",
            "rfc7643-8.2-full_user",
            "rfc7643-8.3-enterprise_user",
        ],
    )
    def test_user_of_section_8_1_to_8_3(self, name: str, scim: ScimClient) -> None:
        sent = example(name)

        created = scim.post("/Users", sent)

        assert created.status == 201, created.text
        # Derived from whom the manager's value names, who does not exist here.
        sent.get(ENTERPRISE, {}).get("manager", {}).pop("displayName", None)
        read = scim.get(f"/Users/{created.body['id']}").body
        assert without(read, *SERVERS_OWN) == without(
            {"active": True, **sent}, *SERVERS_OWN
        )
        assert read["meta"].keys() == sent["meta"].keys()
        assert read["meta"]["resourceType"] == "User"

    def test_group_of_section_8_4(self, ids: dict[str, str], scim: ScimClient) -> None:
        sent = example("rfc7643-8.4-group", ids)
        sent["members"][1]["display"] = "James Smith"

        created = scim.post("/Groups", sent)

        assert created.status == 201
        names = ("value", "$ref", "display")
        read = scim.get(
            f"/Groups/{created.body['id']}",
            attributes=",".join(["displayName", *(f"members.{n}" for n in names)]),
        ).body
        base = scim.directory.base_url
        for member in sent["members"]:
            member["$ref"] = member["$ref"].replace("https://example.com/v2", base)
        assert without(read, "id") == without(sent, "id", "meta")
        assert created.body["meta"].keys() == sent["meta"].keys()

    def test_service_provider_config_of_section_8_5(self, scim: ScimClient) -> None:
        theirs = example("rfc7643-8.5-service_provider_config")

        ours = scim.get("/ServiceProviderConfig").body

        assert ours["schemas"] == theirs["schemas"]
        for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
            assert ours[feature].keys() == theirs[feature].keys()
            # Passwords are never kept, so there is none to change.
            wanted = feature != "changePassword"
            assert ours[feature]["supported"] is wanted
        bearer, given = (
            theirs["authenticationSchemes"][0],
            ours["authenticationSchemes"],
        )
        assert [(s["type"], s["primary"]) for s in given] == [
            (bearer["type"], bearer["primary"])
        ]
        assert ours["meta"]["resourceType"] == theirs["meta"]["resourceType"]

    def test_resource_types_of_section_8_6(self, scim: ScimClient) -> None:
        for theirs in example("rfc7643-8.6-resource_types"):
            # Every extension is optional here: no IdP sends them all.
            for extension in theirs.get("schemaExtensions", []):
                extension["required"] = False
            theirs["meta"]["location"] = (
                f"{scim.directory.base_url}/ResourceTypes/{theirs['id']}"
            )

            ours = scim.get(f"/ResourceTypes/{theirs['id']}").body

            assert without(ours, "description") == without(theirs, "description")

    @pytest.mark.parametrize("urn", [USER, GROUP, ENTERPRISE])
    def test_schemas_of_section_8_7(self, urn: str, scim: ScimClient) -> None:
        theirs = example("rfc7643-8.7.1-characteristics")[urn]

        ours = _characteristics(scim.get(f"/Schemas/{urn}").body["attributes"])

        differing = {name for name in theirs if ours.get(name) != theirs[name]}
        assert ours.keys() == theirs.keys()
        assert differing == DIFFERING[urn]


DIFFERING: dict[str, set[str]] = {
    # Ids, passwords and URIs are compared exactly: RFC 7643 section 2.3.7.
    USER: {"profileUrl", "password", "groups.value", "groups.$ref"},
    # The display of a member comes on request: see scim.protocol.models.
    GROUP: {"members.value", "members.$ref", "members.display"},
    # Entra and Okta send no $ref.
    ENTERPRISE: {"manager.$ref"},
}


def _characteristics(attributes: list[JSON], prefix: str = "") -> dict[str, str]:
    """Return what section 7 has of each attribute, where it is not the default."""
    result: dict[str, str] = {}
    for attribute in attributes:
        flags = [
            f for f in ("multiValued", "required", "caseExact") if attribute.get(f)
        ]
        words = [attribute["type"], *flags]
        words += [attribute["mutability"], attribute["returned"]]
        if attribute.get("uniqueness", "none") != "none":
            words.append(attribute["uniqueness"])
        result[prefix + attribute["name"]] = " ".join(words)
        result |= _characteristics(
            attribute.get("subAttributes", []), f"{attribute['name']}."
        )
    return result


class TestRequestsOfRfc7644:
    def test_creating_of_section_3_3(self, scim: ScimClient) -> None:
        theirs = example("rfc7644-3.3-create_user_response")

        answer = scim.post("/Users", example("rfc7644-3.3-create_user"))

        assert answer.status == 201
        assert answer.headers["Content-Type"] == "application/scim+json"
        assert answer.headers["Location"] == answer.body["meta"]["location"]
        assert answer.headers["ETag"] == answer.body["meta"]["version"]
        assert without(answer.body, "id", "meta", "active") == without(
            theirs, "id", "meta"
        )
        assert answer.body["meta"].keys() == theirs["meta"].keys()
        datetime.fromisoformat(answer.body["meta"]["created"])

    def test_known_resource_of_section_3_4_1(self, scim: ScimClient) -> None:
        theirs = example("rfc7644-3.4.1-known_user")
        created = scim.post("/Users", theirs).body

        answer = scim.get(f"/Users/{created['id']}")

        assert answer.status == 200
        assert without(answer.body, "id", "meta", "active") == without(
            theirs, "id", "meta"
        )

    def test_list_of_section_3_4_2(self, ids: dict[str, str], scim: ScimClient) -> None:
        theirs = example(
            "rfc7644-3.4.2-list_response",
            {BABS: ids[BABS], "c75ad752-64ae-4823-840d-ffa80929976c": ids[JAMES]},
        )

        body = scim.get("/Users", attributes="userName").body

        assert body["totalResults"] == theirs["totalResults"]
        assert body["schemas"] == theirs["schemas"]
        assert [without(r, "schemas") for r in body["Resources"]] == theirs["Resources"]

    def test_query_of_the_root_of_section_3_4_2_1(
        self, babs: JSON, scim: ScimClient
    ) -> None:
        group = scim.add_group("Tour Guides")
        text = '(meta.resourceType eq "User") or (meta.resourceType eq "Group")'

        found = scim.get("", filter=text).resources

        assert {r["id"] for r in found} == {babs["id"], group["id"]}

    def test_search_request_of_section_3_4_3(self, scim: ScimClient) -> None:
        theirs = {"jsmith": "Smith, James", None: "Smith Family"}
        scim.add_user("jsmith", displayName="Smith, James", title="T")
        scim.add_user("bjensen", displayName="Babs Jensen")
        scim.add_group("Smith Family")

        answer = scim.post("/.search", example("rfc7644-3.4.3-search_request"))

        assert answer.status == 200
        assert answer.body["schemas"] == [LIST]
        assert answer.body["startIndex"] == 1
        assert answer.body["itemsPerPage"] == answer.body["totalResults"] == 2
        assert {r.get("userName"): r["displayName"] for r in answer.resources} == theirs
        shown = {"schemas", "id", "userName", "displayName"}
        assert all(r.keys() <= shown for r in answer.resources)

    def test_replacing_of_section_3_5_1(self, babs: JSON, scim: ScimClient) -> None:
        theirs = example("rfc7644-3.5.1-replace_user_response")
        scim.patch(
            f"/Users/{babs['id']}",
            {"op": "add", "path": "roles", "value": [{"value": "guide"}]},
        )

        answer = scim.put(
            f"/Users/{babs['id']}",
            example("rfc7644-3.5.1-replace_user", {BABS: babs["id"]}),
        )

        assert answer.status == 200
        # Omission deactivates nobody: `active` stays as it was.
        ours = without(answer.body, "id", "meta", "active")
        assert ours == without(theirs, "id", "meta")
        assert answer.body["meta"].keys() == theirs["meta"].keys()

    def test_deleting_of_section_3_6(self, babs: JSON, scim: ScimClient) -> None:
        path = f"/Users/{babs['id']}"

        assert scim.delete(path).status == 204
        assert_error(scim.get(path), example("rfc7644-3.12-not_found"))

    def test_partial_resource_of_section_3_9(
        self, babs: JSON, scim: ScimClient
    ) -> None:
        theirs = example("rfc7644-3.9-partial_user", {BABS: babs["id"]})

        answer = scim.get(f"/Users/{babs['id']}", attributes="userName")

        assert answer.body == theirs

    @pytest.mark.parametrize(
        "path",
        [
            "userName",
            "USERNAME",
            f"{USER}:userName",
            "name.givenName",
            f"{USER}:name.givenName",
            f"{ENTERPRISE}:employeeNumber",
        ],
    )
    def test_attribute_notation_of_section_3_10(
        self, path: str, babs: JSON, scim: ScimClient
    ) -> None:
        change = {"op": "replace", "path": path, "value": "x"}

        assert scim.patch(f"/Users/{babs['id']}", change).status == 200
        assert scim.get("/Users", filter=f'{path} eq "x"').body["totalResults"] == 1
        (found,) = scim.get("/Users", attributes=path).resources
        assert found.keys() > {"schemas", "id"}

    def test_read_only_error_of_section_3_12(
        self, babs: JSON, scim: ScimClient
    ) -> None:
        change = {"op": "replace", "path": "id", "value": "x"}

        answer = scim.patch(f"/Users/{babs['id']}", change)

        assert_error(answer, example("rfc7644-3.12-read_only"))

    def test_versions_of_section_3_14(self, scim: ScimClient) -> None:
        created = scim.post("/Users", example("rfc7644-3.3-create_user"))
        path, tag = f"/Users/{created.body['id']}", created.headers["ETag"]

        assert scim.request("GET", path, if_none_match=tag).status == 304
        assert scim.put(path, {"userName": "b"}, if_match=tag).status == 200
        assert scim.put(path, {"userName": "c"}, if_match=tag).status == 412
        assert scim.request("GET", path, if_none_match=tag).status == 200


TIME = "2011-05-13T04:42:34Z"
PEOPLE: dict[str, JSON] = {
    "babs": {
        "userName": "bjensen",
        "title": "Tour Guide",
        "userType": "Employee",
        "emails": [{"value": "bjensen@example.com", "type": "work"}],
    },
    "jo": {
        "userName": "Jo",
        "name": {"familyName": "O'Malley"},
        "userType": "Employee",
        "emails": [{"value": "jo@example.org", "type": "home"}],
        "ims": [{"value": "jo@foo.com", "type": "xmpp"}],
        ENTERPRISE: {"employeeNumber": "7"},
    },
    "kim": {
        "userName": "kim",
        "userType": "Intern",
        "emails": [
            {"value": "kim@x.test", "type": "work"},
            {"value": "kim@example.com", "type": "home"},
        ],
    },
    "lou": {
        "userName": "lou",
        "title": "Chair",
        "userType": "Contractor",
        "emails": [{"value": "lou@x.test", "type": "work"}],
        "ims": [{"value": "lou@foo.com", "type": "aim"}],
    },
    "max": {"userName": "max"},
}
CHANGED = {
    "babs": TIME,
    "jo": "2011-05-13T04:42:35Z",
    "kim": "2011-05-13T04:42:33Z",
    "lou": "2011-05-13T06:42:34+02:00",
    "max": "2012-01-01T00:00:00Z",
}
FOUND = {
    'userName eq "bjensen"': "babs",
    'name.familyName co "O\'Malley"': "jo",
    'userName sw "J"': "jo",
    f'{USER}:userName sw "J"': "jo",
    "title pr": "babs lou",
    f'meta.lastModified gt "{TIME}"': "jo max",
    f'meta.lastModified ge "{TIME}"': "babs jo lou max",
    f'meta.lastModified lt "{TIME}"': "kim",
    f'meta.lastModified le "{TIME}"': "babs kim lou",
    'title pr and userType eq "Employee"': "babs",
    'title pr or userType eq "Intern"': "babs kim lou",
    f'schemas eq "{ENTERPRISE}"': "jo",
    'userType eq "Employee" and (emails co "example.com" or '
    'emails.value co "example.org")': "babs jo",
    'userType ne "Employee" and not (emails co "example.com" or '
    'emails.value co "example.org")': "lou max",
    'userType eq "Employee" and (emails.type eq "work")': "babs",
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]': (
        "babs"
    ),
    'emails[type eq "work" and value co "@example.com"] or '
    'ims[type eq "xmpp" and value co "@foo.com"]': "babs jo",
}


@pytest.mark.parametrize("text", example("rfc7644-3.4.2.2-filters"))
def test_filter_of_section_3_4_2_2(text: str, scim: ScimClient) -> None:
    names = {scim.post("/Users", body).body["id"]: n for n, body in PEOPLE.items()}
    for public_id, name in names.items():
        Resource.objects.filter(public_id=public_id).update(
            modified_at=datetime.fromisoformat(CHANGED[name])
        )

    answer = scim.get("/Users", filter=text)

    assert answer.status == 200
    assert sorted(names[r["id"]] for r in answer.resources) == FOUND[text].split()


ADDED = {"value": "babs@jensen.org", "type": "home"}
WORK: JSON = {"type": "work", "streetAddress": "1 A", "country": "CZ"}
HOME: JSON = {"type": "home", "streetAddress": "2 B"}
NEW_WORK = example("rfc7644-3.5.2.3-replace_work_address")["Operations"][0]["value"]


class TestPatchesOfRfc7644:
    @pytest.mark.parametrize(
        ("name", "before", "after"),
        [
            pytest.param(
                "rfc7644-3.5.2.1-add_without_path",
                {"emails": [{"value": "b@x.test"}]},
                {"emails": [{"value": "b@x.test"}, ADDED], "nickName": "Babs"},
                id="3.5.2.1 without path",
            ),
            pytest.param(
                "rfc7644-3.5.2.2-remove_by_complex_filter",
                {"emails": [{"value": "b@example.com", "type": "work"}, ADDED]},
                {"emails": [ADDED]},
                id="3.5.2.2 complex filter",
            ),
            pytest.param(
                "rfc7644-3.5.2.3-replace_work_address",
                {"addresses": [WORK, HOME]},
                {"addresses": [NEW_WORK, HOME]},
                id="3.5.2.3 work address",
            ),
            pytest.param(
                "rfc7644-3.5.2.3-replace_street_address",
                {"addresses": [WORK, HOME]},
                {"addresses": [{**WORK, "streetAddress": "1010 Broadway Ave"}, HOME]},
                id="3.5.2.3 street address",
            ),
            pytest.param(
                "rfc7644-3.5.2.3-replace_without_path",
                {"emails": [{"value": "b@x.test"}], "nickName": "B", "title": "T"},
                {
                    "emails": [
                        {
                            "value": "bjensen@example.com",
                            "type": "work",
                            "primary": True,
                        },
                        ADDED,
                    ],
                    "nickName": "Babs",
                    "title": "T",
                },
                id="3.5.2.3 without path",
            ),
        ],
    )
    def test_user(self, name: str, before: JSON, after: JSON, scim: ScimClient) -> None:
        user = scim.add_user("bjensen", **before)

        answer = scim.request("PATCH", f"/Users/{user['id']}", example(name))

        assert answer.status == 200, answer.text
        own = ("schemas", "id", "meta", "userName", "active")
        assert without(answer.body, *own) == after

    @pytest.mark.parametrize(
        ("name", "before", "after"),
        [
            ("rfc7644-3.5.2.1-add_member", [JAMES], [JAMES, BABS]),
            ("rfc7644-3.5.2.2-remove_one_member", [BABS, JAMES], [JAMES]),
            ("rfc7644-3.5.2.2-remove_all_members", [BABS, JAMES], []),
            ("rfc7644-3.5.2.2-remove_and_add_member", [BABS], [JAMES]),
            ("rfc7644-3.5.2.2-replace_members", [MANDY], [BABS, JAMES]),
            ("rfc7644-3.5.2.3-replace_members", [MANDY], [BABS, JAMES]),
        ],
    )
    def test_members(
        self,
        name: str,
        before: list[str],
        after: list[str],
        ids: dict[str, str],
        scim: ScimClient,
    ) -> None:
        ids = {**ids, MANDY: scim.add_user("mandy")["id"]}
        group = scim.add_group("Tour Guides", *(ids[member] for member in before))

        answer = scim.request("PATCH", f"/Groups/{group['id']}", example(name, ids))

        assert answer.status == 200, answer.text
        assert set(members(scim, group)) == {ids[member] for member in after}

    def test_member_who_is_there_changes_nothing(
        self, ids: dict[str, str], scim: ScimClient
    ) -> None:
        # "A PATCH that adds a value that exists already changes nothing": 3.5.2.1.
        group = scim.add_group("Tour Guides", ids[BABS])

        answer = scim.request(
            "PATCH",
            f"/Groups/{group['id']}",
            example("rfc7644-3.5.2.1-add_member", ids),
        )

        assert answer.status == 200
        assert answer.body["meta"]["version"] == group["meta"]["version"]


class TestBulkOfRfc7644:
    def test_circle_of_section_3_7_1(self, scim: ScimClient) -> None:
        answer = scim.post("/Bulk", example("rfc7644-3.7.1-circular_groups"))

        assert answer.status == 200
        assert [o["status"] for o in answer.body["Operations"]] == ["201", "201"]
        a, b = scim.get("/Groups", sortBy="displayName").resources
        assert (a["displayName"], b["displayName"]) == ("Group A", "Group B")
        assert [m["value"] for m in a["members"]] == [b["id"]]
        assert [m["value"] for m in b["members"]] == [a["id"]]

    def test_user_and_group_of_section_3_7_2(self, scim: ScimClient) -> None:
        answer = scim.post("/Bulk", example("rfc7644-3.7.2-user_and_group"))

        assert [o["status"] for o in answer.body["Operations"]] == ["201", "201"]
        assert [o["bulkId"] for o in answer.body["Operations"]] == ["qwerty", "ytrewq"]
        (alice,) = scim.get("/Users").resources
        (group,) = scim.get("/Groups").resources
        assert [m["value"] for m in group["members"]] == [alice["id"]]

    def test_user_and_manager_of_section_3_7_2(self, scim: ScimClient) -> None:
        scim.post("/Bulk", example("rfc7644-3.7.2-user_and_manager"))

        alice, bob = scim.get("/Users", sortBy="userName").resources
        assert bob[ENTERPRISE]["manager"]["value"] == alice["id"]

    def test_every_method_of_section_3_7_3(self, scim: ScimClient) -> None:
        theirs = example("rfc7644-3.7.3-every_method_response")
        request = self._request(scim)

        answer = scim.post("/Bulk", request)

        assert answer.status == 200
        assert answer.body["schemas"] == theirs["schemas"]
        ours = answer.body["Operations"]
        for done, wanted, asked in zip(
            ours, theirs["Operations"], request["Operations"], strict=True
        ):
            assert done.keys() == wanted.keys()
            assert (done["method"], done["status"]) == (
                wanted["method"],
                wanted["status"],
            )
            assert asked["method"] == "POST" or done["location"].endswith(asked["path"])
        names = [u["userName"] for u in scim.get("/Users").resources]
        assert names == ["Bob", "Dave", "Alice"]

    def test_every_error_of_section_3_7_3(self, scim: ScimClient) -> None:
        theirs = example("rfc7644-3.7.3-every_error_response")
        request = self._request(scim)
        post, put, patch, delete = request["Operations"]
        post["data"] = {"schemas": "userName"}
        put["version"] = patch["version"] = 'W/"7"'
        scim.delete(delete["path"])

        answer = scim.post("/Bulk", {**request, "failOnErrors": 4})

        assert answer.status == 200
        for done, wanted in zip(
            answer.body["Operations"], theirs["Operations"], strict=True
        ):
            assert done.keys() == wanted.keys()
            assert done["status"] == wanted["status"]
            assert done["response"]["status"] == wanted["status"]
            assert done["response"]["schemas"] == [ERROR]

    def test_first_error_ends_it_as_section_3_7_3_says(self, scim: ScimClient) -> None:
        request = self._request(scim)
        request["Operations"][0]["data"] = {"schemas": "userName"}

        answer = scim.post("/Bulk", request)

        theirs = example("rfc7644-3.7.3-every_error_response")["Operations"][0]
        (failed,) = answer.body["Operations"]
        assert failed.keys() == theirs.keys()
        assert failed["status"] == "400"

    def test_payload_that_is_too_large_of_section_3_7_4(
        self, scim: ScimClient, settings: Any
    ) -> None:
        settings.KEYWAY_SCIM_MAX_BODY_BYTES = 100

        answer = scim.post("/Bulk", example("rfc7644-3.7.1-circular_groups"))

        assert_error(answer, example("rfc7644-3.7.4-too_large"))

    def _request(self, scim: ScimClient) -> JSON:
        """Return the request of 3.7.3, whose resources exist in their versions."""
        request: JSON = example("rfc7644-3.7.3-every_method")
        for number, operation in enumerate(request["Operations"][1:]):
            user = scim.add_user(f"user-{number}", nickName="N")
            operation["path"] = f"/Users/{user['id']}"
            operation["version"] = user["meta"]["version"]
        return request


class TestRfc9865:
    @pytest.fixture(autouse=True)
    def population(self, scim: ScimClient) -> None:
        for number in range(25):
            scim.add_user(f"J{number:02}", displayName=f"Smith {number}")
        scim.add_user("Kim", displayName="Kim")

    def test_pages_of_section_2(self, scim: ScimClient) -> None:
        query = {"filter": 'userName sw "J"', "count": 10}
        theirs = example("rfc9865-2-second_page")

        first = scim.get("/Users", cursor="", **query).body
        second = scim.get("/Users", cursor=first["nextCursor"], **query).body
        third = scim.get("/Users", cursor=second["nextCursor"], **query).body
        back = scim.get("/Users", cursor=second["previousCursor"], **query).body

        # The first page has no page before it and the last one none behind it.
        assert first.keys() == theirs.keys() - {"previousCursor"}
        assert second.keys() == theirs.keys()
        assert third.keys() == theirs.keys() - {"nextCursor"}
        assert [p["itemsPerPage"] for p in (first, second, third)] == [10, 10, 5]
        assert {p["totalResults"] for p in (first, second, third)} == {25}
        assert back["Resources"] == first["Resources"]
        pages = [r["userName"] for p in (first, second, third) for r in p["Resources"]]
        assert pages == [f"J{number:02}" for number in range(25)]

    def test_cursor_without_a_value_of_section_2(self, scim: ScimClient) -> None:
        # As the RFC spells it: `?cursor&count=10`.
        answer = scim.request(
            "GET", "/Users?filter=userName%20sw%20%22J%22&cursor&count=10"
        )

        assert answer.status == 200
        assert answer.body["nextCursor"]

    @pytest.mark.parametrize("cursor", ["VZUTiyhEQJ94IR", "!"])
    def test_foreign_cursor_of_section_2_1(self, cursor: str, scim: ScimClient) -> None:
        answer = scim.get("/Users", cursor=cursor)

        assert (answer.status, answer.body["scimType"]) == (400, "invalidCursor")

    def test_index_is_the_default_of_section_2_3(self, scim: ScimClient) -> None:
        body = scim.get("/Users", count=10).body

        assert body["startIndex"] == 1
        assert "nextCursor" not in body

    @pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
    def test_search_request_of_section_3(self, path: str, scim: ScimClient) -> None:
        request = example("rfc9865-3-search_request")

        first = scim.post(path, request).body
        second = scim.post(path, {**request, "cursor": first["nextCursor"]}).body

        assert first["totalResults"] == second["totalResults"] == 25
        assert first["itemsPerPage"] == second["itemsPerPage"] == 10
        assert not {r["id"] for r in first["Resources"]} & {
            r["id"] for r in second["Resources"]
        }

    def test_service_provider_config_of_section_4(self, scim: ScimClient) -> None:
        theirs = example("rfc9865-4-pagination")["pagination"]

        ours = scim.get("/ServiceProviderConfig").body["pagination"]

        assert ours == {
            **theirs,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_RESULTS,
            "maxPageSize": MAX_RESULTS,
        }


def test_patch_of_the_rfc_names_its_schema() -> None:
    names = [path.stem for path in FOLDER.glob("rfc7644-3.5.2.*.json")]

    assert all(example(name)["schemas"] == [PATCH] for name in names)
