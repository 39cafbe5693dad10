"""Who gets what answer from every address of the portal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from integrations.models import (
    Integration,
)
from tests import factories
from tests.routes import ELSEWHERE, PERMISSIONS, PORTAL, ROUTES, values_of
from tokens.models import ScimToken
from workspaces.audit import SignIn
from workspaces.models import (
    AuditEvent,
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


@pytest.fixture
def path_of(integration: Integration) -> Callable[[str], str]:
    """Fill a route with what there is of an integration."""
    values = values_of(integration)
    return lambda name: ROUTES[name].path.format(**values)


@pytest.fixture
def client_of(
    workspace: Workspace, other_workspace: Workspace, charlie: User
) -> Callable[[str], Client]:
    """Return the client of somebody in a role."""

    def make(who: str) -> Client:
        client = Client()
        if who == OUTSIDER:
            client.force_login(charlie)
        elif who != ANONYMOUS:
            user = factories.UserFactory(name=f"Somebody {who}")
            factories.MembershipFactory(workspace=workspace, user=user, role=who)
            client.force_login(user)
        return client

    return make


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
        of_owners = {Permission.MANAGE_OWNERS, Permission.MANAGE_POLICY}
        assert ALLOWED[role] == frozenset(Permission) - of_owners
    assert ALLOWED[Role.AUDITOR] == {Permission.VIEW_MEMBERS, Permission.VIEW_AUDIT}
    assert ALLOWED[Role.MEMBER] == frozenset()


def is_allowed(role: str, name: str) -> bool:
    """Say what the two tables together say."""
    permission = PERMISSIONS[name]
    return permission is None or permission in ALLOWED[Role(role)]


def lowest_role_with(name: str) -> Role:
    """Return a role that may, and that is not everybody's."""
    return next(role for role in reversed(Role) if is_allowed(role, name))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", PORTAL)
class TestPortal:
    @pytest.mark.parametrize("role", Role)
    def test_role_gets_what_its_rights_say(
        self,
        client_of: Callable[[str], Client],
        path_of: Callable[[str], str],
        workspace: Workspace,
        name: str,
        method: str,
        role: str,
    ) -> None:
        """S0-2 and S0-3: the answer, or a refusal that is recorded."""
        path = path_of(name)
        client = client_of(role)
        before = rows()
        expected = ROUTES[name].methods[method]
        if role == Role.MEMBER and method == "GET":
            expected = ROUTES[name].get_of_member or expected

        answer = client.generic(method, path)

        if is_allowed(role, name) or expected == 405:
            assert answer.status_code == expected
            assert not AuditEvent.objects.filter(action=SignIn.REFUSED).exists()
            return
        assert answer.status_code == 403
        event = AuditEvent.objects.get(action=SignIn.REFUSED)
        assert event.workspace == workspace
        assert event.actor_label == f"Somebody {role}"
        assert event.data == {"permission": PERMISSIONS[name], "path": path}
        assert rows() == before
        assert b"Acme Demo" not in answer.content

    def test_owner_of_another_tenant_finds_nothing(
        self,
        client_of: Callable[[str], Client],
        path_of: Callable[[str], str],
        name: str,
        method: str,
    ) -> None:
        path = path_of(name)
        before = rows()

        answer = client_of(OUTSIDER).generic(method, path)

        expected = ROUTES[name].methods[method]
        if expected != 405 and "{" in ROUTES[name].path:
            expected = 404
        assert answer.status_code == expected
        assert b"Acme Demo" not in b"".join(answer)
        if not ROUTES[name].is_own:
            assert rows() == before

    def test_anonymous_is_sent_to_the_login(
        self,
        client_of: Callable[[str], Client],
        path_of: Callable[[str], str],
        name: str,
        method: str,
    ) -> None:
        path = path_of(name)
        before = rows()

        answer = client_of(ANONYMOUS).generic(method, path)

        assert answer.status_code == 302
        assert answer["Location"] == f"/login/?next={path}"
        assert rows() == before

    def test_form_of_another_site_changes_nothing(
        self,
        alice: User,
        path_of: Callable[[str], str],
        name: str,
        method: str,
    ) -> None:
        path = path_of(name)
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        before = rows()

        answer = client.generic(
            method, path, headers={"origin": "https://evil.example"}
        )

        if method == "POST":
            assert answer.status_code == 403
        assert rows() == before


@pytest.mark.parametrize("name", PORTAL)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_only_post_changes_anything(
    client_of: Callable[[str], Client],
    path_of: Callable[[str], str],
    name: str,
    method: str,
) -> None:
    path = path_of(name)
    client = client_of(Role.OWNER)
    before = rows()

    for headers in ({}, {"hx-request": "true"}):
        client.generic(method, path, headers=headers)

    assert rows() == before


@pytest.mark.parametrize("who", [*Role, OUTSIDER, ANONYMOUS])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", [n for n, r in ROUTES.items() if r.is_public])
def test_public_routes_answer_everybody(
    client_of: Callable[[str], Client], name: str, method: str, who: str
) -> None:
    route = ROUTES[name]
    expected = {
        ("logout/", "GET", True): 302,
        # Whoever is logged in has no use for the form.
        ("login/", "GET", False): 302,
        ("login/", "POST", False): 302,
    }.get((name, method, who == ANONYMOUS), route.methods[method])

    answer = client_of(who).generic(method, route.path)

    assert answer.status_code == expected


@pytest.mark.parametrize("name", [n for n in PORTAL if PERMISSIONS[n] is not None])
def test_role_that_is_taken_away_is_gone_on_the_next_request(
    client_of: Callable[[str], Client], path_of: Callable[[str], str], name: str
) -> None:
    """S0-7."""
    path = path_of(name)
    method = "GET" if ROUTES[name].get else "POST"
    role = lowest_role_with(name)
    client = client_of(role)
    membership = Membership.objects.get(role=role, user__name=f"Somebody {role}")
    assert client.generic(method, path).status_code < 400 or method == "POST"

    membership.role = Role.MEMBER
    membership.save()

    assert client.generic(method, path).status_code == 403


@pytest.mark.parametrize("name", PORTAL)
def test_membership_that_ends_is_gone_on_the_next_request(
    client_of: Callable[[str], Client], path_of: Callable[[str], str], name: str
) -> None:
    path = path_of(name)
    method = "GET" if ROUTES[name].get else "POST"
    client = client_of(Role.SUPER_ADMIN)
    Membership.objects.get(role=Role.SUPER_ADMIN).delete()

    answer = client.generic(method, path)

    assert answer.status_code == 403
    assert b"You are in no workspace" in answer.content


def test_menu_has_no_entry_for_those_who_may_not(
    client_of: Callable[[str], Client], integration: Integration
) -> None:
    """S0-3: neither the menu entry nor the page."""
    refused = client_of(Role.MEMBER).get("/integrations/")
    allowed = client_of(Role.ADMIN).get("/integrations/")

    assert b'class="nav-item"' not in refused.content
    assert b'href="/integrations/"' not in refused.content
    assert b'href="/integrations/"' in allowed.content


def test_refusal_names_the_roles_that_may(
    client_of: Callable[[str], Client], workspace: Workspace
) -> None:
    content = client_of(Role.MEMBER).get("/integrations/").content.decode()

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


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Return what the database holds, but for sessions, logins and refusals."""
    unrelated = {
        "django_session",
        "workspaces_auditevent",
        "workspaces_user",
        "workspaces_membership",
        "axes_accesslog",
    }
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in unrelated:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                found[table] = sorted(cursor.fetchall(), key=repr)
    return found


def test_login_is_asked_for_by_default() -> None:
    middleware = "workspaces.middleware.SignInFirst"

    assert middleware in settings.MIDDLEWARE
