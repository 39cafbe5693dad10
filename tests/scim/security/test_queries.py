"""Attack cases of the protocol, by id: filters, sorting, paging, cursors."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from scim import records
from scim.models import Resource
from scim.protocol.cursors import TIMEOUT, Position, Sealer
from scim.protocol.schema import MAX_RESULTS
from tests.conftest import Answer, ScimClient
from tests.scim.counting import statements
from tests.scim.test_errors import assert_is_scim_error
from tests.scim.urns import ENTERPRISE
from workspaces.clock import database_now


@pytest.fixture
def users(scim: ScimClient) -> list[str]:
    """Store three users in this order; return their names."""
    return [scim.add_user(name)["userName"] for name in ("dan", "ann", "cid")]


def first_cursor(scim: ScimClient) -> str:
    """Return where the list goes on after its first user."""
    return scim.get("/Users", cursor="", count=1).body["nextCursor"]


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["scimType"]


BOMBS = [
    pytest.param("(" * 10_000, id="opened"),
    pytest.param("(" * 10_000 + 'userName eq "a"' + ")" * 10_000, id="brackets"),
    pytest.param("not (" * 2_500 + "title pr" + ")" * 2_500, id="not"),
    pytest.param("not (" * 500 + "title pr" + ")" * 500, id="short, but deep"),
    pytest.param("emails[" * 2_000, id="value paths"),
    pytest.param("a." * 5_000 + "b pr", id="dots"),
    pytest.param(" and ".join(["title pr"] * 1_000), id="and"),
    pytest.param(" or ".join(["title pr"] * 200), id="or"),
    pytest.param('"' * 10_000, id="quotes"),
    pytest.param('title eq "' + "\\\\" * 2_000, id="backslashes"),
    pytest.param('title eq "' + '\\"' * 1_900, id="quoted quotes"),
    pytest.param("urn:" * 1_000 + "x pr", id="colons"),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_sci_10_12_bomb_is_refused_at_once_wherever_it_goes_off(
    bomb: str, scim: ScimClient
) -> None:
    user = scim.add_user()
    path = f"/Users/{user['id']}"

    started = time.perf_counter()
    answers = [
        scim.post("/Users/.search", {"filter": bomb}),
        scim.post("/.search", {"filter": bomb}),
        scim.post("/Users/.search", {"sortBy": bomb}),
        scim.post("/.search", {"sortBy": bomb}),
        scim.patch(path, {"op": "add", "path": bomb, "value": "x"}),
        scim.patch(path, {"op": "add", "path": f"emails[{bomb}]", "value": "x"}),
        scim.patch(path, {"op": "remove", "path": f"roles[{bomb}].value"}),
    ]
    took = time.perf_counter() - started

    assert took < 5
    for answer in answers:
        assert answer.status == 400
        assert answer.body["scimType"] in {"invalidFilter", "invalidPath"}
        assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "names", ["a." * 30_000, "a," * 30_000, ["a." * 30_000] * 15, ["a"] * 100_000]
)
def test_sci_10_projection_of_endless_names_is_refused(
    names: str | list[str], scim: ScimClient
) -> None:
    scim.add_user()

    for parameter in ("attributes", "excludedAttributes"):
        started = time.perf_counter()
        answer = scim.post("/Users/.search", {parameter: names})
        took = time.perf_counter() - started

        assert took < 1
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "_",
        "100%_off",
        "' OR '1'='1",
        "'; DROP TABLE scim_resource; --",
        '" or userName pr or "',
        "\\",
        "\\%",
        "*",
        "*)(uid=*))(|(uid=*",
        ".*",
        "(a+)+$",
        "[a-z]",
        "%s %(x)s {0} {x}",
        "$.userName",
        "?1 :x @y",
        "\u0130",
    ],
)
def test_sci_11_metacharacters_are_plain_text(text: str, scim: ScimClient) -> None:
    user = scim.add_user("ann", title=text, emails=[{"value": text, "type": "work"}])
    scim.add_user("decoy", title="decoy", emails=[{"value": "decoy", "type": "work"}])
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')

    for operator in ("eq", "co", "sw", "ew"):
        for path in ("title", "emails.value"):
            found = scim.get("/Users", filter=f'{path} {operator} "{quoted}"')
            assert [u["id"] for u in found.resources] == [user["id"]]
        inner = f'emails[type eq "work" and value {operator} "{quoted}"]'
        found = scim.get("/Users", filter=inner)
        assert [u["id"] for u in found.resources] == [user["id"]]


@pytest.mark.parametrize(
    "value",
    [
        "a" * 60_000 + "!",
        "\u00e9 " * 30_000,
        "\u00e9" * 65_000,
        "{" * 60_000,
        '{"value":' * 6_000,
        "W/" * 30_000,
        "x@" * 30_000,
        "2026-" * 12_000,
    ],
    ids=lambda value: value[:9],
)
def test_sci_12_long_text_costs_linear_time(value: str, scim: ScimClient) -> None:
    user = scim.add_user()
    path = f"/Users/{user['id']}"

    started = time.perf_counter()
    answers = [
        scim.post("/Users", {"userName": value}),
        scim.post("/Users", {"userName": "b", "roles": [{"value": value}]}),
        scim.patch(path, {"op": "add", "path": "title", "value": value}),
        scim.patch(path, {"op": "add", "path": f"roles[{value}].value", "value": "x"}),
        scim.patch(path, {"op": "add", "value": {value: "x"}}),
        scim.request("GET", path, if_none_match=value[:8_000].encode().decode("latin")),
    ]
    took = time.perf_counter() - started

    assert took < 5
    assert {answer.status for answer in answers} <= {200, 201, 400}


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        'userName eq "ann',
        'userName xx "ann"',
        'nope eq "x"',
        'userName.nope eq "x"',
        'emails.nope eq "x"',
        'emails[nope eq "x"]',
        'urn:example:nope:userName eq "x"',
        f'{ENTERPRISE}:nope eq "x"',
        'name[familyName eq "Lee"]',
        'name eq "Lee"',
        'meta eq "x"',
        'emails[emails[type eq "x"] pr]',
        'password eq "x"',
        "password pr",
        'password sw "x"',
        'directory__workspace__name eq "Acme"',
        'directory_id eq "1"',
        'user_name_key eq "ann"',
        'document co "x"',
        'members.value eq "x"',
        "userName eq 5",
        "active eq 5",
        "active gt true",
        'active co "t"',
        "userName gt null",
        'meta.created gt "yesterday"',
        'meta.created gt "0001-01-01T00:00:00+14:00"',
        'meta.created co "2026"',
        'x509Certificates.value co "T"',
        'addresses eq "x"',
        "1 eq 1",
        "true",
        "'; SELECT pg_sleep(10); --",
        'userName eq "ann" or 1=1',
    ],
)
def test_sci_13_14_15_filter_that_means_nothing_is_invalid_filter(
    text: str, scim: ScimClient
) -> None:
    scim.add_user()

    answer = scim.get("/Users", filter=text)

    assert (answer.status, answer.body.get("scimType")) == (400, "invalidFilter")


@pytest.mark.parametrize(
    "sort_by",
    [
        "nope",
        "name",
        "password",
        "groups",
        "emails[type eq",
        "directory__id",
        "r.id; DROP TABLE x",
        "x" * 5_000,
        "a.b.c",
        "(SELECT 1)",
        "x509Certificates.value",
    ],
)
def test_sci_13_sort_by_what_cannot_be_sorted_is_invalid_path(
    sort_by: str, scim: ScimClient
) -> None:
    answer = scim.get("/Users", sortBy=sort_by)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidPath")


@pytest.mark.parametrize(
    "name",
    ["directory_id", "comparable", "document", "userName__startswith", "pk", "r.id"],
)
def test_sci_13_column_is_no_attribute(name: str, scim: ScimClient) -> None:
    user = scim.add_user()

    filtered = scim.get("/Users", filter=f'{name} co "a"')
    sorted_ = scim.get("/Users", sortBy=name)
    projected = scim.get("/Users", attributes=name)

    assert (filtered.status, filtered.body["scimType"]) == (400, "invalidFilter")
    assert (sorted_.status, sorted_.body["scimType"]) == (400, "invalidPath")
    assert projected.resources == [{"schemas": user["schemas"], "id": user["id"]}]


def test_sci_15_password_is_never_in_an_answer_nor_in_the_database(
    scim: ScimClient,
) -> None:
    user = scim.add_user(password="t1meMa$heen")

    assert "password" not in user
    assert "t1meMa" not in str(Resource.objects.values_list())


@pytest.mark.parametrize("path", ["/Users", ""])
def test_sci_15_password_can_be_neither_asked_for_nor_compared(
    path: str, scim: ScimClient
) -> None:
    user = scim.add_user("ann", password="t1meMa$heen")
    changed = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "value": {"password": "N3edle!"}}
    )

    for operator in ("eq", "co", "sw", "ew", "gt", "ne"):
        answer = scim.get(path, filter=f'password {operator} "t"')
        assert (answer.status, answer.body["scimType"]) == (400, "invalidFilter")
    assert scim.get(path, sortBy="password").body["scimType"] == "invalidPath"
    projected = scim.get(path, attributes="password,userName")
    assert changed.status == 200
    for text in (changed.text, projected.text, scim.get("/Users").text):
        assert "password" not in text
        assert "N3edle" not in text
    stored = str(Resource.objects.values_list()) + str(list(records._waiting))
    assert "t1meMa" not in stored
    assert "N3edle" not in stored


@pytest.mark.parametrize(
    "query",
    [
        "count=x",
        "count=1.5",
        "count=1e3",
        "count=NaN",
        "count=99999999999999999999",
        "startIndex=x",
        "startIndex=0x10",
        "startIndex=%D9%A1",
        "count=1;2",
        "count=1&count=2",
        "startIndex=1&startIndex=2",
        "filter=a&filter=b",
        "sortBy=userName&sortBy=id",
        "attributes=a&attributes=b",
    ],
)
def test_sci_17_number_that_is_none_or_parameter_twice_is_refused(
    query: str, scim: ScimClient
) -> None:
    answer = scim.request("GET", f"/Users?{query}")

    # RFC 9865 has a word of its own for a count that is no number.
    is_count = query.startswith("count=") and "&" not in query
    expected = "invalidCount" if is_count else "invalidValue"
    assert (answer.status, answer.body["scimType"]) == (400, expected)


def test_sci_17_any_page_is_bounded_and_repeatable(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim.queries.MAX_RESULTS", 3)
    for n in range(5):
        scim.add_user(f"user{n}", title="same")

    for query in (
        {"count": 999_999_999},
        {"count": MAX_RESULTS + 1, "sortBy": "title"},
        {"startIndex": -(10**8), "count": 10**8},
        {"startIndex": 2, "sortBy": "title", "filter": 'title eq "same"'},
    ):
        first, again = scim.get("/Users", **query), scim.get("/Users", **query)
        assert first.status == 200
        assert first.body["itemsPerPage"] == len(first.resources) == 3
        assert first.text == again.text


@pytest.mark.parametrize(
    "cursor", ["x", "a.b", "~", " ", "é", "A" * 2_000, "%00", "gAAAAA=="]
)
def test_sci_35_forged_cursor_is_invalid(
    cursor: str, scim: ScimClient, users: list[str]
) -> None:
    assert error(scim.get("/Users", cursor=cursor)) == (400, "invalidCursor")


def test_sci_35_cursor_with_any_character_changed_is_invalid(
    scim: ScimClient, users: list[str]
) -> None:
    cursor = first_cursor(scim)

    for place in range(0, len(cursor) - 2, 7):
        other = "B" if cursor[place] == "A" else "A"
        forged = cursor[:place] + other + cursor[place + 1 :]
        assert error(scim.get("/Users", cursor=forged)) == (400, "invalidCursor")


def test_sci_35_cursor_of_another_directory_is_invalid(
    scim: ScimClient, other_scim: ScimClient, users: list[str]
) -> None:
    for n in range(3):
        other_scim.add_user(f"other{n}")
    cursor = first_cursor(other_scim)

    assert error(scim.get("/Users", cursor=cursor, count=1)) == (400, "invalidCursor")


@pytest.mark.parametrize(("age", "good"), [(TIMEOUT, True), (TIMEOUT + 1, False)])
def test_sci_35_cursor_is_good_for_an_hour(
    age: int, good: bool, scim: ScimClient, users: list[str]
) -> None:
    now = database_now()
    about = (scim.directory.key, "User", None, None, None)
    secret = "only-for-tests-" + "0123456789abcdef" * 4
    # The request comes a little later than `now`.
    made = now - timedelta(seconds=age - (5 if good else 0))
    cursor = Sealer((secret,), about, made).seal(Position(0))

    answer = scim.get("/Users", cursor=cursor)

    if good:
        assert answer.status == 200
    else:
        assert error(answer) == (400, "expiredCursor")


def test_sci_35_cursor_is_no_right_to_read(scim: ScimClient, users: list[str]) -> None:
    cursor = first_cursor(scim)

    scim.token = scim.token[:-1]
    refused = scim.get("/Users", cursor=cursor, count=1)

    assert refused.status == 401


def test_sci_35_cursor_costs_the_server_no_state(
    scim: ScimClient, users: list[str]
) -> None:
    with statements() as sent:
        cursors = {first_cursor(scim) for _ in range(3)}

    assert len(cursors) == 3
    assert not [
        sql for sql in sent if not sql.startswith("SELECT") and "token" not in sql
    ]


def test_sci_35_cursor_made_under_a_former_key_is_read(
    scim: ScimClient, users: list[str], settings: Any
) -> None:
    cursor = first_cursor(scim)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "new-" * 20

    without = scim.get("/Users", cursor=cursor, count=1)
    settings.SECRET_KEY_FALLBACKS = [former]
    with_it = scim.get("/Users", cursor=cursor, count=1)
    made_anew = first_cursor(scim)
    settings.SECRET_KEY_FALLBACKS = []

    assert error(without) == (400, "invalidCursor")
    assert [u["userName"] for u in with_it.resources] == users[1:2]
    assert scim.get("/Users", cursor=made_anew, count=1).status == 200
