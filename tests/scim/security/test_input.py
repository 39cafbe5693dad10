"""Attack cases of the protocol, by id: what a body may say, and how much of it."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from scim.models import Resource
from tests.confirming import sign_in_verified
from tests.conftest import ScimClient
from tests.scim.counting import statements
from tests.scim.test_errors import assert_is_scim_error
from tests.scim.urns import ENTERPRISE, NO_ID, PATCH
from workspaces.models import Membership, User


@pytest.mark.parametrize(
    "external_id", ["1", "0", "-1", "admin", "root", "null", NO_ID]
)
def test_sci_02_external_id_identifies_nothing(
    external_id: str, scim: ScimClient, alice: User
) -> None:
    people = User.objects.count(), Membership.objects.count()

    user = scim.add_user("ann", externalId=external_id)

    assert user["externalId"] == external_id != user["id"]
    assert scim.get(f"/Users/{external_id}").status == 404
    assert (User.objects.count(), Membership.objects.count()) == people


def test_sci_02_external_id_of_another_ones_id_or_name_names_them_not(
    scim: ScimClient,
) -> None:
    bob = scim.add_user("bob")

    ann = scim.add_user("ann", externalId=bob["id"])
    cid = scim.add_user("cid", externalId="bob")

    assert scim.get(f"/Users/{bob['id']}").body == bob
    assert len({ann["id"], bob["id"], cid["id"]}) == 3


@pytest.mark.parametrize("external_id", [1, 1.5, True, ["a", "b"], {"value": "a"}])
def test_sci_02_external_id_is_text(external_id: Any, scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann", "externalId": external_id})

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert scim.get("/Users").body["totalResults"] == 0


def test_sci_02_external_id_of_an_active_user_is_409(scim: ScimClient) -> None:
    scim.add_user("ann", externalId="e-1")
    scim.add_user("gone", active=False)
    before = scim.get("/Users").resources

    for name in ("bob", "gone"):
        for active in (True, False):
            body = {"userName": name, "externalId": "e-1", "active": active}
            answer = scim.post("/Users", body)
            assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert scim.get("/Users").resources == before
    assert scim.post("/Users", {"userName": "bob", "externalId": "E-1"}).status == 201


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param("ann@acme.test", id="the same"),
        pytest.param("ANN@acme.test", id="other case"),
        pytest.param("\uff41nn@acme.test", id="other width"),
    ],
)
def test_sci_03_taken_user_name_is_409_uniqueness(taken: str, scim: ScimClient) -> None:
    scim.add_user("ann@acme.test")

    answer = scim.post("/Users", {"userName": taken})

    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert scim.get("/Users").body["totalResults"] == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("JOS\u00c9@x.test", id="other case"),
        pytest.param("jose\u0301@x.test", id="decomposed"),
        pytest.param("\uff4aos\u00e9@x.test", id="full width"),
        pytest.param("jos\u00e9@x.test\u200b", id="zero width space"),
        pytest.param("jos\u200d\u00e9@x.test", id="joiner"),
        pytest.param("jos\u00ad\u00e9@x.test", id="soft hyphen"),
        pytest.param("\ufeffjos\u00e9@x.test", id="byte order mark"),
        pytest.param("\u202ejos\u00e9@x.test", id="direction"),
        pytest.param("jos\u00e9@x.test\u2069", id="isolate"),
        pytest.param("jos\u00e9@x.test\u3164", id="filler"),
        pytest.param(" jos\u00e9@x.test", id="blank before"),
        pytest.param("jos\u00e9@x.test ", id="blank after"),
        pytest.param("jos\u00e9@x.test\t", id="tab"),
    ],
)
def test_sci_03_another_spelling_of_a_name_is_no_second_user(
    name: str, scim: ScimClient
) -> None:
    user = scim.add_user("jos\u00e9@x.test")

    answer = scim.post("/Users", {"userName": name})

    assert (answer.status, answer.body["scimType"]) in {
        (409, "uniqueness"),
        (400, "invalidValue"),
    }
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("admin", "\u0430dmin", id="Cyrillic a"),
        pytest.param("admin", "adm\u0131n", id="dotless i"),
        pytest.param(
            "mike@example.org", "m\u0131ke@example.org", id="dotless i in mail"
        ),
        pytest.param("strasse", "stra\u00dfe", id="sharp s"),
        pytest.param("omega", "\u03bfmega", id="Greek o"),
        pytest.param("rn", "m", id="rn"),
    ],
)
def test_sci_04_people_who_look_alike_stay_two(
    one: str, other: str, scim: ScimClient
) -> None:
    with statements() as sent:
        ids = {name: scim.add_user(name)["id"] for name in (one, other)}

        for name, public_id in ids.items():
            for text in (f'userName eq "{name}"', f'userName eq "{name.title()}"'):
                answer = scim.get("/Users", filter=text)
                assert [u["id"] for u in answer.resources] == [public_id]

    assert len(set(ids.values())) == 2
    folded = ("UPPER(", "LOWER(", " LIKE ", " ILIKE ", "NOCASE")
    assert not [sql for sql in sent if any(word in sql.upper() for word in folded)]


BODIES = [
    pytest.param(b"", 400, "invalidValue", id="no body"),
    pytest.param(b" ", 400, "invalidSyntax", id="blank body"),
    pytest.param(b'{"userName":', 400, "invalidSyntax", id="truncated"),
    pytest.param(b"[]", 400, "invalidSyntax", id="list"),
    pytest.param(b'"ann"', 400, "invalidSyntax", id="string"),
    pytest.param(b"null", 400, "invalidSyntax", id="null"),
    pytest.param(b"userName=ann", 400, "invalidSyntax", id="form text"),
    pytest.param(b"<user/>", 400, "invalidSyntax", id="XML"),
    pytest.param(
        b'{"userName":"a","userName":"b"}', 400, "invalidSyntax", id="duplicate key"
    ),
    pytest.param(
        b'{"userName":"a","USERNAME":"b"}', 400, "invalidSyntax", id="key in two cases"
    ),
    pytest.param(
        b'{"userName":"a","x":' + b"[" * 30 + b"]" * 30 + b"}",
        400,
        "invalidSyntax",
        id="too deep",
    ),
    pytest.param(b'{"a":' * 50_000, 400, "invalidSyntax", id="50,000 levels"),
    pytest.param(b'{"userName":NaN}', 400, "invalidSyntax", id="NaN"),
    pytest.param(b'{"userName":"\xff"}', 400, "invalidSyntax", id="not UTF-8"),
    pytest.param(
        b'\xef\xbb\xbf{"userName":"a"}', 400, "invalidSyntax", id="byte order mark"
    ),
    pytest.param(b'{"userName":"a\\u0000"}', 400, "invalidValue", id="NUL"),
    pytest.param(b'{"userName":"\\ud800"}', 400, "invalidValue", id="surrogate"),
    pytest.param(b'{"userName":1e999}', 400, "invalidValue", id="huge number"),
    pytest.param(b"{}", 400, "invalidValue", id="no userName"),
    pytest.param(b'{"userName":5}', 400, "invalidValue", id="wrong type"),
    pytest.param(
        b'{"userName":"' + b"x" * 501 + b'"}', 400, "invalidValue", id="name too long"
    ),
    pytest.param(
        b'{"userName":"a","externalId":"' + b"x" * 501 + b'"}',
        400,
        "invalidValue",
        id="externalId too long",
    ),
    pytest.param(
        b'{"userName":"a","title":"' + b"x" * 65_537 + b'"}',
        400,
        "invalidValue",
        id="string too long",
    ),
    pytest.param(
        b'{"userName":"a","title":"' + b"x" * 1_048_576 + b'"}',
        413,
        None,
        id="body too long",
    ),
]


@pytest.mark.parametrize(("raw", "status", "scim_type"), BODIES)
def test_sci_07_08_09_bad_body_of_a_create_is_refused_and_nothing_written(
    raw: bytes, status: int, scim_type: str | None, scim: ScimClient
) -> None:
    answer = scim.request("POST", "/Users", raw=raw)

    assert (answer.status, answer.body.get("scimType")) == (status, scim_type)
    assert_is_scim_error(answer)
    assert scim.get("/Users").body["totalResults"] == 0


@pytest.mark.parametrize(("raw", "status", "scim_type"), BODIES)
def test_sci_07_08_09_bad_body_of_a_put_is_refused_and_nothing_written(
    raw: bytes, status: int, scim_type: str | None, scim: ScimClient
) -> None:
    user = scim.add_user()

    answer = scim.request("PUT", f"/Users/{user['id']}", raw=raw)

    assert (answer.status, answer.body.get("scimType")) == (status, scim_type)
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


WRONG = [5, True, [5], ["x", "y"], {"value": "x"}, 1e308, -(10**17)]


@pytest.mark.parametrize("value", WRONG, ids=str)
@pytest.mark.parametrize(
    "name", ["userName", "externalId", "title", "nickName", "displayName", "locale"]
)
def test_sci_07_text_of_another_type_never_reaches_the_database(
    name: str, value: Any, scim: ScimClient
) -> None:
    user = scim.add_user()
    operation = {"op": "replace", "path": name, "value": value}

    with statements() as sent:
        created = scim.post("/Users", {"userName": "bob", name: value})
    patched = scim.patch(f"/Users/{user['id']}", operation)

    for answer in (created, patched):
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert not sent.on("scim_resource")
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "part",
    [
        {"emails": "ann@x.test"},
        {"emails": ["ann@x.test"]},
        {"emails": [{"value": 5}]},
        {"emails": [{"value": {"a": "b"}}]},
        {"emails": [{"value": "a", "primary": "perhaps"}]},
        {"name": "Ann"},
        {"name": {"givenName": 5}},
        {"addresses": [[]]},
        {"x509Certificates": [{"value": "TWF"}]},
        {"schemas": "urn:x"},
        {"schemas": [5]},
        {ENTERPRISE: "x"},
        {ENTERPRISE: {"manager": 5}},
        {ENTERPRISE: {"employeeNumber": 5}},
    ],
    ids=str,
)
def test_sci_07_part_of_another_type_is_refused(
    part: dict[str, Any], scim: ScimClient
) -> None:
    answer = scim.post("/Users", {"userName": "ann", **part})

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert_is_scim_error(answer)
    assert scim.get("/Users").body["totalResults"] == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_sci_08_other_encodings_are_refused(encoding: str, scim: ScimClient) -> None:
    raw = '{"userName":"ann"}'.encode(encoding)

    answer = scim.request("POST", "/Users", raw=raw)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidSyntax")
    assert scim.get("/Users").body["totalResults"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        b'{"Operations":[{"op":"replace","path":"title","PATH":"active","value":"x"}]}',
        b'{"Operations":[{"op":"replace","value":{"title":"a","Title":"b"}}]}',
        b'{"Operations":[],"operations":[]}',
        b'{"Operations":[{"op":"add","path":"title","value":"x","op":"remove"}]}',
    ],
)
def test_sci_09_names_given_twice_in_a_patch_are_refused(
    raw: bytes, scim: ScimClient
) -> None:
    user = scim.add_user()

    answer = scim.request("PATCH", f"/Users/{user['id']}", raw=raw)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidSyntax")
    assert scim.get("/Users").resources == [user]


@contextmanager
def in_time() -> Iterator[None]:
    """Hold the block to 10 seconds."""
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < 10


@contextmanager
def in_memory() -> Iterator[None]:
    """Hold the block to 256 MB beyond what there was. Tracing takes its time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 256 * 2**20


def add_users(scim: ScimClient, count: int) -> list[str]:
    """Store many users at once; return their ids."""
    made = Resource.objects.bulk_create(
        Resource(
            directory=scim.directory,
            resource_type="User",
            document=f'{{"schemas":[],"userName":"user{n}"}}',
            comparable={},
            label=f"user{n}",
            user_name_key=f"user{n}",
            active=True,
            created_at="2026-01-01T00:00:00Z",
            modified_at="2026-01-01T00:00:00Z",
        )
        for n in range(count)
    )
    return [user.public_id for user in made]


def test_sci_22_ten_thousand_members_are_added_in_time(scim: ScimClient) -> None:
    members = [{"value": public_id} for public_id in add_users(scim, 10_000)]
    group = scim.add_group()
    path = f"/Groups/{group['id']}"
    operation = {"op": "add", "path": "members", "value": members}

    with in_time():
        added = scim.patch(path, operation)
    scim.patch(path, {"op": "remove", "path": "members"})
    with in_memory():
        scim.patch(path, operation)
    with in_time(), in_memory():
        read = scim.get(path)

    assert added.status == 204
    assert len(read.body["members"]) == 10_000


def test_sci_22_more_members_than_documented_are_refused(scim: ScimClient) -> None:
    group = scim.add_group()
    path = f"/Groups/{group['id']}"
    members = [f"{n:05}" for n in range(10_001)]
    singly = [{"op": "add", "path": "members", "value": [m]} for m in members]

    with in_time():
        answers = [
            scim.post("/Groups", {"displayName": "G", "members": members}),
            scim.put(path, {"displayName": "G", "members": members}),
            scim.patch(path, {"op": "add", "path": "members", "value": members}),
            scim.patch(path, *singly),
        ]

    for answer in answers:
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert scim.get("/Groups").resources == [group]


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param(
            [
                {"op": "remove", "path": f'members[value eq "{n}"]'}
                for n in range(10_000)
            ],
            id="one by one",
        ),
        pytest.param(
            [
                {"op": "remove", "path": f'members[type eq "{n}"]'}
                for n in range(10_000)
            ],
            id="by filters",
        ),
        pytest.param(
            [
                {"op": "remove", "path": "members"},
                {"op": "add", "path": "members", "value": NO_ID},
            ]
            * 5_000,
            id="in turn",
        ),
        pytest.param(
            [{"op": "replace", "path": "members", "value": []}] * 10_000, id="replaced"
        ),
    ],
)
def test_sci_22_many_operations_on_members_are_refused_or_done_in_time(
    operations: list[dict[str, Any]], scim: ScimClient
) -> None:
    group = scim.add_group("G", scim.add_user()["id"])

    started = time.perf_counter()
    answer = scim.patch(f"/Groups/{group['id']}", *operations)
    took = time.perf_counter() - started

    assert took < 10
    if answer.status != 200:
        assert answer.status == 400
        assert scim.get("/Groups").resources == [group]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([{"value": "x"}] * 10_000, id="values"),
        pytest.param([{}] * 200_000, id="empty values"),
    ],
)
def test_sci_22_many_values_are_refused(
    values: list[dict[str, str]], scim: ScimClient
) -> None:
    user = scim.add_user()
    path = f"/Users/{user['id']}"

    for method, at, body in [
        ("POST", "/Users", {"userName": "bob", "emails": values}),
        ("PUT", path, {"userName": "bob", "emails": values}),
        (
            "PATCH",
            path,
            {"Operations": [{"op": "add", "path": "emails", "value": values}]},
        ),
    ]:
        with in_time():
            answer = scim.request(method, at, body)
        with in_memory():
            scim.request(method, at, body)
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


def test_sci_22_operations_among_many_values_are_refused_or_done_in_time(
    scim: ScimClient,
) -> None:
    emails = [{"type": f"t{n}", "value": "x"} for n in range(1_000)]
    user = scim.add_user(emails=emails)
    path = f"/Users/{user['id']}"

    def operations(count: int) -> list[dict[str, Any]]:
        return [
            {"op": "replace", "path": f'emails[type eq "t{n}"].value', "value": "y"}
            for n in range(count)
        ]

    started = time.perf_counter()
    many = scim.patch(path, *operations(200))
    fitting = scim.patch(path, *operations(10))
    took = time.perf_counter() - started

    assert (many.status, many.body["scimType"]) == (400, "invalidValue")
    assert [e["value"] for e in fitting.body["emails"]].count("y") == 10
    assert took < 10


def test_sci_22_bulk_of_costly_operations_ends_in_time(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim.bulk.TIME_LIMIT", 0.2)
    users = [scim.add_user(f"user{n}")["id"] for n in range(40)]
    costly = [
        {"op": "add", "path": f'emails[type eq "t{n}"].value', "value": "x"}
        for n in range(90)
    ]
    operations = [
        {"method": "PATCH", "path": f"/Users/{i}", "data": {"Operations": costly}}
        for i in users
    ]

    started = time.perf_counter()
    answer = scim.post("/Bulk", {"Operations": operations})
    took = time.perf_counter() - started

    assert took < 10
    statuses = [o["status"] for o in answer.body["Operations"]]
    done = statuses.count("200")
    assert 0 < done < 40
    assert statuses == ["200"] * done + ["503"] * (40 - done)
    changed = scim.get("/Users", filter="emails pr", count=0).body["totalResults"]
    assert changed == done


@pytest.mark.parametrize("count", [2_000, 10_000])
def test_sci_22_many_operations_are_refused_or_done_in_time(
    count: int, scim: ScimClient
) -> None:
    user = scim.add_user()
    operations = [
        {"op": "add", "path": f'emails[type eq "t{n}"].value', "value": "v"}
        for n in range(count)
    ]

    answer = scim.request(
        "PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": operations}
    )

    assert answer.status in {400, 413}
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param("=1+1", id="formula"),
        pytest.param("{{ 7*7 }}", id="template"),
        pytest.param("'; DROP TABLE scim_resource; --", id="SQL"),
        pytest.param("a\r\nSet-Cookie: x=1", id="line break"),
        pytest.param("žluťoučký 👩‍👩‍👧 \u202e \u0085", id="Unicode"),
        pytest.param('"\\\x07', id="quotes and controls"),
        pytest.param("x" * 65_536, id="long"),
    ],
)
def test_sci_28_text_comes_back_exactly(value: str, scim: ScimClient) -> None:
    user = scim.add_user(title=value)

    assert user["title"] == value
    assert scim.get(f"/Users/{user['id']}").body["title"] == value


SCRIPT = '"><script>alert("needle")</script>{{1234*5678}}'


def test_sci_28_names_are_escaped_in_portal_and_admin(
    scim: ScimClient, alice: User, client: Client, integration: Integration
) -> None:
    user = scim.add_user("ann", displayName=SCRIPT, title=SCRIPT)
    scim.add_group(SCRIPT, user["id"])
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    sign_in_verified(client, alice)
    key = integration.directory.key
    shown = 0

    for path in (
        reverse("integrations:users", args=[key]),
        reverse("integrations:groups", args=[key]),
        reverse("admin:scim_resource_changelist"),
        reverse("admin:scim_groupmember_changelist"),
        reverse("admin:scim_requestrecord_changelist"),
    ):
        text = client.get(path, follow=True).content.decode()
        assert "<script>alert" not in text
        assert "7006652" not in text
        shown += "alert(&quot;needle&quot;)" in text
    assert shown >= 2


def test_sci_31_urls_in_values_are_never_fetched(scim: ScimClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        user = scim.add_user(
            photos=[{"value": url, "$ref": url}],
            profileUrl=url,
            **{ENTERPRISE: {"manager": {"value": "m", "$ref": url}}},
        )
        member = {"value": user["id"], "$ref": url}
        group = scim.post("/Groups", {"displayName": "G", "members": [member]})
        scim.get(f"/Users/{user['id']}")
        scim.get("/Users", filter=f'profileUrl eq "{url}"')

        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert user["profileUrl"] == user["photos"][0]["value"] == url
    assert url not in str(group.body)


@pytest.mark.parametrize(
    "privilege",
    [
        {"roles": [{"value": "owner", "primary": True}]},
        {"is_staff": True, "is_superuser": True, "isAdmin": True},
        {"entitlements": [{"value": "superuser"}], "userType": "admin"},
        {"groups": [{"value": "Owners", "display": "Owners"}]},
    ],
    ids=str,
)
def test_sci_32_scim_makes_nobody_a_person_of_the_portal(
    privilege: dict[str, Any], scim: ScimClient, alice: User, bob: User
) -> None:
    before = list(Membership.objects.order_by("pk").values())
    people = list(User.objects.order_by("pk").values())

    for name in (alice.email, bob.email, "new@acme.test"):
        user = scim.add_user(name, **privilege)
        scim.add_group(f"Owners of {name}", user["id"])
        scim.delete(f"/Users/{user['id']}")

    assert list(Membership.objects.order_by("pk").values()) == before
    assert list(User.objects.order_by("pk").values()) == people
