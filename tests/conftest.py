"""The cast, and what it works with.

Alice owns the workspace, Bob is a member without rights, Charlie owns another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client

from integrations.models import Integration
from tests import audit_log, factories
from tests.described import require_described
from workspaces import audit
from workspaces.models import Directory, Membership, User, Workspace

JSON = dict[str, Any]

_DATABASE = {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="leave out the tests that touch no database: for a second database",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if config.getoption("--only-database"):
        others = [item for item in items if not _touches_the_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _touches_the_database(item)]


def _touches_the_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return (
        bool(fixtures & _DATABASE) or item.get_closest_marker("django_db") is not None
    )


@pytest.fixture
def alice(db: None) -> User:
    return factories.UserFactory(email="alice@acme.test", name="Alice")


@pytest.fixture
def workspace(alice: User) -> Workspace:
    return factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)


@pytest.fixture
def bob(workspace: Workspace) -> User:
    user = factories.UserFactory(email="bob@acme.test", name="Bob")
    factories.MembershipFactory(workspace=workspace, user=user)
    return user


@pytest.fixture(scope="session", autouse=True)
def every_detail_of_the_audit_log_is_described() -> None:
    audit.listen(require_described)


@pytest.fixture(scope="session", autouse=True)
def no_session_is_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what servers of tests still hold, or PostgreSQL keeps the database."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(scope="session", autouse=True)
def flush_empties_the_audit_log(django_db_setup: None) -> Iterator[None]:
    """What a test committed goes, the log too: the database would refuse that."""
    kind = type(connection.ops)
    flush = kind.execute_sql_flush

    def as_owner(self: Any, statements: list[str]) -> None:
        with transaction.atomic(), audit_log.as_its_owner():
            flush(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "execute_sql_flush", as_owner)
        yield


@pytest.fixture
def charlie(db: None) -> User:
    return factories.UserFactory(email="charlie@other.test", name="Charlie")


@pytest.fixture
def other_workspace(charlie: User) -> Workspace:
    return factories.WorkspaceFactory(name="Other", slug="other", owner=charlie)


@pytest.fixture
def integration(workspace: Workspace) -> Integration:
    return factories.IntegrationFactory(workspace=workspace, name="Acme Demo")


@pytest.fixture
def other_integration(other_workspace: Workspace) -> Integration:
    return factories.IntegrationFactory(workspace=other_workspace, name="Other Demo")


@pytest.fixture
def directory(integration: Integration) -> Directory:
    return integration.directory


@pytest.fixture
def membership(alice: User, workspace: Workspace) -> Membership:
    return Membership.objects.get(user=alice, workspace=workspace)


@pytest.fixture
def alice_client(client: Client, alice: User, workspace: Workspace) -> Client:
    client.force_login(alice)
    return client


@dataclass
class Answer:
    """A SCIM answer, read."""

    status: int
    body: JSON
    headers: dict[str, str]
    text: str

    @property
    def resources(self) -> list[JSON]:
        return self.body["Resources"]


class ScimClient:
    """Talks to one directory as an IdP would, in-process."""

    def __init__(self, directory: Directory, token: str) -> None:
        self.directory = directory
        self.token = token
        self.client = Client(headers={"host": "testserver"})

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/scim+json",
        **headers: str,
    ) -> Answer:
        data = raw if raw is not None else b""
        if body is not None:
            data = json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.token}", **headers}
        answer = self.client.generic(
            method,
            self.directory.path + path,
            data,
            content_type=content_type,
            headers={k.replace("_", "-"): v for k, v in sent.items()},
        )
        text = answer.content.decode()
        return Answer(
            answer.status_code,
            json.loads(text) if text else {},
            dict(answer.headers),
            text,
        )

    def get(self, path: str, **query: Any) -> Answer:
        return self.request("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: object, **kwargs: Any) -> Answer:
        return self.request("POST", path, body, **kwargs)

    def put(self, path: str, body: object, **kwargs: Any) -> Answer:
        return self.request("PUT", path, body, **kwargs)

    def patch(self, path: str, *operations: JSON, **kwargs: Any) -> Answer:
        schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        body = {"schemas": [schema], "Operations": list(operations)}
        return self.request("PATCH", path, body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Answer:
        return self.request("DELETE", path, **kwargs)

    def add_user(self, user_name: str = "ann@acme.test", **attributes: Any) -> JSON:
        body = {"userName": user_name, "active": True, **attributes}
        answer = self.post("/Users", body)
        assert answer.status == 201, answer.text
        return answer.body

    def add_group(self, name: str = "Engineering", *members: str) -> JSON:
        body = {"displayName": name, "members": [{"value": m} for m in members]}
        answer = self.post("/Groups", body)
        assert answer.status == 201, answer.text
        return answer.body


def scim_client(directory: Directory) -> ScimClient:
    """Return a client of the directory with a token of its own."""
    return ScimClient(directory, factories.issue_token(directory).plaintext)


@pytest.fixture
def scim(directory: Directory) -> ScimClient:
    return scim_client(directory)


@pytest.fixture
def other_scim(other_integration: Integration) -> ScimClient:
    return scim_client(other_integration.directory)
