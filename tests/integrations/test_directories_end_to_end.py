"""An IdP provisions into a real OpenLDAP and a real PostgreSQL, from the wizard on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.test import Client

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Session
from integrations.models import (
    App,
    AppCall,
    Integration,
    IntegrationDraft,
    Provisioning,
    ServiceAccount,
)
from integrations.outside import connections
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.conftest import work
from tests.real_apps.fixtures import OutsideApp
from tests.real_apps.role_database import GRANTABLE, role_database
from tests.real_apps.slapd import BASE, slapd
from workspaces.models import Workspace

__all__ = ["role_database", "slapd", "work"]

NEW = "/integrations/new/"
Place = tuple[str, OutsideApp, str]
Work = Callable[..., None]


@pytest.fixture(params=["openldap", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """An app of the catalog, where it runs, and its identifier."""
    if request.param == "openldap":
        return request.param, request.getfixturevalue("slapd"), BASE
    return request.param, request.getfixturevalue("role_database"), GRANTABLE


def app_of(slug: str) -> App:
    manifest = next(m for m in shipped_manifests() if m["slug"] == slug)
    return factories.AppFactory(slug=slug, connector=manifest["connector"])


def set_up(client: Client, place: Place, work: Work) -> Integration:
    """Go through the wizard, the service account included, and test and save."""
    slug, app, identifier = place
    about = {"name": slug, "app": app_of(slug).slug, "base_url": app.base_url}
    client.post(NEW, about | {"identifier": identifier})
    draft = IntegrationDraft.objects.get()
    client.post(
        f"/service-accounts/new/?draft={draft.public_id}",
        {
            "app": slug,
            "name": "svc",
            "base_url": app.base_url,
            "login_workflow": "password",
            "username": app.username,
            "password": app.password,
        },
    )
    account = ServiceAccount.objects.get()
    chosen = {"login_workflow": "password", "service_account": str(account.public_id)}
    for step, answers in (
        ("service-account", chosen),
        ("settings", {"on_unassign": "deactivate"}),
        ("check", {}),
    ):
        client.post(f"{NEW}{draft.public_id}/{step}/", answers)
    work()
    draft.refresh_from_db()
    assert draft.check_result["state"] == "passed", draft.check_result
    return Integration.objects.get()


@contextmanager
def in_the_app(integration: Integration) -> Iterator[Session]:
    with connections.open_session(integration) as session:
        yield session


@pytest.mark.real_app
@pytest.mark.django_db(transaction=True)
def test_s0_14_a_person_joins_and_leaves(
    place: Place, alice_client: Client, workspace: Workspace, work: Work
) -> None:
    """S0-14: set up in the portal, synced, then a user over SCIM, off again."""
    integration = set_up(alice_client, place, work)
    alice_client.post(f"/integrations/{integration.directory.key}/sync/")
    work()
    assert integration.entitlements.filter(kind="group").count() >= 2
    token = factories.issue_token(integration.directory).plaintext
    idp = ScimClient(integration.directory, token)

    made = idp.add_user("lee@example.com", name={"givenName": "Ann"})
    work()
    person = Provisioning.objects.get(user_name="lee@example.com")
    assert person.state == Provisioning.State.ONBOARDED, person.last_error
    with in_the_app(integration) as session:
        joined = session.find_account("lee@example.com")
    idp.patch(
        f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False}
    )
    work()
    with in_the_app(integration) as session:
        left = session.find_account("lee@example.com")

    assert joined is not None
    assert (joined.given_name, joined.active) == ("Ann", True)
    assert left is not None
    assert not left.active
    calls = AppCall.objects.filter(is_change=True)
    assert not [call for call in calls if call.is_failure]
    told = str(list(calls.values("path", "request_body", "error", "answer_body")))
    assert "lee@example.com" in told
    assert place[1].password not in told


class TestWords:
    """S0-20: the wizard asks in the app's own words."""

    pytestmark = pytest.mark.django_db

    def test_s0_20_address_and_login_have_the_apps_names(
        self, alice_client: Client
    ) -> None:
        app_of("openldap")

        fields = alice_client.get(f"{NEW}app-fields/?app=openldap&base_url=ldaps://x.y")
        account = alice_client.get("/service-accounts/new/?app=openldap")

        assert b"Address of the directory" in fields.content
        assert b"Base DN" in fields.content
        assert b'value="ldaps://x.y"' in fields.content
        assert b"Bind DN" in account.content

    @pytest.mark.parametrize(
        ("slug", "typed", "expected"),
        [
            ("openldap", "ldap.example.com", "ldaps://ldap.example.com"),
            (
                "openldap",
                "ldap://ldap.example.com:3890/",
                "ldap://ldap.example.com:3890",
            ),
            ("openldap", "https://ldap.example.com", ""),
            ("postgresql", "db.example.com/app", "postgresql://db.example.com/app"),
            ("postgresql", "ldap://db.example.com", ""),
            ("demo-app", "ldap://bi.example.com", ""),
        ],
    )
    def test_address_begins_as_the_app_is_spoken_to(
        self, alice_client: Client, slug: str, typed: str, expected: str
    ) -> None:
        answers = {"name": "x", "app": app_of(slug).slug, "base_url": typed}

        answer = alice_client.post(NEW, answers | {"identifier": "dc=example"})

        kept = IntegrationDraft.objects.values_list("answers__base_url", flat=True)
        assert list(kept) == ([expected] if expected else [])
        assert answer.status_code == (302 if expected else 422)
        if not expected:
            assert b"It begins with" in answer.content
