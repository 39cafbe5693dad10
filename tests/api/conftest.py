"""A client of the management API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tests import factories
from workspaces.models import Workspace


@dataclass
class Answer:
    """An answer of the API: JSON is read, a file is its bytes, nothing is None."""

    status: int
    body: Any
    headers: dict[str, str]


class ApiClient:
    """Calls the API with a token, in-process."""

    def __init__(self, token: str, client: Client | None = None) -> None:
        self.token = token
        self.client = client or Client()

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        data = b"" if body is None else json.dumps(body).encode()
        made = self.client.generic(
            method, f"/api{path}", data, content_type="application/json", headers=sent
        )
        body: Any = made.getvalue() or None
        if body and made.headers["Content-Type"].endswith("json"):
            body = json.loads(body)
        return Answer(made.status_code, body, dict(made.headers))

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: object) -> Answer:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)


@pytest.fixture
def api(workspace: Workspace) -> ApiClient:
    """Alice's script, with every scope."""
    return ApiClient(factories.issue_api_token(workspace).plaintext)


@pytest.fixture
def other_api(other_workspace: Workspace) -> ApiClient:
    """Charlie's script, of another tenant."""
    return ApiClient(factories.issue_api_token(other_workspace).plaintext)
