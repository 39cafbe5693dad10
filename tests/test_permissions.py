"""Who gets what answer from every address of the portal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, reset_queries, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from integrations.models import (
    Integration,
)
from tests import factories
from tests.routes import ELSEWHERE, PERMISSIONS, PORTAL, ROUTES, stream_of, values_of
from tokens.models import ScimToken
from workspaces.audit import SignIn
from workspaces.models import (
    AuditEvent,
    Directory,
    Membership,
    Role,
    User,
    Workspace,
)
from workspaces.permissions import ALLOWED, Permission

ADMINS = (Role.OWNER, Role.SUPER_ADMIN, Role.ADMIN)
OUTSIDER = "another tenant's owner"
ANONYMOUS = "anonymous"
LOGIN = 302


def routes_of(
    resolver: URLResolver | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Yield every route of the project but those that are tested elsewhere."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if path in ELSEWHERE:
            continue
        if isinstance(pattern, URLResolver):
            yield from routes_of(pattern, path)
        else:
            yield path, pattern


class House:
    """A workspace with one of everything, and clients of all who may come by."""

    def __init__(self, integration: Integration, outsider: User) -> None:
        self.workspace = integration.workspace
        self.values = values_of(integration)
        self.clients = {ANONYMOUS: Client(), OUTSIDER: Client()}
        self.clients[OUTSIDER].force_login(outsider)
        for theirs in Directory.objects.filter(
            workspace__memberships__user=outsider, kind=Directory.Kind.DIRECTORY_SYNC
        ):
            factories.issue_token(theirs)
            stream_of(theirs.workspace)
        for role in Role:
            user = factories.UserFactory(name=f"Somebody {role}")
            factories.MembershipFactory(workspace=self.workspace, user=user, role=role)
            self.clients[role] = Client()
            self.clients[role].force_login(user)

    def path_of(self, name: str) -> str:
        """Fill a route with what there is."""
        return ROUTES[name].path.format(**self.values)

    def membership_of(self, role: Role) -> Membership:
        return Membership.objects.get(user__name=f"Somebody {role}")


@pytest.fixture
def house(integration: Integration, other_workspace: Workspace, charlie: User) -> House:
    return House(integration, charlie)


@dataclass
class Attempt:
    """A request, what it was answered, and which tables it wrote to."""

    answer: Any
    text: bytes
    written: set[str]
    refusals: list[AuditEvent]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block writes, so that the next one finds the same."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def attempt(client: Client, method: str, path: str, **headers: str) -> Attempt:
    """Send a request and take back what it wrote."""
    reset_queries()
    with undone(), CaptureQueriesContext(connection) as captured:
        answer = client.generic(method, path, headers=headers)
        text = b"".join(answer)
        refusals = list(AuditEvent.objects.filter(action=SignIn.REFUSED))
    return Attempt(answer, text, tables_written(captured), refusals)


UNRELATED = {
    "django_session",
    "workspaces_auditevent",
    "workspaces_user",
    "axes_accesslog",
}
"""Sessions, logins and refusals."""
READS = ("SELECT", "(SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")
WRITE = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)')


def tables_written(captured: CaptureQueriesContext) -> set[str]:
    """Return the tables that statements write to; what is no read counts as such."""
    found = set()
    for query in captured:
        sql = query["sql"]
        if not sql.startswith(READS):
            match = WRITE.match(sql)
            found.add(match.group(1) if match else sql)
    return found - UNRELATED


def test_every_route_is_in_the_table() -> None:
    present = {path for path, _ in routes_of()}

    assert present - ROUTES.keys() == set(), "add these to the table"
    assert ROUTES.keys() - present == set(), "these are gone"


def test_every_page_names_its_permission() -> None:
    named = {
        path: getattr(pattern.callback, "permission", None)
        for path, pattern in routes_of()
        if path in PORTAL
    }

    assert named == PERMISSIONS


def test_every_role_is_in_the_table_of_rights() -> None:
    """S0-1."""
    assert ALLOWED.keys() == set(Role)
    assert ALLOWED[Role.OWNER] == frozenset(Permission)
    for role in (Role.SUPER_ADMIN, Role.ADMIN):
        others = {Permission.MANAGE_OWNERS, Permission.MANAGE_POLICY}
        if role == Role.ADMIN:
            others.add(Permission.MANAGE_WEBHOOKS)
        assert ALLOWED[role] == frozenset(Permission) - others
    assert ALLOWED[Role.AUDITOR] == {Permission.VIEW_MEMBERS, Permission.VIEW_AUDIT}
    assert ALLOWED[Role.MEMBER] == frozenset()


def is_allowed(role: str, name: str) -> bool:
    """Say what the two tables together say."""
    permission = PERMISSIONS[name]
    return permission is None or permission in ALLOWED[Role(role)]


def lowest_role_with(name: str) -> Role:
    """Return a role that may, and that is not everybody's."""
    return next(role for role in reversed(Role) if is_allowed(role, name))


class Complaints(list[str]):
    """What was wrong, each with the route and what was sent. A test finds none."""

    def unless(self, condition: object, name: str, method: str, text: str) -> None:
        if not condition:
            self.append(f"{method} {name}: {text}")


def every_page() -> Iterator[tuple[str, str]]:
    """Yield each page of the portal with each method that may be of use there."""
    return product(PORTAL, ("GET", "POST"))


@pytest.mark.parametrize("role", Role)
def test_role_gets_what_its_rights_say(house: House, role: Role) -> None:
    """S0-2 and S0-3: the answer, or a refusal that is recorded."""
    wrong = Complaints()

    for name, method in every_page():
        made = attempt(house.clients[role], method, house.path_of(name))
        expected = ROUTES[name].methods[method]
        if role == Role.MEMBER and method == "GET":
            expected = ROUTES[name].get_of_member or expected
        if is_allowed(role, name) or expected == 405:
            status = made.answer.status_code
            wrong.unless(status == expected, name, method, f"{status}, not {expected}")
            wrong.unless(not made.refusals, name, method, "a refusal is recorded")
        else:
            _check_refused(wrong, house, name, method, made, role)

    assert wrong == []


def _check_refused(
    wrong: Complaints, house: House, name: str, method: str, made: Attempt, role: Role
) -> None:
    status = made.answer.status_code
    told = {"permission": PERMISSIONS[name], "path": house.path_of(name)}
    recorded = [
        (event.workspace, event.actor_label, event.data) for event in made.refusals
    ]
    wanted = [(house.workspace, f"Somebody {role}", told)]
    wrong.unless(status == 403, name, method, f"{status}, not 403")
    wrong.unless(recorded == wanted, name, method, f"recorded is {recorded}")
    wrong.unless(not made.written, name, method, f"{made.written} changed")
    wrong.unless(b"Acme Demo" not in made.text, name, method, "the name is told")


def test_owner_of_another_tenant_finds_nothing(house: House) -> None:
    wrong = Complaints()

    for name, method in every_page():
        made = attempt(house.clients[OUTSIDER], method, house.path_of(name))
        expected = ROUTES[name].methods[method]
        if expected != 405 and "{" in ROUTES[name].path:
            expected = 404
        status = made.answer.status_code
        wrong.unless(status == expected, name, method, f"{status}, not {expected}")
        wrong.unless(b"Acme Demo" not in made.text, name, method, "the name is told")
        is_unchanged = ROUTES[name].is_own or not made.written
        wrong.unless(is_unchanged, name, method, f"{made.written} changed")

    assert wrong == []


def test_anonymous_is_sent_to_the_login(house: House) -> None:
    wrong = Complaints()

    for name, method in every_page():
        path = house.path_of(name)
        made = attempt(house.clients[ANONYMOUS], method, path)
        found = made.answer.status_code, made.answer.headers.get("Location")
        is_sent = found == (302, f"/login/?next={path}")
        wrong.unless(is_sent, name, method, f"answered with {found}")
        wrong.unless(not made.written, name, method, f"{made.written} changed")

    assert wrong == []


def test_form_of_another_site_changes_nothing(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = house.clients[Role.OWNER].cookies
    wrong = Complaints()

    for name, method in every_page():
        path = house.path_of(name)
        made = attempt(client, method, path, origin="https://evil.example")
        status = made.answer.status_code
        is_refused = method == "GET" or status == 403
        wrong.unless(is_refused, name, method, f"{status}, not 403")
        wrong.unless(not made.written, name, method, f"{made.written} changed")

    assert wrong == []


def test_only_post_changes_anything(house: House) -> None:
    client = house.clients[Role.OWNER]
    wrong = Complaints()

    for name in PORTAL:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
            for headers in ({}, {"hx-request": "true"}):
                made = attempt(client, method, house.path_of(name), **headers)
                wrong.unless(not made.written, name, method, f"{made.written} changed")

    assert wrong == []


@pytest.mark.parametrize("name", [n for n, r in ROUTES.items() if r.is_public])
def test_public_routes_answer_everybody(house: House, name: str) -> None:
    route = ROUTES[name]
    wrong = Complaints()

    for method in ("GET", "POST"):
        for who, client in house.clients.items():
            expected = {
                ("logout/", "GET", True): 302,
                # Whoever is logged in has no use for the form.
                ("login/", "GET", False): 302,
                ("login/", "POST", False): 302,
            }.get((name, method, who == ANONYMOUS), route.methods[method])
            status = attempt(client, method, route.path).answer.status_code
            wrong.unless(status == expected, who, method, f"{status}, not {expected}")

    assert wrong == []


def test_right_that_is_taken_away_is_gone_on_the_next_request(house: House) -> None:
    """S0-7: with the role, and with the membership."""
    wrong = Complaints()

    for name in PORTAL:
        with undone():
            _check_taken_away(wrong, house, name)

    assert wrong == []


def _check_taken_away(wrong: Complaints, house: House, name: str) -> None:
    path = house.path_of(name)
    method = "GET" if ROUTES[name].get else "POST"
    role = lowest_role_with(name)
    client, membership = house.clients[role], house.membership_of(role)
    first = attempt(client, method, path).answer.status_code
    is_let_in = first != 403 or ROUTES[name].methods[method] == 403
    wrong.unless(is_let_in, name, method, f"{role} gets {first} before")

    membership.role = Role.MEMBER
    membership.save()
    lowered = attempt(client, method, path).answer.status_code
    is_everybodys = PERMISSIONS[name] is None
    wrong.unless(is_everybodys or lowered == 403, name, method, f"then {lowered}")

    membership.delete()
    gone = attempt(client, method, path)
    wrong.unless(
        gone.answer.status_code == 403 and b"You are in no workspace" in gone.text,
        name,
        method,
        f"{gone.answer.status_code} without a membership",
    )


def test_menu_has_no_entry_for_those_who_may_not(house: House) -> None:
    """S0-3 and S0-8: neither the menu entry nor the page, or both."""
    refused = house.clients[Role.MEMBER].get("/integrations/")
    allowed = house.clients[Role.ADMIN].get("/integrations/")

    assert b'class="nav-item"' not in refused.content
    assert b'href="/integrations/"' not in refused.content
    assert b'href="/integrations/"' in allowed.content
    assert b"<h1>Integrations</h1>" in allowed.content


def test_refusal_names_the_roles_that_may(house: House) -> None:
    content = house.clients[Role.MEMBER].get("/integrations/").content.decode()

    for role in ("Owner", "Super Admin", "Admin"):
        assert f"<strong>{role}</strong>" in content


def test_higher_role_elsewhere_does_not_help(
    alice: User, workspace: Workspace, other_integration: Integration
) -> None:
    """Alice owns Acme and is a member of Other: there she may not."""
    factories.MembershipFactory(
        workspace=other_integration.workspace, user=alice, role=Role.MEMBER
    )
    client = Client()
    client.force_login(alice)
    session = client.session
    session["workspace"] = "other"
    session.save()

    assert client.get("/integrations/").status_code == 403
    assert (
        client.post(f"/tokens/{other_integration.directory.key}/generate/").status_code
        == 403
    )
    assert not ScimToken.objects.exists()


def test_superuser_has_no_rights_in_a_workspace(
    integration: Integration,
) -> None:
    user = factories.UserFactory(is_superuser=True)
    client = Client()
    client.force_login(user)

    assert client.get("/integrations/").status_code == 403


def test_login_is_asked_for_by_default() -> None:
    middleware = "workspaces.middleware.SignInFirst"

    assert middleware in settings.MIDDLEWARE
