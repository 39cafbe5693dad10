"""The OpenAPI document is valid and current, and nothing that fits it ends in a 5xx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from jsonschema.validators import validator_for
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation

from integrations.api.openapi import TOPICS, document
from integrations.management.commands import write_openapi
from tests import factories
from tests.api.conftest import ApiClient
from tests.api.test_permissions import TABLE, ids_of
from tests.routes import values_of
from workspaces import directory_sync
from workspaces.clock import database_now


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


SHAPES = {re.sub(r"{\w+}", "{}", path): path for path in TABLE}
schema = schemathesis.openapi.from_dict(
    document(),
    # That a method is not allowed is asked in test_permissions, once.
    config=SchemathesisConfig.from_dict(
        {"phases": {"coverage": {"unexpected-methods": []}}}
    ),
    # The code of these is that of an integration's, which is called.
).exclude(path_regex="/directory-sync/(tokens|rotation|quarantine|silence)")


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return an API token, and the ids of one of everything: made once.

    Each test takes back what it did, and this what it made.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        owner = factories.UserFactory()
        workspace = factories.WorkspaceFactory(owner=owner)
        directory_sync.turn_on(workspace, actor=owner, now=database_now())
        integration = factories.IntegrationFactory(workspace=workspace)
        yield (
            factories.issue_api_token(workspace).plaintext,
            {**values_of(integration), **ids_of(integration)},
        )
        transaction.set_rollback(True)


def there_is(path: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return parameters for an address of the document, of things that exist."""
    names = re.findall(r"{(\w+)}", path)
    known = SHAPES[re.sub(r"{\w+}", "{}", path.removeprefix("/api"))]
    ids = [str(values[name]) for name in re.findall(r"{(\w+)}", known)]
    return dict(zip(names, ids, strict=True))


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
    case: Any, world: tuple[str, dict[str, Any]], db: None
) -> None:
    token, values = world
    path = case.meta.components.get(ParameterLocation.PATH)
    if path is not None and path.mode.is_positive:
        # Of nothing everything would end at 404.
        case.path_parameters |= there_is(case.path, values)
    sent = case.as_transport_kwargs(base_url="http://testserver")
    request = requests.Request(
        **{name: sent.get(name) for name in ("method", "url", "params", "json", "data")}
    ).prepare()
    headers = {
        name: value
        for name, value in {**sent["headers"], **request.headers}.items()
        if name.lower() in {"idempotency-key", "content-type"}
    }
    answer = Client().generic(
        request.method,
        request.path_url,
        request.body or b"",
        content_type=headers.pop("Content-Type", "application/json"),
        headers={**headers, "authorization": f"Bearer {token}"},
    )

    assert answer.status_code < 500, answer.content
    assert answer.status_code != 401
