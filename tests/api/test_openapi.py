"""The OpenAPI document is valid and current, and nothing that fits it ends in a 5xx."""

from __future__ import annotations

from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema.validators import validator_for

from integrations.api.openapi import TOPICS, document
from integrations.management.commands import write_openapi
from integrations.models import Integration
from tests.api.conftest import ApiClient


def test_document_is_openapi_3_1(api: ApiClient) -> None:
    made = api.get("/openapi.json").body

    assert made["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(made).validate()
    for schema in made["components"]["schemas"].values():
        validator_for(schema).check_schema(schema)


def test_written_document_is_current() -> None:
    assert write_openapi.PAGE.read_text() == write_openapi.text(), (
        "manage.py write_openapi"
    )


def test_every_operation_has_a_name_of_its_own_and_a_topic() -> None:
    operations = [
        operation
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]

    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert {tag for operation in operations for tag in operation["tags"]} == set(TOPICS)


def test_every_post_that_makes_something_heeds_an_idempotency_key() -> None:
    """What heeds the header declares it: `integrations.api.idempotency`."""
    makes = {
        path: operations["post"]
        for path, operations in document()["paths"].items()
        if "201" in operations.get("post", {"responses": ()})["responses"]
    }

    without = [
        path
        for path, post in makes.items()
        if "Idempotency-Key"
        not in [each["name"] for each in post.get("parameters", [])]
    ]

    assert without == []
    assert len(makes) >= 15


schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_ends_in_a_5xx(
    case: Any, api: ApiClient, integration: Integration
) -> None:
    if "key" in case.path_parameters:
        # An unknown integration would end everything at 404.
        case.path_parameters["key"] = integration.directory.key
    sent = case.as_transport_kwargs(base_url="http://testserver")
    request = requests.Request(
        **{name: sent.get(name) for name in ("method", "url", "params", "json", "data")}
    ).prepare()
    headers = {
        name: value
        for name, value in {**sent["headers"], **request.headers}.items()
        if name.lower() in {"idempotency-key", "content-type"}
    }
    answer = api.client.generic(
        request.method,
        request.path_url,
        request.body or b"",
        content_type=headers.pop("Content-Type", "application/json"),
        headers={**headers, "authorization": f"Bearer {api.token}"},
    )

    assert answer.status_code < 500, answer.content
    assert answer.status_code != 401
