from __future__ import annotations

import pytest

from integrations.connectors.expressions import (
    ExpressionFailed,
    InvalidExpression,
    compile_expression,
    compile_template,
)
from integrations.desired import JSON


def result(text: str, values: JSON = None) -> JSON:
    return compile_expression(text).evaluate(values)


def test_reads_and_builds_values() -> None:
    values: JSON = {"account": {"username": "ann", "email": ""}}

    assert result("{login: account.username, on: `true`}", values) == {
        "login": "ann",
        "on": True,
    }
    assert result("account.email || account.username", values) == "ann"
    assert result("account.nothing.at.all", values) is None


def test_adds_a_value_to_a_list_once() -> None:
    assert result("with(@, `2`)", [1, 2]) == [1, 2]
    assert result("with(@, `3`)", [1, 2]) == [1, 2, 3]


def test_takes_a_value_out_of_a_list() -> None:
    assert result("without(@, `2`)", [2, 1, 2]) == [1]
    assert result("without(@, `2`)", [1]) == [1]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "'plain'"),
        ("o'x!", "'o!'x!!'"),
        ("a),b:(c", "'a),b:(c'"),
        ({"page": 0, "on": True}, "('page':0,'on':!t)"),
        ([1, "x", None, False], "!(1,'x',!n,!f)"),
        (1.5, "1.5"),
    ],
)
def test_writes_rison(value: JSON, written: str) -> None:
    assert result("rison(@)", value) == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JMESPath"),
        ("account.", "not JMESPath"),
        ("{a: ", "not JMESPath"),
        ("(" * 900, "not JMESPath"),
        ("__import__('os')", "no function __import__"),
        ("system('id')", "no function system"),
        ("a" * 1001, "at most 1000"),
        (" | ".join(["[@,@]"] * 40), "too deeply"),
    ],
)
def test_refuses_what_is_no_expression(text: str, reason: str) -> None:
    with pytest.raises(InvalidExpression, match=reason):
        compile_expression(text)


@pytest.mark.parametrize("text", ["@.__class__", '"__class__"', "account.__dict__"])
def test_does_not_reach_python(text: str) -> None:
    assert result(text, {"account": {}}) is None


@pytest.mark.parametrize(
    "text", ["join(@, 'x')", "to_number(@, `1`)", "sum(@)", "sort(@)"]
)
def test_fails_in_one_way_on_values_of_another_kind(text: str) -> None:
    with pytest.raises(ExpressionFailed):
        result(text, [1, "x", None])


def test_stops_an_expression_that_doubles_a_list_again_and_again() -> None:
    with pytest.raises(ExpressionFailed, match="too many steps"):
        result(" | ".join(["[@,@][]"] * 11) + " | " + "[].[@][]" * 4, [*range(200)])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("account.username", {"account"}),
        ("{a: account.x, b: [id, config.y]}", {"account", "config", "id"}),
        ("current.roles[?id == other].name", {"current"}),
        ("without(current.roles[].id, entitlement.id)", {"current", "entitlement"}),
        ("map(&name, current.list[1:2])", {"current"}),
        ("account.a | b.c", {"account"}),
        ("'text'", set()),
        ('`{"a": 1}`', set()),
    ],
)
def test_knows_which_names_it_reads(text: str, names: set[str]) -> None:
    assert compile_expression(text).names() == names


def test_fills_a_template() -> None:
    template = compile_template("/groups/{group.id}/members/{id}")

    assert template.render({"group": {"id": 7}, "id": "x"}, str) == (
        "/groups/7/members/x"
    )


@pytest.mark.parametrize("text", ["/users/{", "/users/}", "/users/{}", "/{{id}}"])
def test_refuses_a_template_with_a_loose_brace(text: str) -> None:
    with pytest.raises(InvalidExpression):
        compile_template(text)
