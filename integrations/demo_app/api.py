"""The demo app's JSON API. Every call but the login needs an admin's token."""

from __future__ import annotations

import json
from dataclasses import asdict
from http import HTTPStatus

from integrations.demo_app.login import authenticate
from integrations.demo_app.store import WRITABLE, Store, User
from integrations.demo_app.web import (
    JSON,
    Refusal,
    Request,
    Response,
    Routes,
    json_response,
)

TOKEN_SECONDS = 15 * 60

_LARGEST_PAGE = 100
_LONGEST_VALUE = 255
_LONGEST_FIELDS = 10_000

routes = Routes()


@routes.add("POST", "/api/session")
def log_in(store: Store, request: Request) -> Response:
    """Exchange a login and a password for a bearer token."""
    values = request.json()
    login, password = values.get("username"), values.get("password")
    user = authenticate(store, str(login), str(password))
    token = store.open_session(user, seconds=TOKEN_SECONDS)
    answer: JSON = {"token": token, "expires_in": TOKEN_SECONDS, "user_id": user.id}
    return json_response(answer, HTTPStatus.CREATED)


@routes.add("DELETE", "/api/session")
def log_out(store: Store, request: Request) -> Response:
    """Make the token worthless."""
    store.close_session(_bearer_token(request))
    return Response(HTTPStatus.NO_CONTENT)


@routes.add("GET", "/api/users")
def list_users(store: Store, request: Request) -> Response:
    """Answer with a page of users, or with the one who has exactly `?login=`."""
    _admin(store, request)
    page = request.number("page", default=1)
    size = min(request.number("per_page", default=50), _LARGEST_PAGE)
    login = request.query.get("login")
    total, users = store.users(login=login, page=page, size=size)
    items: list[JSON] = [_document(user) for user in users]
    return json_response(
        {"total": total, "page": page, "per_page": size, "users": items}
    )


@routes.add("POST", "/api/users")
def create_user(store: Store, request: Request) -> Response:
    """Add a user, who has no password until somebody sets one."""
    _admin(store, request)
    values = _values(request)
    if "login" not in values:
        raise Refusal(422, "invalid", "A login is required.")
    return json_response(_document(store.create_user(values)), HTTPStatus.CREATED)


@routes.add("GET", "/api/users/{user_id}")
def show_user(store: Store, request: Request, user_id: int) -> Response:
    """Answer with one user."""
    _admin(store, request)
    return json_response(_document(store.user(user_id)))


@routes.add("PUT", "/api/users/{user_id}")
def replace_user(store: Store, request: Request, user_id: int) -> Response:
    """Set every attribute of a user; what is not sent becomes empty."""
    admin = _admin(store, request)
    values = _values(request)
    if "login" not in values:
        raise Refusal(422, "invalid", "A login is required.")
    empty: dict[str, JSON] = dict.fromkeys((*WRITABLE, "external_ref"), "")
    empty["fields"] = {}
    return _update(store, admin, user_id, empty | {"active": True} | values)


@routes.add("PATCH", "/api/users/{user_id}")
def change_user(store: Store, request: Request, user_id: int) -> Response:
    """Set some attributes of a user; of `fields` only those that are named."""
    admin, values = _admin(store, request), _values(request)
    if "fields" in values:
        values["fields"] = store.user(user_id).fields | _fields(values["fields"])
    return _update(store, admin, user_id, values)


@routes.add("DELETE", "/api/users/{user_id}")
def delete_user(store: Store, request: Request, user_id: int) -> Response:
    """Delete a user."""
    if _admin(store, request).id == user_id:
        raise Refusal(422, "own_account", "You cannot delete your own account.")
    store.delete_user(user_id)
    return Response(HTTPStatus.NO_CONTENT)


@routes.add("GET", "/api/groups")
def list_groups(store: Store, request: Request) -> Response:
    """Answer with all groups."""
    _admin(store, request)
    groups: list[JSON] = [asdict(group) for group in store.groups()]
    return json_response({"total": len(groups), "groups": groups})


@routes.add("POST", "/api/groups")
def create_group(store: Store, request: Request) -> Response:
    """Add a group."""
    _admin(store, request)
    name = _text("name", request.json().get("name"))
    if not name:
        raise Refusal(422, "invalid", "A name is required.")
    return json_response(asdict(store.create_group(name)), HTTPStatus.CREATED)


@routes.add("PUT", "/api/groups/{group_id}/members/{user_id}")
def add_member(store: Store, request: Request, group_id: int, user_id: int) -> Response:
    """Put a user in a group. Doing so twice is fine."""
    _admin(store, request)
    store.add_member(group_id, user_id)
    return Response(HTTPStatus.NO_CONTENT)


@routes.add("DELETE", "/api/groups/{group_id}/members/{user_id}")
def remove_member(
    store: Store, request: Request, group_id: int, user_id: int
) -> Response:
    """Take a user out of a group. Doing so twice is fine."""
    _admin(store, request)
    store.remove_member(group_id, user_id)
    return Response(HTTPStatus.NO_CONTENT)


def _update(
    store: Store, admin: User, user_id: int, values: dict[str, JSON]
) -> Response:
    if admin.id == user_id and values.get("active") is False:
        raise Refusal(422, "own_account", "You cannot deactivate your own account.")
    return json_response(_document(store.update_user(user_id, values)))


def _admin(store: Store, request: Request) -> User:
    user = store.session_user(_bearer_token(request))
    if user is None:
        raise Refusal(401, "not_logged_in", "The token is missing or has expired.")
    if not user.is_admin:
        raise Refusal(403, "not_an_admin", "Only admins may do this.")
    return user


def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _document(user: User) -> dict[str, JSON]:
    shown = ("id", *WRITABLE, "active", "external_ref", "fields")
    document: dict[str, JSON] = {name: getattr(user, name) for name in shown}
    return document | {"groups": list(user.groups)}


def _values(request: Request) -> dict[str, JSON]:
    """Return the writable attributes of the body. Raises Refusal 422."""
    values: dict[str, JSON] = {}
    for name, value in request.json().items():
        if name == "active":
            if not isinstance(value, bool):
                raise Refusal(422, "invalid", "active is true or false.")
            values[name] = value
        elif name in {*WRITABLE, "external_ref"}:
            values[name] = _text(name, value)
        elif name == "fields":
            values[name] = _fields(value)
    if values.get("login") == "":
        raise Refusal(422, "invalid", "A login is required.")
    return values


def _fields(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict) or len(json.dumps(value)) > _LONGEST_FIELDS:
        sentence = f"fields is an object of at most {_LONGEST_FIELDS} characters."
        raise Refusal(422, "invalid", sentence)
    return value


def _text(name: str, value: JSON) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_VALUE:
        sentence = f"{name} is a text of at most {_LONGEST_VALUE} characters."
        raise Refusal(422, "invalid", sentence)
    if not value.isprintable():
        raise Refusal(422, "invalid", f"{name} holds a control character.")
    return value.strip()
