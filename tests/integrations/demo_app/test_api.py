from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest

from tests.real_apps.fixtures import OutsideApp


@pytest.fixture
def anybody(demo_app: OutsideApp) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=demo_app.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
def admin(anybody: httpx2.Client, demo_app: OutsideApp) -> httpx2.Client:
    answer = log_in(anybody, demo_app.username, demo_app.password)
    anybody.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return anybody


def log_in(client: httpx2.Client, login: str, password: str) -> httpx2.Response:
    document = {"username": login, "password": password}
    return client.post("/api/session", json=document)


def test_gives_a_token_that_expires(
    anybody: httpx2.Client, demo_app: OutsideApp
) -> None:
    answer = log_in(anybody, demo_app.username, demo_app.password)

    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 900
    assert log_in(anybody, demo_app.username, "wrong").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users"),
        ("POST", "/api/users"),
        ("GET", "/api/users/1"),
        ("PUT", "/api/users/1"),
        ("PATCH", "/api/users/1"),
        ("DELETE", "/api/users/1"),
        ("GET", "/api/groups"),
        ("POST", "/api/groups"),
        ("PUT", "/api/groups/1/members/1"),
        ("DELETE", "/api/groups/1/members/1"),
    ],
)
def test_answers_nobody_without_a_token(
    anybody: httpx2.Client, method: str, path: str
) -> None:
    assert anybody.request(method, path, json={}).status_code == 401


def test_forgets_a_token_on_log_out(admin: httpx2.Client) -> None:
    assert admin.delete("/api/session").status_code == 204
    assert admin.get("/api/users").status_code == 401


def test_comes_with_people_in_groups(admin: httpx2.Client) -> None:
    users = admin.get("/api/users", params={"per_page": 7}).json()
    groups = admin.get("/api/groups").json()["groups"]

    assert users["total"] >= 7
    assert users["users"][1]["login"] == "grace.okafor@example.com"
    assert users["users"][1]["groups"]
    names = {group["name"] for group in groups}
    assert names >= {"Engineering", "Sales", "Support"}


def test_caps_its_pages_at_a_hundred(admin: httpx2.Client) -> None:
    assert admin.get("/api/users?per_page=5000").json()["per_page"] == 100


@pytest.mark.parametrize(
    "document",
    [{}, {"login": ""}, {"login": 7}, {"login": "a\nb"}, {"login": "x", "active": 1}],
)
def test_refuses_values_that_are_not_valid(
    admin: httpx2.Client, document: object
) -> None:
    answer = admin.post("/api/users", json=document)

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"


def test_replaces_with_put_and_changes_with_patch(admin: httpx2.Client) -> None:
    login = f"{uuid4().hex}@example.com"
    values = {"login": login, "first_name": "Ann", "external_ref": "r1"}
    made = admin.post("/api/users", json=values).json()
    path = f"/api/users/{made['id']}"

    changed = admin.patch(path, json={"last_name": "Bee"}).json()
    replaced = admin.put(path, json={"login": login}).json()

    assert (changed["first_name"], changed["last_name"]) == ("Ann", "Bee")
    assert (replaced["first_name"], replaced["external_ref"]) == ("", "")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 50_000])
def test_refuses_a_body_that_is_no_object(admin: httpx2.Client, body: bytes) -> None:
    assert admin.post("/api/users", content=body).status_code == 400


def test_refuses_a_body_that_is_too_large(admin: httpx2.Client) -> None:
    assert admin.post("/api/users", content=b"x" * 70_000).status_code == 413


def test_says_what_there_is_not(admin: httpx2.Client) -> None:
    assert admin.get("/api/nothing").status_code == 404
    assert admin.get("/api/users/999999").status_code == 404
    assert admin.post("/api/users/1").status_code == 405
    assert admin.put("/api/groups/999999/members/1").status_code == 404
