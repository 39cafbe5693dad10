from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.integrations.demo_app.browser import Browser
from tests.real_apps.fixtures import OutsideApp

PASSWORD = "pass-of-a-person-1"

NewBrowser = Callable[[], Browser]


def make_user(admin: Browser, **fields: str) -> tuple[str, str]:
    """Create a user by the form; return login and path."""
    login = f"{uuid4().hex[:10]}@example.com"
    page = admin.submit("/users/new", **{"login": login, "email": login, **fields})
    assert "The user was created." in page.text
    return login, page.url.path


def test_sends_a_stranger_to_the_login_page(new_browser: NewBrowser) -> None:
    for path in ("/", "/users", "/users/1", "/groups"):
        page = new_browser().see(path)

        assert page.url.path == "/login"
        assert '<label for="username">Login</label>' in page.text


def test_refuses_a_wrong_password_without_saying_what_was_wrong(
    new_browser: NewBrowser, demo_app: OutsideApp
) -> None:
    pages = [
        new_browser().log_in(demo_app.username, "wrong"),
        new_browser().log_in("nobody@example.com", "wrong"),
        new_browser().log_in("grace.okafor@example.com", ""),
    ]

    for page in pages:
        assert page.status_code == 401
        assert "The login or password is wrong." in page.text


def test_shows_an_admin_the_users(admin: Browser) -> None:
    page = admin.see("/")

    assert page.url.path == "/users"
    assert "grace.okafor@example.com" in page.text
    assert "Signed in as svc-keyway" in page.text


def test_shows_a_normal_user_only_who_they_are(
    admin: Browser, new_browser: NewBrowser
) -> None:
    login, _ = make_user(admin, password=PASSWORD)
    browser = new_browser()

    page = browser.log_in(login, PASSWORD)

    assert f"Signed in as <strong>{login}</strong>" in page.text
    for path in ("/users", "/users/new", "/users/1", "/groups"):
        assert browser.see(path).status_code == 403


def test_searches_users(admin: Browser) -> None:
    found = admin.see("/users?q=Okafor").text
    nobody = admin.see("/users?q=%25").text

    assert "grace.okafor@example.com" in found
    assert "mei.tanaka@example.com" not in found
    assert "No user matches." in nobody


def test_cuts_the_users_into_pages(admin: Browser) -> None:
    mark = uuid4().hex[:8]
    for number in range(21):
        make_user(admin, last_name=f"{mark}-{number:02}")

    first = admin.see(f"/users?q={mark}").text
    second = admin.see(f"/users?q={mark}&page=2").text

    assert "Users 1 to 20 of 21" in first
    assert f'href="/users?q={mark}&amp;page=2"' in first
    assert "Users 21 to 21 of 21" in second
    assert f"{mark}-20" in second


def test_edits_a_user(admin: Browser) -> None:
    login, path = make_user(admin)

    page = admin.submit(path, login=login, first_name="Bea", email="b@example.com")

    assert "The changes were saved." in page.text
    assert 'value="Bea"' in page.text


def test_refuses_a_login_that_is_taken_and_keeps_what_was_typed(
    admin: Browser,
) -> None:
    login, _ = make_user(admin)

    page = admin.submit("/users/new", login=login.upper(), first_name="Typed")

    assert page.status_code == 409
    assert "This login is taken." in page.text
    assert 'value="Typed"' in page.text


def test_locks_a_deactivated_user_out_at_once(
    admin: Browser, new_browser: NewBrowser
) -> None:
    login, path = make_user(admin, password=PASSWORD)
    browser = new_browser()
    browser.log_in(login, PASSWORD)

    page = admin.submit(f"{path}/deactivate", on=path)

    assert "The user was deactivated." in page.text
    assert browser.see("/").url.path == "/login"
    assert browser.log_in(login, PASSWORD).status_code == 401
    admin.submit(f"{path}/activate", on=path)
    assert "Signed in as" in browser.log_in(login, PASSWORD).text


def test_asks_before_it_deletes_a_user(admin: Browser) -> None:
    login, path = make_user(admin)

    question = admin.see(f"{path}/delete").text
    page = admin.submit(f"{path}/delete")

    assert login in question
    assert "This cannot be undone." in question
    assert "The user was deleted." in page.text
    assert admin.see(path).status_code == 404


@pytest.mark.parametrize("act", ["deactivate", "delete"])
def test_does_not_let_an_admin_lock_the_last_door(admin: Browser, act: str) -> None:
    page = admin.submit(f"/users/1/{act}", on="/users/1")

    assert page.status_code == 422
    assert "your own account" in page.text


def test_puts_a_user_in_a_group_and_takes_them_out(admin: Browser) -> None:
    login, path = make_user(admin)
    group = admin.submit("/groups", name=f"Group {login}")
    group_path = group.url.path

    added = admin.submit(group_path, login=login)
    user = admin.see(path).text
    removed = admin.submit(f"{group_path}/members{path[6:]}/remove", on=group_path)

    assert "The member was added." in added.text
    assert f">Group {login}</a></li>" in user
    assert "The member was removed." in removed.text
    assert login not in removed.text.partition("<table>")[2]


@pytest.mark.parametrize("fields", [{}, {"csrf": ""}, {"csrf": "of-another-site"}])
def test_refuses_a_form_that_another_site_made(
    admin: Browser, fields: dict[str, str]
) -> None:
    _, path = make_user(admin)

    for act in ("", "/deactivate", "/delete"):
        assert admin.client.post(f"{path}{act}", data=fields).status_code == 403


def test_shows_markup_in_names_as_text(admin: Browser) -> None:
    name = '<script>alert(1)</script>"&'
    _, path = make_user(admin, first_name=name, display_name=name)

    for page in (admin.see(path), admin.see("/users?q=script")):
        assert "<script>" not in page.text
        assert "&lt;script&gt;" in page.text


def test_sends_headers_that_keep_other_sites_out(admin: Browser) -> None:
    headers = admin.see("/users").headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
