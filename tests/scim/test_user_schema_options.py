"""E0-10: how far the value of an own attribute goes, by SCIM and in the records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scim import records
from scim.models import RequestRecord
from scim.protocol.user_schema import InvalidUserSchema, parse, read, stored, urn_of
from tests.conftest import JSON, ScimClient
from workspaces.models import Directory

OWN = {"badge": "B-1", "site": "Oslo", "pin": "4711", "salary": "90000"}
ATTRIBUTES: list[JSON] = [
    {"name": "badge", "returned": "always"},
    {"name": "site"},
    {"name": "pin", "returned": "request"},
    {"name": "salary", "returned": "never", "dataClassification": "confidential"},
]


@pytest.fixture
def urn(directory: Directory) -> str:
    directory.user_schema = {"attributes": ATTRIBUTES}
    directory.save()
    return urn_of(directory.key)


@pytest.fixture
def ann(urn: str, scim: ScimClient) -> JSON:
    return scim.add_user("ann", **{urn: OWN})


def own(urn: str, user: JSON) -> set[str]:
    return set(user.get(urn, {}))


class TestReturned:
    def test_is_announced(self, urn: str, scim: ScimClient) -> None:
        schema = scim.get(f"/Schemas/{urn}").body

        returned = {a["name"]: a["returned"] for a in schema["attributes"]}
        assert list(returned.values()) == ["always", "default", "request", "never"]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({}, "badge site"),
            ({"attributes": "userName"}, "badge"),
            ({"attributes": "{urn}"}, "badge site pin"),
            ({"attributes": "{urn}:pin"}, "badge pin"),
            ({"attributes": "{urn}:salary"}, "badge"),
            ({"excludedAttributes": "{urn}"}, "badge"),
            ({"excludedAttributes": "{urn}:badge,{urn}:site"}, "badge"),
            ({"excludedAttributes": "userName"}, "badge site"),
        ],
        ids=str,
    )
    def test_decides_what_an_answer_holds(
        self,
        parameters: dict[str, str],
        expected: str,
        urn: str,
        ann: JSON,
        scim: ScimClient,
    ) -> None:
        """RFC 7643 section 7, RFC 7644 section 3.9."""
        asked = {name: value.format(urn=urn) for name, value in parameters.items()}

        (listed,) = scim.get("/Users", **asked).resources
        one = scim.get(f"/Users/{ann['id']}", **asked).body

        assert own(urn, listed) == own(urn, one) == {*expected.split()}

    def test_answers_to_writes_hold_no_more(
        self, urn: str, ann: JSON, scim: ScimClient
    ) -> None:
        change = {"op": "replace", "path": f"{urn}:salary", "value": "95000"}

        patched = scim.patch(f"/Users/{ann['id']}", change).body

        assert own(urn, ann) == own(urn, patched) == {"badge", "site"}

    @pytest.mark.parametrize("how", ["filter", "sortBy"])
    def test_what_is_never_returned_cannot_be_guessed(
        self, how: str, urn: str, ann: JSON, scim: ScimClient
    ) -> None:
        wanted = f'{urn}:salary sw "9"' if how == "filter" else f"{urn}:salary"

        answer = scim.get("/Users", **{how: wanted})

        assert answer.status == 400
        assert "salary is never returned" in answer.body["detail"]

    def test_who_has_outgrown_values_is_still_answered(
        self, urn: str, ann: JSON, scim: ScimClient, directory: Directory
    ) -> None:
        directory.user_schema = {"attributes": ATTRIBUTES[2:]}
        directory.save()

        answer = scim.get(f"/Users/{ann['id']}")

        assert answer.status == 200
        assert "pin" not in own(urn, answer.body)


class TestConfidential:
    @pytest.fixture(autouse=True)
    def nothing_waits(self) -> Iterator[None]:
        records._waiting.clear()
        yield
        records._waiting.clear()

    @pytest.mark.parametrize(
        "body",
        [
            {"userName": "bo", "{urn}": {"salary": "90000"}},
            {"userName": "bo", "{urn}:salary": "90000"},
            {"Operations": [{"op": "add", "path": "{urn}:salary", "value": "90000"}]},
            {"Operations": [{"op": "add", "value": {"{urn}:SALARY": "90000"}}]},
            {
                "Operations": [
                    {"op": "remove", "path": '{urn}:salary[value eq "90000"]'}
                ]
            },
            {"filter": '({urn}:salary eq "90000")'},
        ],
        ids=["nested", "flat", "patch", "patch without path", "brackets", "filter"],
    )
    def test_value_is_in_no_record(
        self, body: JSON, urn: str, scim: ScimClient
    ) -> None:
        scim.post("/Users", named(body, urn))

        records.flush()
        kept = RequestRecord.objects.latest("id").body
        assert kept
        assert "90000" not in kept

    def test_other_values_are_kept(self, urn: str, scim: ScimClient) -> None:
        scim.add_user("ann", **{urn: OWN})

        records.flush()
        assert "Oslo" in RequestRecord.objects.latest("id").body


def named(value: JSON, urn: str) -> JSON:
    """Return a body with the URN in its place."""
    if isinstance(value, dict):
        return {named(n, urn): named(member, urn) for n, member in value.items()}
    if isinstance(value, list):
        return [named(item, urn) for item in value]
    return value.replace("{urn}", urn) if isinstance(value, str) else value


class TestDefinition:
    def test_is_stored_and_read_back(self) -> None:
        described = {
            "name": "number",
            "type": "integer",
            "returned": "never",
            "dataClassification": "confidential",
            "primaryIdentifier": True,
            "allowEmptyInSync": True,
        }

        schema = parse({"attributes": [described]})

        assert stored(schema) == {"attributes": [described]}
        assert read(stored(schema)) == schema
        assert schema.confidential == {"number"}
        assert schema.primary_identifier == schema.attributes[0]

    @pytest.mark.parametrize(
        ("attributes", "place", "words"),
        [
            ([{"returned": "often"}], "[0].returned", "one of: always"),
            ([{"dataClassification": "encrypted"}], "[0].dataClassification", "plain"),
            ([{"primaryIdentifier": 1}], "[0].primaryIdentifier", "true or false"),
            ([{"allowEmptyInSync": "1"}], "[0].allowEmptyInSync", "true or false"),
            (
                [{"type": "boolean", "dataClassification": "confidential"}],
                "[0].dataClassification",
                "two values",
            ),
            (
                [{"multiValued": True, "primaryIdentifier": True}],
                "[0].primaryIdentifier",
                "one value",
            ),
            (
                [{"required": True, "allowEmptyInSync": True}],
                "[0].allowEmptyInSync",
                "required",
            ),
            (
                [{"primaryIdentifier": True}, {"primaryIdentifier": True}],
                "[1].primaryIdentifier",
                "attributes[0] is the primary identifier already",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_what_is_wrong(
        self, attributes: list[JSON], place: str, words: str
    ) -> None:
        listed = [{"name": f"a{i}", **a} for i, a in enumerate(attributes)]

        with pytest.raises(InvalidUserSchema) as refused:
            parse({"attributes": listed})

        (problem,) = refused.value.problems
        assert problem.place == f"attributes{place}"
        assert words in problem.message
