"""The demo app's HTML. Everything that is not markup goes through `text`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as text
from urllib.parse import urlencode

from integrations.demo_app.store import Group, User

_FIELDS = (
    ("login", "Login", "text", "username"),
    ("email", "E-mail", "email", "off"),
    ("first_name", "First name", "text", "off"),
    ("last_name", "Last name", "text", "off"),
    ("display_name", "Display name", "text", "off"),
)

NOTES = {
    "created": "The user was created.",
    "saved": "The changes were saved.",
    "deactivated": "The user was deactivated.",
    "activated": "The user was activated.",
    "deleted": "The user was deleted.",
    "group-created": "The group was created.",
    "added": "The member was added.",
    "removed": "The member was removed.",
}


def page(
    title: str, content: str, *, viewer: User | None, csrf: str, note: str = ""
) -> str:
    """Return a whole page."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)} · Demo app</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header><strong>Demo app</strong>{_navigation(viewer, csrf)}</header>
<main id="content">
<h1>{text(title)}</h1>
{_message("status", NOTES.get(note, ""))}{content}
</main>
</body>
</html>
"""


def refusal_page(message: str) -> str:
    """Return a page that says why there is no other."""
    back = '<p><a href="/">Back to the start</a></p>'
    return page(message, back, viewer=None, csrf="")


def login_form(csrf: str, *, login: str = "", error: str = "") -> str:
    """Return the form of the login page."""
    return f"""{_message("alert", error)}<form method="post" class="card">{_csrf(csrf)}
{_field("username", "Login", "text", "username", login, "required")}
{_field("password", "Password", "password", "current-password", "", "required")}
<button>Log in</button>
</form>"""


def home(viewer: User) -> str:
    """Return what everybody who is logged in may see."""
    return f"<p>Signed in as <strong>{text(viewer.login)}</strong>.</p>"


def user_list(
    users: Sequence[User], *, total: int, search: str, page: int, size: int
) -> str:
    """Return the search form, the table of users and the links to other pages."""
    rows = "\n".join(_user_row(user) for user in users)
    if not users:
        rows = '<tr><td colspan="4">No user matches.</td></tr>'
    first = (page - 1) * size + 1 if users else 0
    return f"""<div class="bar"><form role="search" action="/users">
<label for="q">Search users</label>
<input type="search" id="q" name="q" value="{text(search)}">
<button class="quiet">Search</button>
</form><a class="button" href="/users/new">New user</a></div>
<table>
<caption>Users {first} to {first + len(users) - 1 if users else 0} of {total}</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Login</th>
<th scope="col">E-mail</th><th scope="col">Status</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{_pager(search=search, page=page, last=max(1, -(-total // size)))}"""


def user_form(
    values: dict[str, str], csrf: str, *, submit: str, error: str = ""
) -> str:
    """Return the form to make or edit a user."""
    fields = "\n".join(
        _field(name, label, kind, complete, values.get(name, ""), required)
        for name, label, kind, complete in _FIELDS
        for required in ["required" if name == "login" else ""]
    )
    password = _field("password", "New password", "password", "new-password", "", "")
    return f"""{_message("alert", error)}<form method="post" class="card">{_csrf(csrf)}
{fields}
{password}
<p class="hint">Without a password the user cannot log in here.</p>
<button>{text(submit)}</button> <a href="/users">Cancel</a>
</form>"""


def user_actions(user: User, groups: Sequence[Group], csrf: str) -> str:
    """Return what else can be done with a user, and the groups."""
    switch = ("deactivate", "Deactivate") if user.active else ("activate", "Activate")
    items = "".join(
        f'<li><a href="/groups/{group.id}">{text(group.name)}</a></li>'
        for group in groups
        if group.id in user.groups
    )
    items = items or "<li>None</li>"
    return f"""<h2>Groups</h2><ul>{items}</ul>
<h2>Account</h2>
<p>Status: <strong>{"Active" if user.active else "Inactive"}</strong></p>
<div class="bar">{_button(f"/users/{user.id}/{switch[0]}", switch[1], csrf)}
<a class="button danger" href="/users/{user.id}/delete">Delete</a></div>"""


def delete_form(user: User, csrf: str) -> str:
    """Return the question before a user is deleted."""
    return f"""<p>{text(user.full_name)} ({text(user.login)}) leaves all groups.
This cannot be undone.</p>
<form method="post" class="bar">{_csrf(csrf)}
<button class="danger">Delete user</button> <a href="/users/{user.id}">Cancel</a>
</form>"""


def group_list(groups: Sequence[Group], csrf: str, *, error: str = "") -> str:
    """Return the table of groups and the form for a new one."""
    rows = "\n".join(
        f'<tr><th scope="row"><a href="/groups/{group.id}">{text(group.name)}</a></th>'
        f"<td>{group.size}</td></tr>"
        for group in groups
    )
    return f"""<table>
<caption>{len(groups)} groups</caption>
<thead><tr><th scope="col">Group</th><th scope="col">Members</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<h2>New group</h2>
{_message("alert", error)}<form method="post" class="card">{_csrf(csrf)}
{_field("name", "Group name", "text", "off", "", "required")}
<button>Create group</button>
</form>"""


def group_members(
    group: Group, members: Sequence[User], csrf: str, *, error: str = ""
) -> str:
    """Return the members of a group and the form to add one."""
    rows = "\n".join(
        f'<tr><th scope="row"><a href="/users/{user.id}">{text(user.full_name)}</a></th>'
        f"<td>{text(user.login)}</td><td>"
        + _button(
            f"/groups/{group.id}/members/{user.id}/remove",
            "Remove",
            csrf,
            whom=user.full_name,
        )
        + "</td></tr>"
        for user in members
    )
    return f"""<table>
<caption>{len(members)} members</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Login</th>
<th scope="col">Action</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<h2>Add a member</h2>
{_message("alert", error)}<form method="post" class="card">{_csrf(csrf)}
{_field("login", "Login of the user", "text", "off", "", "required")}
<button>Add member</button>
</form>"""


def _navigation(viewer: User | None, csrf: str) -> str:
    if viewer is None:
        return ""
    links = '<a href="/users">Users</a> <a href="/groups">Groups</a>'
    return (
        f'<nav aria-label="Main">{links if viewer.is_admin else ""}</nav>'
        f"<span>Signed in as {text(viewer.login)}</span>"
        + _button("/logout", "Log out", csrf)
    )


def _user_row(user: User) -> str:
    status = "Active" if user.active else "Inactive"
    return (
        f'<tr><th scope="row"><a href="/users/{user.id}">{text(user.full_name)}</a></th>'
        f"<td>{text(user.login)}</td><td>{text(user.email)}</td>"
        f'<td><span class="status {status.lower()}">{status}</span></td></tr>'
    )


def _pager(*, search: str, page: int, last: int) -> str:
    def link(number: int, label: str, rel: str) -> str:
        query = text(urlencode({"q": search, "page": number}))
        return f'<a rel="{rel}" href="/users?{query}">{label}</a>'

    before = link(page - 1, "Previous page", "prev") if page > 1 else ""
    after = link(page + 1, "Next page", "next") if page < last else ""
    return (
        f'<nav class="bar" aria-label="Pages">{before}'
        f"<span>Page {page} of {last}</span>{after}</nav>"
    )


def _field(
    name: str, label: str, kind: str, complete: str, value: str, required: str
) -> str:
    return (
        f'<p><label for="{name}">{label}</label><input type="{kind}" id="{name}" '
        f'name="{name}" value="{text(value)}" autocomplete="{complete}" {required}></p>'
    )


def _button(action: str, label: str, csrf: str, *, whom: str = "") -> str:
    hidden = f'<span class="hidden"> {text(whom)}</span>' if whom else ""
    return (
        f'<form method="post" action="{action}">{_csrf(csrf)}'
        f'<button class="quiet">{label}{hidden}</button></form>'
    )


def _csrf(token: str) -> str:
    return f'<input type="hidden" name="csrf" value="{text(token)}">'


def _message(role: str, sentence: str) -> str:
    if not sentence:
        return ""
    return f'<p role="{role}" class="message">{text(sentence)}</p>'
