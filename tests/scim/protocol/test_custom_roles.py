"""Custom roles of a user schema: what may be said, and who wins. E0-5, E0-11."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.custom_roles import CustomRole, Grant, choose
from scim.protocol.user_schema import InvalidUserSchema, parse, read, stored

FINE: dict[str, Any] = {"value": "fine", "ranking": 9}
FULL: dict[str, Any] = {
    "value": "pm",
    "ranking": 1,
    "displayName": "Project manager",
    "description": "Runs a project.",
    "incompatibleRoles": ["fine"],
    "grants": [
        {"kind": "group", "name": "Engineering"},
        {"kind": "role", "name": "Manager"},
    ],
}


def schema(*roles: Any) -> dict[str, Any]:
    return {"attributes": [], "roles": list(roles)}


def places(*roles: Any) -> list[str]:
    with pytest.raises(InvalidUserSchema) as caught:
        parse(schema(*roles))
    return [p.place for p in caught.value.problems]


class TestParse:
    def test_e0_11_keeps_all_that_was_said(self) -> None:
        given = schema(FULL, FINE)

        parsed = parse(given)

        assert parsed.roles[0] == CustomRole(
            value="pm",
            ranking=1,
            display_name="Project manager",
            description="Runs a project.",
            incompatible_roles=("fine",),
            grants=(Grant("group", "Engineering"), Grant("role", "Manager")),
        )
        assert stored(parsed) == given
        assert read(stored(parsed)) == parsed

    def test_leaves_out_what_is_empty(self) -> None:
        empty = {"displayName": "", "description": "", "grants": []}

        assert stored(parse(schema(FINE | empty))) == schema(FINE)

    def test_label_is_the_display_name_or_else_the_value(self) -> None:
        roles = parse(schema(FULL, FINE)).roles

        assert [role.label for role in roles] == ["Project manager", "fine"]

    @pytest.mark.parametrize(
        "roles",
        [
            "x",
            None,
            {"value": "a"},
            [{"value": f"r{n}", "ranking": 1} for n in range(101)],
        ],
        ids=["text", "null", "object", "too many"],
    )
    def test_refuses_what_is_no_list(self, roles: Any) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse({"attributes": [], "roles": roles})

        assert [p.place for p in caught.value.problems] == ["roles"]

    @pytest.mark.parametrize(
        ("role", "wrong"),
        [
            ("pm", [""]),
            ({}, ["value", "ranking"]),
            ({"value": "", "ranking": 1}, ["value"]),
            ({"value": " a", "ranking": 1}, ["value"]),
            ({"value": "a\nb", "ranking": 1}, ["value"]),
            ({"value": "a" * 201, "ranking": 1}, ["value"]),
            ({"value": 7, "ranking": 1}, ["value"]),
            ({"value": "a"}, ["ranking"]),
            ({"value": "a", "ranking": 0}, ["ranking"]),
            ({"value": "a", "ranking": 1001}, ["ranking"]),
            ({"value": "a", "ranking": True}, ["ranking"]),
            ({"value": "a", "ranking": "1"}, ["ranking"]),
            (FINE | {"value": "a", "displayName": "x" * 101}, ["displayName"]),
            (FINE | {"value": "a", "description": "x" * 501}, ["description"]),
            (FINE | {"value": "a", "incompatibleRoles": "b"}, ["incompatibleRoles"]),
            (FINE | {"value": "a", "grants": ["b"]}, ["grants"]),
            (FINE | {"value": "a", "rank": 1}, ["rank"]),
            (
                FINE | {"value": "a", "grants": [{"kind": "Group", "name": ""}]},
                ["grants[0].kind", "grants[0].name"],
            ),
            (
                FINE | {"value": "a", "grants": [{"kind": "g", "name": "x", "id": 1}]},
                ["grants[0].id"],
            ),
            (FINE, ["value"]),
            (FINE | {"value": "FINE"}, ["value"]),
            (
                FINE | {"value": "a", "incompatibleRoles": ["A", "fine", "nobody"]},
                ["incompatibleRoles[0]", "incompatibleRoles[2]"],
            ),
        ],
    )
    def test_e0_11_names_every_part_that_is_wrong(
        self, role: Any, wrong: list[str]
    ) -> None:
        expected = [f"roles[1].{name}" if name else "roles[1]" for name in wrong]

        assert places(FINE, role) == expected

    def test_says_what_is_wrong_of_fields_and_roles_at_once(self) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse({"attributes": [{"name": "a b"}], "roles": [{"value": "x"}]})

        found = [p.place for p in caught.value.problems]
        assert found == ["attributes[0].name", "roles[0].ranking"]


class TestRead:
    def test_leaves_out_what_is_malformed(self) -> None:
        odd = schema(FINE, "x", {"value": "y"}, FINE | {"ranking": 3}, FULL)

        assert [r.value for r in read(odd).roles] == ["fine", "pm"]
        assert read(odd).roles[0].ranking == 9

    def test_leaves_out_incompatible_roles_that_are_none(self) -> None:
        odd = FINE | {"incompatibleRoles": ["FINE", "nobody", "PM", "pm"]}

        assert read(schema(odd, FULL)).roles[0].incompatible_roles == ("pm",)

    @given(
        roles=st.lists(
            st.dictionaries(
                st.sampled_from(
                    ["value", "ranking", "incompatibleRoles", "grants", "displayName"]
                ),
                st.none()
                | st.integers(-1, 3)
                | st.text(max_size=3)
                | st.lists(
                    st.text(max_size=2)
                    | st.fixed_dictionaries(
                        {"kind": st.text(max_size=2), "name": st.text(max_size=2)}
                    ),
                    max_size=3,
                ),
            ),
            max_size=5,
        )
    )
    def test_what_it_reads_can_be_parsed(self, roles: Any) -> None:
        found = read({"roles": roles})

        assert parse(stored(found)) == found


def role(value: str, ranking: int, *incompatible: str) -> CustomRole:
    return CustomRole(value, ranking, incompatible_roles=incompatible)


def names(roles: list[CustomRole]) -> list[str]:
    return [role.value for role in roles]


class TestChoose:
    def test_e0_5_a_user_may_hold_several(self) -> None:
        held, left_out = choose([role("b", 2), role("a", 1)])

        assert (names(held), left_out) == (["a", "b"], [])

    @pytest.mark.parametrize(
        "roles",
        [
            [role("viewer", 2, "admin"), role("admin", 1)],
            [role("viewer", 2), role("admin", 1, "VIEWER")],
        ],
        ids=["named by the weaker", "named by the stronger"],
    )
    def test_e0_5_strongest_wins_whoever_names_the_other(
        self, roles: list[CustomRole]
    ) -> None:
        held, left_out = choose(roles)

        assert names(held) == ["admin"]
        assert [(a.value, b.value) for a, b in left_out] == [("viewer", "admin")]

    def test_e0_5_of_equal_rank_the_first_of_the_alphabet_wins(self) -> None:
        roles = [role(v, 1, *{"A", "b", "c"} - {v}) for v in ("c", "b", "A")]
        random.shuffle(roles)

        held, left_out = choose(roles)

        assert names(held) == ["A"]
        assert [a.value for a, _ in left_out] == ["b", "c"]

    def test_role_that_is_left_out_excludes_nobody(self) -> None:
        held, _ = choose([role("a", 1, "b"), role("b", 2, "c"), role("c", 3)])

        assert names(held) == ["a", "c"]

    def test_role_asked_for_twice_is_one(self) -> None:
        held, _ = choose([role("a", 1), role("a", 1)])

        assert names(held) == ["a"]
