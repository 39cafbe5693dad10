"""Paths and filters, and how large they may be. SCI-10 to SCI-14."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol import paths
from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.schema import ResourceSchema, service_provider
from scim.protocol.tolerances import Normaliser
from tests.scim.urns import ENTERPRISE, USER


def deep(levels: int) -> str:
    return "(" * levels + 'userName eq "a"' + ")" * levels


BOMBS = [
    pytest.param(deep(paths.MAX_DEPTH + 1), id="one level too deep"),
    pytest.param(deep(1_900), id="1,900 levels"),
    pytest.param("not(" * 1_000 + "title pr" + ")" * 1_000, id="not, 1,000 times"),
    pytest.param("(" * 4_000, id="4,000 brackets"),
    pytest.param("[" * 4_000, id="4,000 square brackets"),
    pytest.param("." * 4_000, id="4,000 dots"),
    pytest.param("a." * 2_000, id="2,000 steps"),
    pytest.param("emails[" * 500 + "value pr" + "]" * 500, id="value paths"),
    pytest.param('userName eq "' + "x" * 5_000 + '"', id="too long"),
    pytest.param(
        " or ".join(["title pr"] * (paths.MAX_TERMS + 1)), id="one term too many"
    ),
    pytest.param(
        "not (" + " and ".join(["title pr"] * (paths.MAX_TERMS + 1)) + ")",
        id="terms in not",
    ),
    pytest.param(
        "emails[" + " or ".join(["type pr"] * (paths.MAX_TERMS + 1)) + "]",
        id="terms in brackets",
    ),
    pytest.param(
        f'userName eq "{")" * 900}" or ' + deep(900), id="brackets hidden in a string"
    ),
    pytest.param(
        f'userName eq "\\"{")" * 900}" or ' + deep(900),
        id="brackets hidden after an escape",
    ),
]


@pytest.mark.parametrize("text", BOMBS)
def test_bomb_is_refused_at_once(text: str, user_schema: ResourceSchema) -> None:
    started = time.perf_counter()

    with pytest.raises(InvalidFilter):
        paths.parse_filter(user_schema, text)

    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(deep(paths.MAX_DEPTH), id="deepest"),
        pytest.param(" or ".join(["title pr"] * paths.MAX_TERMS), id="most terms"),
        pytest.param('userName eq "' + "x" * 4_000 + '"', id="long"),
        pytest.param(f'userName eq "{"(" * 50}"', id="brackets in a string"),
    ],
)
def test_filter_within_the_limits_is_read(
    text: str, user_schema: ResourceSchema
) -> None:
    assert paths.parse_filter(user_schema, text)


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq",
        'eq "a"',
        'userName = "a"',
        'userName eq "a',
        "userName eq a",
        "userName eq 'a'",
        'userName eq "a" and',
        'userName eq "a" xor title pr',
        '(userName eq "a"',
        'userName eq "a")',
        'userName eq "a" title pr',
        "not title pr extra",
        'emails[type eq "work"',
        'emails[] eq "x"',
        "'; DROP TABLE scim_resource; --",
        "*",
        'userName eq "a" --',
        'userName eq "a\\q"',
        "userName pr pr",
        "active eq yes",
        'active gt "true"',
        'active co "t"',
        "userName eq 5",
        "userName eq true",
        'meta.created gt "yesterday"',
    ],
)
def test_filter_that_does_not_parse_or_fit_is_invalid_filter(
    text: str, user_schema: ResourceSchema
) -> None:
    with pytest.raises(InvalidFilter):
        paths.parse_filter(user_schema, text)


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "userName",
                "emails",
                "eq",
                "co",
                "pr",
                "and",
                "or",
                "not",
                "(",
                ")",
                "[",
                "]",
                '"a"',
                "true",
                "null",
                "1",
                ".",
                USER,
                ENTERPRISE,
                ":",
            ]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_any_text_is_a_filter_or_invalid_filter(text: str) -> None:
    schema = service_provider().resource_types["User"]

    with suppress(InvalidFilter):
        paths.parse_filter(schema, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "USERNAME",
        "name.givenName",
        "emails",
        "emails.value",
        'emails[type eq "work"]',
        'emails[type eq "work"].value',
        'addresses[type eq "work" and primary eq true].streetAddress',
        f"{USER}:name.familyName",
        ENTERPRISE,
        f"{ENTERPRISE}:department",
        f"{ENTERPRISE}:manager.value",
    ],
)
def test_path_to_an_attribute_is_taken(text: str, user_schema: ResourceSchema) -> None:
    paths.check(user_schema, text)


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        "name.nope",
        "emails[type eq",
        "emails[",
        "emails]",
        "emails[].value",
        'emails[type eq "work"].nope',
        "name..givenName",
        ".userName",
        "userName.",
        "1name",
        "urn:example:unknown:nope",
        f"{ENTERPRISE}:nope",
        "user__name",
        "directory.workspace",
        "userName; DROP TABLE x",
        "a" * 5_000,
        "emails[" * 30,
        "emails[" + " or ".join(["type pr"] * 101) + "]",
    ],
)
def test_path_to_nothing_is_invalid_path(
    text: str, user_schema: ResourceSchema
) -> None:
    with pytest.raises(InvalidPath):
        paths.check(user_schema, text)


@pytest.mark.parametrize(
    "path",
    ["[" * 65_000, "a[" * 32_000, "]" * 65_000, "." * 65_000, ":" * 65_000],
    ids=["brackets", "names and brackets", "closing", "dots", "colons"],
)
def test_normalising_a_long_path_takes_linear_time(
    path: str, user_schema: ResourceSchema
) -> None:  # SCI-12
    operations = [{"op": "add", "path": path, "value": "x"}] * 10
    started = time.perf_counter()

    Normaliser(user_schema).operations({"Operations": operations})

    assert time.perf_counter() - started < 1
