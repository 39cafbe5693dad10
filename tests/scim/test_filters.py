"""Filters over a fixed population, on whichever database the tests run.

Each filter of the table is asked twice: of the service, whose answer comes from
SQL, and of the library's own matcher over the documents, where it can answer.
"""

from __future__ import annotations

from typing import Any

import pytest
from scim2_models import ScimFilter

from scim import services
from scim.models import Resource
from scim.protocol.schema import POLICY, service_provider
from tests.conftest import ScimClient
from tests.scim.urns import ENTERPRISE, GROUP, NO_ID, USER
from workspaces.clock import database_now

BOSS = "boss"
POPULATION: dict[str, dict[str, Any]] = {
    "ann": {
        "userName": "Ann@Acme.test",
        "externalId": "E-1",
        "name": {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"},
        "displayName": "Ann Lee",
        "title": "Guide",
        "active": True,
        "emails": [
            {"value": "ann@acme.test", "type": "work", "primary": True},
            {"value": "ann@home.test", "type": "home"},
        ],
        "phoneNumbers": [{"value": "555-1", "type": "mobile"}],
        "addresses": [{"type": "work", "country": "CZ", "locality": "Brno"}],
        "profileUrl": "https://x.test/Ann",
        ENTERPRISE: {"employeeNumber": "1", "department": "Sales"},
    },
    "bob": {
        "userName": "bob@acme.test",
        "externalId": "e-1",
        "name": {"givenName": "Bob", "familyName": "Novák"},
        "displayName": "Bob 100%_Novák",
        "title": "",
        "active": False,
        "emails": [{"value": "bob@acme.test", "type": "work"}],
        "addresses": [{"type": "home", "country": "US", "locality": "Brno"}],
        ENTERPRISE: {"department": "sales"},
    },
    "cid": {
        "userName": "cid o'neil",
        "displayName": 'C:\\id "Cid" O\'Neil',
        "title": "100_Guide",
        "active": True,
        "emails": [
            {"value": "cid@home.test", "type": "home", "primary": True},
            {"value": "cid@acme.test", "type": "other"},
        ],
        "roles": [{"value": "admin", "primary": True}],
        "x509Certificates": [{"value": "TWFu"}],
    },
    "dan": {
        "userName": "dan",
        "nickName": "D'); DROP TABLE scim_resource; --",
        "active": False,
    },
    "eva": {
        "userName": "ÉVA@acme.test",
        "externalId": "*",
        "title": "Průvodce",
        "active": True,
        ENTERPRISE: {"manager": {"value": "m-1"}, "costCenter": "10"},
    },
}
EVERYBODY = set(POPULATION)


@pytest.fixture
def population(scim: ScimClient) -> dict[str, str]:
    """Store the five users and three groups; return ids by name."""
    provider = service_provider()
    origin = services.Origin(source=Resource.Source.APP)

    def create(kind: str, body: dict[str, Any]) -> str:
        schema = provider.resource_types[kind]
        made = services.create(
            scim.directory, schema, body, origin=origin, now=database_now()
        )
        return made.public_id

    ids = {name: create("User", body) for name, body in POPULATION.items()}
    for name, members in {"Staff": "ann bob", "Ops": "ann", "Empty": ""}.items():
        body = {
            "displayName": name,
            "members": [{"value": ids[member]} for member in members.split()],
        }
        ids[name] = create("Group", body)
    return ids


def filled(text: str, ids: dict[str, str]) -> str:
    """Put ids for names in braces."""
    for name, public_id in ids.items():
        text = text.replace(f"{{{name}}}", public_id)
    return text


def found(scim: ScimClient, text: str, ids: dict[str, str], at: str) -> set[str]:
    """Return the names of what a filter finds."""
    answer = scim.get(f"/{at}", filter=filled(text, ids))
    assert answer.status == 200, answer.text
    names = {public_id: name for name, public_id in ids.items()}
    assert answer.body["totalResults"] == len(answer.resources)
    return {names[resource["id"]] for resource in answer.resources}


USERS = [
    # eq and what is the same
    ('userName eq "ann@acme.test"', "ann"),
    ('userName eq "ANN@ACME.TEST"', "ann"),
    ('USERNAME EQ "ann@acme.test"', "ann"),
    (f'{USER}:userName eq "ann@acme.test"', "ann"),
    (f'{USER.upper()}:userName eq "ann@acme.test"', "ann"),
    ('userName eq "\uff41nn@acme.test"', "ann"),
    ('userName eq "éva@acme.test"', "eva"),
    ('userName eq "E\u0301va@acme.test"', "eva"),
    ('userName eq "eva@acme.test"', ""),
    ('userName eq "ann@acme.test "', ""),
    ('userName eq ""', ""),
    ('userName eq "nobody"', ""),
    (f'userName eq "{NO_ID}"', ""),
    ('externalId eq "E-1"', "ann"),
    ('externalId eq "e-1"', "bob"),
    ('externalId eq "*"', "eva"),
    ('externalId eq "\\u0045-1"', "ann"),
    ('id eq "{ann}"', "ann"),
    (f'id eq "{NO_ID}"', ""),
    ('displayName eq "ann lee"', "ann"),
    ('name.familyName eq "Novák"', "bob"),
    ('name.familyName eq "NOVA\u0301K"', "bob"),
    ('name.familyName eq "Novak"', ""),
    ('title eq "guide"', "ann"),
    ('profileUrl eq "https://x.test/Ann"', "ann"),
    ('profileUrl eq "https://x.test/ann"', ""),
    ('x509Certificates.value eq "TWFu"', "cid"),
    # ne, and what has no value
    ('userName ne "dan"', "ann bob cid eva"),
    ('title ne "Guide"', "bob cid dan eva"),
    ('name.familyName ne "Lee"', "bob cid dan eva"),
    ('emails.type ne "work"', "cid dan eva"),
    # parts
    ('userName co "ACME"', "ann bob eva"),
    ('userName sw "ann"', "ann"),
    ('userName ew ".TEST"', "ann bob eva"),
    ('displayName co "lee"', "ann"),
    ('displayName sw "BOB"', "bob"),
    ('title ew "GUIDE"', "ann cid"),
    ('title co ""', "ann cid eva"),
    ('emails.value ew "home.test"', "ann cid"),
    ('externalId sw "E"', "ann"),
    # metacharacters are plain text: SCI-11
    ('displayName co "%"', "bob"),
    ('displayName co "_"', "bob"),
    ('title co "_"', "cid"),
    ('title sw "100_"', "cid"),
    ('title co "1%G"', ""),
    ('displayName co "\\\\"', "cid"),
    ('displayName co "\\"Cid\\""', "cid"),
    ('displayName ew "O\'Neil"', "cid"),
    ('userName eq "cid o\'neil"', "cid"),
    ('nickName co "DROP TABLE"', "dan"),
    ("userName eq \"' OR '1'='1\"", ""),
    ('displayName eq "x\' OR 1=1 --"', ""),
    ('userName eq "*"', ""),
    ('userName co ".*"', ""),
    ('userName co "*)(uid=*"', ""),
    ('displayName co "%s"', ""),
    ('nickName co "); "', "dan"),
    # order
    ('userName gt "cid o\'neil"', "dan eva"),
    ('userName ge "cid o\'neil"', "cid dan eva"),
    ('userName lt "bob@acme.test"', "ann"),
    ('userName le "bob@acme.test"', "ann bob"),
    ('title gt "H"', "eva"),
    # booleans
    ("active eq true", "ann cid eva"),
    ("active eq false", "bob dan"),
    ("active ne true", "bob dan"),
    ('active eq "True"', "ann cid eva"),
    ('active eq "False"', "bob dan"),
    ("emails.primary eq true", "ann cid"),
    ("emails.primary eq false", ""),
    # presence and null
    ("title pr", "ann cid eva"),
    ("not (title pr)", "bob dan"),
    ("title eq null", "bob dan"),
    ("title ne null", "ann cid eva"),
    ("emails pr", "ann bob cid"),
    ("emails.primary pr", "ann cid"),
    ("name pr", "ann bob"),
    ("name.formatted pr", "ann"),
    ("externalId pr", "ann bob eva"),
    ("userName pr", "ann bob cid dan eva"),
    ("id pr", "ann bob cid dan eva"),
    ("meta pr", "ann bob cid dan eva"),
    ("schemas pr", "ann bob cid dan eva"),
    (f"{ENTERPRISE}:department pr", "ann bob"),
    (f"{ENTERPRISE}:manager pr", "eva"),
    # several values
    ('emails eq "bob@acme.test"', "bob"),
    ('emails.value eq "CID@acme.test"', "cid"),
    ('emails co "home.test"', "ann cid"),
    ('emails[type eq "work"]', "ann bob"),
    ('emails[type eq "WORK" and value ew "acme.test"]', "ann bob"),
    ('emails[type eq "home" and value ew "acme.test"]', ""),
    ('emails.type eq "home" and emails.value ew "acme.test"', "ann cid"),
    ('emails[type eq "home" and primary eq true]', "cid"),
    ('emails[not (type eq "work")]', "ann cid"),
    ('not (emails[type eq "work"])', "cid dan eva"),
    ('emails[type eq "other" or primary eq true]', "ann cid"),
    ("emails[primary pr]", "ann cid"),
    ('addresses[type eq "work" and country eq "cz"]', "ann"),
    ('addresses.locality eq "brno"', "ann bob"),
    ('roles[primary eq "True"]', "cid"),
    ('roles.value eq "Admin"', "cid"),
    # logic
    ('active eq true and title co "guide"', "ann cid"),
    ('userName eq "dan" or userName eq "bob@acme.test"', "bob dan"),
    ('userName eq "dan" or active eq true and title eq "guide"', "ann dan"),
    ('(userName eq "dan" or active eq true) and title eq "guide"', "ann"),
    ("not (active eq true)", "bob dan"),
    ('not (title eq "Guide")', "bob cid dan eva"),
    ('NOT (active eq true) AND userName sw "d"', "dan"),
    ("not (active eq true or title pr)", "bob dan"),
    ('not (not (userName eq "dan"))', "dan"),
    # extensions
    (f'{ENTERPRISE}:department eq "SALES"', "ann bob"),
    (f'{ENTERPRISE.lower()}:Department eq "sales"', "ann bob"),
    (f'{ENTERPRISE}:employeeNumber eq "1"', "ann"),
    (f'{ENTERPRISE}:manager.value eq "m-1"', "eva"),
    (f'{ENTERPRISE}:manager eq "m-1"', "eva"),
    (f'id eq "{{eva}}" and {ENTERPRISE}:manager eq "m-1"', "eva"),
    (f'{ENTERPRISE}:costCenter gt "1"', "eva"),
    # meta
    ('meta.resourceType eq "User"', "ann bob cid dan eva"),
    ('meta.resourceType eq "Group"', ""),
    ('meta.created gt "2020-01-01T00:00:00Z"', "ann bob cid dan eva"),
    ('meta.created lt "2020-01-01T00:00:00+02:00"', ""),
    ('meta.created gt "0999-01-01T00:00:00Z"', "ann bob cid dan eva"),
    ('meta.lastModified ge "2020-01-01T00:00:00.5Z"', "ann bob cid dan eva"),
    ('meta.version eq "W/\\"1\\""', "ann bob cid dan eva"),
    ('meta.location ew "{ann}"', "ann"),
    # groups
    ('groups.value eq "{Staff}"', "ann bob"),
    ('groups eq "{Ops}"', "ann"),
    ('groups.display eq "staff"', "ann bob"),
    ('groups[value eq "{Staff}"]', "ann bob"),
    ('groups[display sw "st" and type eq "direct"]', "ann bob"),
    ("groups pr", "ann bob"),
    ("not (groups pr)", "cid dan eva"),
    ('not (groups.value eq "{Ops}")', "bob cid dan eva"),
    ('groups.value eq "{Ops}" and active eq false', ""),
]
# What the matcher cannot read from a document: memberships and meta are not in
# it, `[primary eq "True"]` it takes for text, `manager` alone for no value, and
# without a policy it knows no PRECIS.
_NO_ORACLE = ("groups", "meta", "id ", '"True"', '"False"', ":manager eq", "\uff41")


@pytest.mark.parametrize(("text", "expected"), USERS, ids=[text for text, _ in USERS])
def test_filter_on_users(
    text: str, expected: str, scim: ScimClient, population: dict[str, str]
) -> None:
    assert found(scim, text, population, "Users") == set(expected.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(text, expected, id=text)
        for text, expected in USERS
        if not any(part in text for part in _NO_ORACLE)
    ],
)
def test_matcher_of_the_library_says_the_same(text: str, expected: str) -> None:
    model = service_provider().resource_types["User"].model
    condition = ScimFilter[model](text)  # type: ignore[valid-type]

    matching = {
        name
        for name, body in POPULATION.items()
        if condition.match(
            model.model_validate(
                {
                    "schemas": [USER, ENTERPRISE],
                    **{k: v for k, v in body.items() if v != ""},
                },
                scim_policy=POLICY,
            )
        )
    }

    assert matching == set(expected.split())


GROUPS = [
    ('displayName eq "STAFF"', "Staff"),
    (f'{GROUP}:displayName eq "staff"', "Staff"),
    (f'displayName eq "{NO_ID}"', ""),
    ('displayName sw "e"', "Empty"),
    ('id eq "{Ops}" and members eq "{ann}"', "Ops"),
    ('id eq "{Ops}" and members eq "{bob}"', ""),
    ('members.value eq "{bob}"', "Staff"),
    ('members[value eq "{ann}"]', "Staff Ops"),
    ('members[value eq "{ann}" and type eq "User"]', "Staff Ops"),
    ('members[type eq "group"]', ""),
    ('members.type eq "USER"', "Staff Ops"),
    ('members.$ref ew "/Users/{bob}"', "Staff"),
    ('members.display eq "ann lee"', "Staff Ops"),
    ("members pr", "Staff Ops"),
    ("not (members pr)", "Empty"),
    ('not (members.value eq "{bob}")', "Ops Empty"),
    ('members.value eq "{ann}" and members.value eq "{bob}"', "Staff"),
    ('members[value eq "{ann}" and value eq "{bob}"]', ""),
]


@pytest.mark.parametrize(("text", "expected"), GROUPS, ids=[t for t, _ in GROUPS])
def test_filter_on_groups(
    text: str, expected: str, scim: ScimClient, population: dict[str, str]
) -> None:
    assert found(scim, text, population, "Groups") == set(expected.split())


def test_member_is_found_by_the_display_that_it_shows(scim: ScimClient) -> None:
    user = scim.add_user("zoe", name={"formatted": "Zoe Formatted"})
    group = scim.add_group("G", user["id"])
    shown = scim.get(f"/Groups/{group['id']}", attributes="members.display")
    [member] = shown.body["members"]

    answer = scim.get("/Groups", filter=f'members[display eq "{member["display"]}"]')

    assert [g["id"] for g in answer.resources] == [group["id"]]


@pytest.mark.parametrize("external_id", ["caf\u00e9", "cafe\u0301"])
def test_external_id_is_found_as_it_was_sent(
    external_id: str, scim: ScimClient
) -> None:
    user = scim.add_user(externalId=external_id)

    answer = scim.get("/Users", filter=f'externalId eq "{external_id}"')

    assert [u["id"] for u in answer.resources] == [user["id"]]
    assert answer.resources[0]["externalId"] == external_id


def test_time_is_found_as_it_was_shown(scim: ScimClient) -> None:
    shown = scim.add_user()["meta"]["created"]

    answer = scim.get("/Users", filter=f'meta.created eq "{shown}"')

    assert answer.body["totalResults"] == 1


def test_filter_in_a_search_request_finds_the_same(
    scim: ScimClient, population: dict[str, str]
) -> None:
    body = {"filter": 'userName eq "dan"', "attributes": ["userName"]}

    answer = scim.post("/Users/.search", body)

    assert answer.status == 200
    assert [set(r) for r in answer.resources] == [{"schemas", "id", "userName"}]
    assert answer.resources[0]["id"] == population["dan"]


def test_blanks_as_plus_signs_are_read(scim: ScimClient) -> None:
    scim.add_user("ann")

    answer = scim.request("GET", "/Users?filter=userName+eq+%22ann%22")

    assert answer.body["totalResults"] == 1
