"""Who may log in to the demo app."""

from __future__ import annotations

from integrations.demo_app.passwords import is_password
from integrations.demo_app.store import Store, User
from integrations.demo_app.web import Refusal


def authenticate(store: Store, login: str, password: str) -> User:
    """Return the active user with this password. Raises Refusal 401."""
    user = store.user_named(login)
    matches = is_password(password, user.password if user else "")
    if user is None or not matches or not user.active:
        raise Refusal(401, "wrong_password", "The login or password is wrong.")
    return user
