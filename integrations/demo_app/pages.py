"""The demo app's pages: what a person, or a browser connector, clicks."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from http import HTTPStatus

from integrations.demo_app import markup
from integrations.demo_app.login import authenticate
from integrations.demo_app.passwords import hash_password
from integrations.demo_app.store import WRITABLE, Store, User
from integrations.demo_app.web import (
    JSON,
    Refusal,
    Request,
    Response,
    Routes,
    html_response,
    redirect,
)

_SESSION_SECONDS = 8 * 60 * 60
_SESSION_COOKIE = "demo_session"
_CSRF_COOKIE = "demo_csrf"
_COOKIE_RULES = "Path=/; HttpOnly; SameSite=Strict"
_PAGE_SIZE = 20

routes = Routes()


@routes.add("GET", "/login")
def login_page(_: Store, request: Request) -> Response:
    """Show the login form."""
    return _login_form(request)


@routes.add("POST", "/login")
def log_in(store: Store, request: Request) -> Response:
    """Start a session, or show the form again."""
    form = _form(request)
    login = form.get("username", "")
    try:
        user = authenticate(store, login, form.get("password", ""))
    except Refusal as refusal:
        return _login_form(request, login, refusal)
    token = store.open_session(user, seconds=_SESSION_SECONDS)
    response = redirect("/")
    cookie = f"{_SESSION_COOKIE}={token}; Max-Age={_SESSION_SECONDS}; {_COOKIE_RULES}"
    response.headers.append(("Set-Cookie", cookie))
    return response


@routes.add("POST", "/logout")
def log_out(store: Store, request: Request) -> Response:
    """End the session."""
    _form(request)
    store.close_session(request.cookie(_SESSION_COOKIE))
    return redirect("/login")


@routes.add("GET", "/")
def home(store: Store, request: Request) -> Response:
    """Show who is logged in; admins go on to the users."""
    viewer = _viewer(store, request)
    if viewer is None:
        return redirect("/login")
    if viewer.is_admin:
        return redirect("/users")
    return _show(request, "Welcome", lambda _: markup.home(viewer), viewer=viewer)


@routes.add("GET", "/users")
def user_list(store: Store, request: Request) -> Response:
    """Show the users that match the search."""
    admin = _admin(store, request)
    search = request.query.get("q", "").strip()
    number = request.number("page", default=1)
    total, users = store.users(search=search, page=number, size=_PAGE_SIZE)
    content = markup.user_list(
        users, total=total, search=search, page=number, size=_PAGE_SIZE
    )
    return _show(request, "Users", lambda _: content, viewer=admin)


@routes.add("GET", "/users/new")
def new_user(store: Store, request: Request) -> Response:
    """Show the form for a new user."""
    return _user_form(request, _admin(store, request), "New user", {})


@routes.add("POST", "/users/new")
def create_user(store: Store, request: Request) -> Response:
    """Add a user."""
    admin = _admin(store, request)
    form = _form(request)
    try:
        user = store.create_user(_values(form))
    except Refusal as refusal:
        return _user_form(request, admin, "New user", form, refusal)
    return redirect(f"/users/{user.id}?done=created")


@routes.add("GET", "/users/{user_id}")
def user_page(store: Store, request: Request, user_id: int) -> Response:
    """Show a user: the form, the groups and what else can be done."""
    admin = _admin(store, request)
    user = store.user(user_id)
    values = {name: str(getattr(user, name)) for name in WRITABLE}

    def content(csrf: str) -> str:
        form = markup.user_form(values, csrf, submit="Save")
        return form + markup.user_actions(user, store.groups(), csrf)

    return _show(request, user.full_name, content, viewer=admin)


@routes.add("POST", "/users/{user_id}")
def save_user(store: Store, request: Request, user_id: int) -> Response:
    """Change a user."""
    admin = _admin(store, request)
    form = _form(request)
    try:
        user = store.update_user(user_id, _values(form))
    except Refusal as refusal:
        return _user_form(request, admin, "Edit user", form, refusal)
    return redirect(f"/users/{user.id}?done=saved")


@routes.add("POST", "/users/{user_id}/deactivate")
def deactivate_user(store: Store, request: Request, user_id: int) -> Response:
    """Keep a user from logging in."""
    _someone_else(store, request, user_id)
    store.update_user(user_id, {"active": False})
    return redirect(f"/users/{user_id}?done=deactivated")


@routes.add("POST", "/users/{user_id}/activate")
def activate_user(store: Store, request: Request, user_id: int) -> Response:
    """Let a user log in again."""
    _someone_else(store, request, user_id)
    store.update_user(user_id, {"active": True})
    return redirect(f"/users/{user_id}?done=activated")


@routes.add("GET", "/users/{user_id}/delete")
def ask_before_deleting(store: Store, request: Request, user_id: int) -> Response:
    """Ask whether the user shall really go."""
    admin = _admin(store, request)
    user = store.user(user_id)
    return _show(
        request,
        f"Delete {user.full_name}?",
        lambda csrf: markup.delete_form(user, csrf),
        viewer=admin,
    )


@routes.add("POST", "/users/{user_id}/delete")
def delete_user(store: Store, request: Request, user_id: int) -> Response:
    """Delete a user."""
    _someone_else(store, request, user_id)
    store.delete_user(user_id)
    return redirect("/users?done=deleted")


@routes.add("GET", "/groups")
def group_list(store: Store, request: Request) -> Response:
    """Show the groups."""
    admin = _admin(store, request)
    groups = store.groups()
    return _show(
        request, "Groups", lambda csrf: markup.group_list(groups, csrf), viewer=admin
    )


@routes.add("POST", "/groups")
def create_group(store: Store, request: Request) -> Response:
    """Add a group."""
    _admin(store, request)
    name = _form(request).get("name", "").strip()
    if not name:
        raise Refusal(422, "invalid", "A group needs a name.")
    group = store.create_group(name)
    return redirect(f"/groups/{group.id}?done=group-created")


@routes.add("GET", "/groups/{group_id}")
def group_page(store: Store, request: Request, group_id: int) -> Response:
    """Show the members of a group."""
    admin = _admin(store, request)
    group, members = store.group(group_id), store.members(group_id)
    return _show(
        request,
        group.name,
        lambda csrf: markup.group_members(group, members, csrf),
        viewer=admin,
    )


@routes.add("POST", "/groups/{group_id}")
def add_member(store: Store, request: Request, group_id: int) -> Response:
    """Put a user in a group."""
    _admin(store, request)
    user = store.user_named(_form(request).get("login", "").strip())
    if user is None:
        raise Refusal(422, "no_such_user", "No user has this login.")
    store.add_member(group_id, user.id)
    return redirect(f"/groups/{group_id}?done=added")


@routes.add("POST", "/groups/{group_id}/members/{user_id}/remove")
def remove_member(
    store: Store, request: Request, group_id: int, user_id: int
) -> Response:
    """Take a user out of a group."""
    _admin(store, request)
    _form(request)
    store.remove_member(group_id, user_id)
    return redirect(f"/groups/{group_id}?done=removed")


def _show(
    request: Request,
    title: str,
    content: Callable[[str], str],
    *,
    viewer: User | None,
    status: int = HTTPStatus.OK,
) -> Response:
    """Return a page. `content` is called with the CSRF token of its forms."""
    csrf = request.cookie(_CSRF_COOKIE) or secrets.token_urlsafe(24)
    note = request.query.get("done", "")
    page = markup.page(title, content(csrf), viewer=viewer, csrf=csrf, note=note)
    response = html_response(page, status)
    if not request.cookie(_CSRF_COOKIE):
        cookie = f"{_CSRF_COOKIE}={csrf}; {_COOKIE_RULES}"
        response.headers.append(("Set-Cookie", cookie))
    return response


def _login_form(
    request: Request, login: str = "", refusal: Refusal | None = None
) -> Response:
    error = refusal.message if refusal else ""
    return _show(
        request,
        "Log in",
        lambda csrf: markup.login_form(csrf, login=login, error=error),
        viewer=None,
        status=refusal.status if refusal else HTTPStatus.OK,
    )


def _user_form(
    request: Request,
    admin: User,
    title: str,
    values: dict[str, str],
    refusal: Refusal | None = None,
) -> Response:
    submit = "Create user" if title == "New user" else "Save"
    error = refusal.message if refusal else ""
    return _show(
        request,
        title,
        lambda csrf: markup.user_form(values, csrf, submit=submit, error=error),
        viewer=admin,
        status=refusal.status if refusal else HTTPStatus.OK,
    )


def _form(request: Request) -> dict[str, str]:
    """Return the submitted form. Raises Refusal 403 if another site made it."""
    form = request.form()
    cookie = request.cookie(_CSRF_COOKIE)
    if not cookie or not hmac.compare_digest(
        cookie.encode(), form.get("csrf", "").encode()
    ):
        raise Refusal(403, "csrf", "This form has expired.")
    return form


def _viewer(store: Store, request: Request) -> User | None:
    return store.session_user(request.cookie(_SESSION_COOKIE))


def _admin(store: Store, request: Request) -> User:
    viewer = _viewer(store, request)
    if viewer is None:
        raise Refusal(401, "not_logged_in", "Please log in.")
    if not viewer.is_admin:
        raise Refusal(403, "not_an_admin", "Only admins may do this.")
    return viewer


def _someone_else(store: Store, request: Request, user_id: int) -> None:
    _form(request)
    if _admin(store, request).id == user_id:
        raise Refusal(422, "own_account", "You cannot do this to your own account.")


def _values(form: dict[str, str]) -> dict[str, JSON]:
    values: dict[str, JSON] = {name: form.get(name, "").strip() for name in WRITABLE}
    if not values["login"]:
        raise Refusal(422, "invalid", "A login is required.")
    if form.get("password"):
        values["password"] = hash_password(form["password"])
    return values
