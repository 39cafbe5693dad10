"""Signing in with canaille, a real OpenID provider: its pages, its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit
from uuid import UUID

import httpx2
import pytest
from django.test import Client

from integrations.connectors.base import Misconfigured
from integrations.desired import Connection
from tests import factories
from tests.integrations.connectors.manifests import on_loopback, small
from tests.real_apps.fixtures import _installed
from tests.real_apps.servers import REPOSITORY, free_port, running
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    EmailDomain,
    Membership,
    SignInLink,
    User,
    Workspace,
)

pytestmark = [pytest.mark.real_app, pytest.mark.django_db]

WORKSPACE = UUID("7a2c0f5e-0d9b-4c5e-9a57-0f3c1f6f2b11")
DOOR = f"/login/sso/{WORKSPACE}/"
SECRET, PASSWORD = "secret-of-the-client-1", "pass-of-bob-1"


@dataclass(frozen=True)
class Canaille:
    """A provider, and a browser at it."""

    issuer: str

    def sign_in(self, url: str, name: str) -> dict[str, str]:
        """Sign in on its pages; return what it sends back to Keyway."""
        with httpx2.Client(trust_env=False) as browser:
            answer = browser.get(url)
            for field, value in (("login", name), ("password", PASSWORD)):
                answer = self._follow(browser, answer)
                form = {"csrf_token": _csrf(answer), field: value, "answer": ""}
                answer = browser.post(answer.url, data=form)
            location = self._follow(browser, answer).headers["location"]
        return dict(parse_qsl(urlsplit(location).query))

    def _follow(
        self, browser: httpx2.Client, answer: httpx2.Response
    ) -> httpx2.Response:
        """Follow redirects for as long as they stay at the provider."""
        while answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if not target.startswith(self.issuer):
                return answer
            answer = browser.get(target)
        return answer


def _csrf(page: httpx2.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


@pytest.fixture(scope="session")
def canaille(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaille]:
    python = _installed("canaille")
    log = tmp_path_factory.mktemp("canaille") / "server.log"
    provider = Canaille(f"http://127.0.0.1:{free_port()}")
    with running(
        [str(python), str(REPOSITORY / "tests/real_apps/canaille/app.py")],
        ready_url=f"{provider.issuer}/.well-known/openid-configuration",
        env={
            "CANAILLE_PORT": provider.issuer.rpartition(":")[2],
            "CANAILLE_CLIENT_ID": "keyway",
            "CANAILLE_CLIENT_SECRET": SECRET,
            "CANAILLE_REDIRECT_URI": f"http://testserver{DOOR}callback/",
            "CANAILLE_PASSWORD": PASSWORD,
        },
        log=log,
    ):
        yield provider


@pytest.fixture
def acme(canaille: Canaille, alice: User, workspace: Workspace, bob: User) -> Workspace:
    """Acme, whose Owner typed what canaille's administrator told her."""
    Workspace.objects.update(public_id=WORKSPACE)
    now = database_now()
    EmailDomain.objects.create(
        workspace=workspace, name="acme.test", created_at=now, proven_at=now
    )
    owner = Client()
    owner.force_login(alice)
    saved = owner.post(
        "/settings/single-sign-on/",
        {
            "name": "canaille",
            "issuer": canaille.issuer,
            "client_id": "keyway",
            "client_secret": SECRET,
        },
    )
    assert saved.status_code == 302, saved.content.decode()
    return workspace


def come_in(client: Client, canaille: Canaille, name: str) -> None:
    page = client.get(DOOR).content.decode()
    url = unescape(re.search(r'content="0; url=([^"]+)"', page)[1])
    client.get(f"{DOOR}callback/", canaille.sign_in(url, name))


def test_member_signs_in(
    client: Client, canaille: Canaille, acme: Workspace, bob: User
) -> None:
    come_in(client, canaille, "bob")

    assert client.session["_auth_user_id"] == str(bob.pk)
    assert SignInLink.objects.get().subject == "bob"
    # canaille says when bob proved himself: it stands for the password.
    assert client.get("/security/passkeys/new/").status_code == 200


def test_who_is_no_member_does_not(
    client: Client, canaille: Canaille, acme: Workspace
) -> None:
    come_in(client, canaille, "eve")

    assert "_auth_user_id" not in client.session
    assert AuditEvent.objects.latest("id").data == {"reason": "no_member"}


def test_member_of_a_domain_that_is_not_proven_does_not(
    client: Client, canaille: Canaille, acme: Workspace
) -> None:
    eve = factories.UserFactory(email="eve@elsewhere.test")
    Membership.objects.create(workspace=acme, user=eve)

    come_in(client, canaille, "eve")

    assert "_auth_user_id" not in client.session
    assert AuditEvent.objects.latest("id").data == {"reason": "domain_not_proven"}


@pytest.mark.parametrize("secret", [SECRET, "secret-of-nobody-1"])
def test_gives_the_http_connector_a_token_for_client_credentials(
    canaille: Canaille, secret: str
) -> None:
    session = {"style": "client_credentials", "token_path": "/oauth/token"}
    connector = on_loopback(small(session=session))
    connection = Connection(canaille.issuer, "keyway", secret)
    with closing(connector.open(connection)) as talk:
        if secret == SECRET:
            talk.log_in()
        else:
            with pytest.raises(Misconfigured, match="client ID and client secret"):
                talk.log_in()
