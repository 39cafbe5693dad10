"""Keys change while people work: nothing becomes unreadable."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from integrations.models import Integration, ServiceAccount
from tests import factories
from tests.audit_log import as_its_owner
from tests.conftest import ScimClient, scim_client
from tests.operations import processes
from tokens import key_change, services
from workspaces import audit_chain, key_rotation, sealed, secrets
from workspaces.clock import database_now
from workspaces.key_ring import KeyRing, in_order, in_use
from workspaces.models import AuditChain, Directory, User, Workspace

OLD, NEW = b"o" * 32, b"n" * 32
RINGS = {1: OLD, 2: NEW}
READS = 10_000
ACCOUNTS = 120
DIES_AT_40 = """
import os, signal, django
django.setup()
from workspaces import key_rotation
def told(done):
    if done == 40:
        os.kill(os.getpid(), signal.SIGKILL)
key_rotation.seal_anew(told)
"""


@pytest.fixture
def old_keys(settings: Settings) -> Settings:
    settings.KEYWAY_ENCRYPTION_KEYS = {1: OLD}
    settings.KEYWAY_TOKEN_KEYS = {1: OLD}
    return settings


@pytest.fixture
def accounts(transactional_db: None, old_keys: Settings) -> list[ServiceAccount]:
    first = factories.ServiceAccountFactory()
    made = []
    for number in range(ACCOUNTS):
        account = ServiceAccount(
            workspace=first.workspace,
            app=first.app,
            name=f"many-{number}",
            username="svc",
            secret_set_at=database_now(),
        )
        account.sealed_secret = secrets.encrypt(
            f"secret {number}", account.secret_address
        )
        made.append(account)
    ServiceAccount.objects.bulk_create(made)
    return [first, *made]


class Readers:
    """Threads that read and open secrets all the while, and count."""

    def __init__(self) -> None:
        self.reads = 0
        self.failures: list[str] = []
        self.stop = threading.Event()
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self._read) for _ in range(2)]

    def __enter__(self) -> Readers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def wait(self) -> None:
        """Wait until there were READS of them."""
        assert self.enough.wait(processes.SECONDS), f"{self.reads} reads only"

    def _read(self) -> None:
        try:
            while not self.stop.wait(0.01):
                for account in ServiceAccount.objects.select_related("workspace"):
                    try:
                        secrets.decrypt(account.sealed_secret, account.secret_address)
                    except secrets.UnreadableSecret as error:
                        self.failures.append(str(error))
                    self.reads += 1
                if self.reads >= READS:
                    self.enough.set()
        finally:
            connections.close_all()


def under(number: int) -> int:
    return ServiceAccount.objects.filter(
        sealed_secret__startswith=f"v1.{number}."
    ).count()


def test_f42_killed_in_the_middle_it_goes_on_and_no_read_fails(
    accounts: list[ServiceAccount], settings: Settings
) -> None:
    settings.KEYWAY_ENCRYPTION_KEYS = KeyRing(RINGS, marked=1)
    ring = {"KEYWAY_ENCRYPTION_KEYS": processes.ring_text(RINGS)}
    with Readers() as readers:
        processes.killed(DIES_AT_40, **ring)
        after_kill = under(2)

        done = processes.run("rotate_keys", **ring)
        readers.wait()

    assert after_kill == 40
    assert done.returncode == 0, done.stderr
    assert under(2) == len(accounts)
    assert readers.failures == []
    assert readers.reads >= READS


def test_f42_process_with_the_former_mark_reads_what_is_sealed_anew(
    db: None, old_keys: Settings
) -> None:
    """F42: an old worker goes on; the key came to it before anybody used it."""
    account = factories.ServiceAccountFactory()
    old_keys.KEYWAY_ENCRYPTION_KEYS = dict(RINGS)
    call_command("rotate_keys", stdout=StringIO())
    account.refresh_from_db()
    assert account.sealed_secret.startswith("v1.2.")

    old_keys.KEYWAY_ENCRYPTION_KEYS = KeyRing(RINGS, marked=1)

    opened = secrets.decrypt(account.sealed_secret, account.secret_address)
    assert opened == factories.SERVICE_PASSWORD
    assert secrets.encrypt("x", account.secret_address).startswith("v1.1.")


class TestDrop:
    @pytest.fixture(autouse=True)
    def rings(self, db: None, old_keys: Settings) -> None:
        self.account = factories.ServiceAccountFactory()
        old_keys.KEYWAY_ENCRYPTION_KEYS = dict(RINGS)

    def drop(self, ring: str, number: int) -> str:
        with pytest.raises(CommandError) as refused:
            call_command("rotate_keys", drop=(ring, str(number)))
        return str(refused.value)

    def test_f42_of_a_key_in_use_is_refused_with_what_uses_it(self) -> None:
        told = self.drop("KEYWAY_ENCRYPTION_KEYS", 1)

        assert "1 values of service account sealed_secret" in told

    def test_of_the_newest_is_refused(self) -> None:
        assert "Key 2 is in use" in self.drop("KEYWAY_ENCRYPTION_KEYS", 2)

    def test_of_a_key_that_is_not_there_says_so(self) -> None:
        assert "has no key 7" in self.drop("KEYWAY_ENCRYPTION_KEYS", 7)
        assert "KEYWAY_TOKEN_KEYS" in self.drop("KEYWAY_OTHER", 1)

    def test_goes_after_the_rotation(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("rotate_keys")

        call_command("rotate_keys", drop=("KEYWAY_ENCRYPTION_KEYS", "1"))

        assert "Remove it from KEYWAY_ENCRYPTION_KEYS" in capsys.readouterr().out

    def test_value_that_cannot_be_read_is_told_and_left(self) -> None:
        ServiceAccount.objects.update(sealed_secret="v1.9.AAAA")

        with pytest.raises(CommandError, match="1 values cannot be read"):
            call_command("rotate_keys", stdout=StringIO())

        self.account.refresh_from_db()
        assert self.account.sealed_secret == "v1.9.AAAA"


class Idps:
    """Threads that call SCIM all the while, each with a token of its own, and count."""

    def __init__(self, clients: list[ScimClient]) -> None:
        self.statuses: Counter[int] = Counter()
        self.stop = threading.Event()
        self.threads = [
            threading.Thread(target=self._call, args=[client]) for client in clients
        ]

    def __enter__(self) -> Idps:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until there were so many calls more."""
        enough = self.statuses.total() + more
        ends_at = time.monotonic() + processes.SECONDS
        while self.statuses.total() < enough:
            assert time.monotonic() < ends_at, self.statuses
            time.sleep(0.01)

    def _call(self, client: ScimClient) -> None:
        try:
            while not self.stop.is_set():
                self.statuses[client.get("/Users", count=1).status] += 1
        finally:
            connections.close_all()


def test_f43_no_request_fails_while_both_keys_are_changed(
    transactional_db: None, old_keys: Settings
) -> None:
    """F42 and F43, as the how-to says: known, then in use, then everything under it."""
    directory = factories.IntegrationFactory().directory
    clients = [scim_client(directory) for _ in range(4)]
    with Idps(clients) as idps:
        idps.wait_for(50)
        for ring in (KeyRing(RINGS, marked=1), dict(RINGS)):
            old_keys.KEYWAY_ENCRYPTION_KEYS = old_keys.KEYWAY_TOKEN_KEYS = ring
            idps.wait_for(50)
        call_command("rotate_keys", stdout=StringIO())
        while directory.tokens.filter(digest_key=1).exists():
            idps.wait_for(10)
        old_keys.KEYWAY_ENCRYPTION_KEYS = old_keys.KEYWAY_TOKEN_KEYS = {2: NEW}
        idps.wait_for(50)

    assert set(idps.statuses) == {200}
    assert {token.digest_key for token in directory.tokens.all()} == {2}


@pytest.fixture
def switched(old_keys: Settings, directory: Directory) -> Iterator[ScimClient]:
    """A client whose token was made under the former key."""
    client = scim_client(directory)
    old_keys.KEYWAY_TOKEN_KEYS = dict(RINGS)
    return client


class TestTokenKeys:
    def test_f43_token_works_and_is_renewed_when_it_is_used(
        self, switched: ScimClient
    ) -> None:
        assert switched.get("/Users").status == 200

        token = switched.directory.tokens.get()
        assert token.digest_key == 2
        assert switched.get("/Users").status == 200

    def test_renewal_costs_one_query_once(self, switched: ScimClient) -> None:
        switched.get("/Users")
        before = len(connection.queries_log)
        switched.get("/Users")

        assert len(connection.queries_log) == before

    def test_f43_kept_token_is_renewed_at_once(
        self, old_keys: Settings, directory: Directory
    ) -> None:
        directory.reveal_rule = Directory.RevealRule.AFTER_CONFIRMATION
        directory.save()
        issued = factories.issue_token(directory)
        old_keys.KEYWAY_TOKEN_KEYS = dict(RINGS)

        assert key_change.renew_kept(now=database_now()) == 1

        old_keys.KEYWAY_TOKEN_KEYS = {2: NEW}
        assert ScimClient(directory, issued.plaintext).get("/Users").status == 200

    def test_live_token_keeps_the_former_key(self, switched: ScimClient) -> None:
        key_rotation.note_keys_in_use()
        later = database_now() + timedelta(hours=2)

        (reason,) = key_rotation.reasons_to_keep("KEYWAY_TOKEN_KEYS", 1, now=later)
        assert "1 live tokens have not been used" in reason
        assert switched.token not in reason

        switched.get("/Users")
        assert key_rotation.reasons_to_keep("KEYWAY_TOKEN_KEYS", 1, now=later) == []

    def test_revoked_token_keeps_nothing(self, switched: ScimClient) -> None:
        key_rotation.note_keys_in_use()
        token = switched.directory.tokens.get()
        services.revoke(token, actor=None, now=database_now())
        later = database_now() + timedelta(hours=2)

        assert key_rotation.reasons_to_keep("KEYWAY_TOKEN_KEYS", 1, now=later) == []

    def test_codes_of_the_last_hour_keep_it(self, switched: ScimClient) -> None:
        switched.get("/Users")
        assert "Run rotate_keys first" in "".join(
            key_rotation.reasons_to_keep("KEYWAY_TOKEN_KEYS", 1, now=database_now())
        )
        key_rotation.note_keys_in_use()

        assert "last hour" in "".join(
            key_rotation.reasons_to_keep("KEYWAY_TOKEN_KEYS", 1, now=database_now())
        )

    def test_pruned_log_is_signed_anew(
        self, old_keys: Settings, workspace: Workspace, integration: Integration
    ) -> None:
        audit_chain.seal(workspace.pk)
        with as_its_owner():
            audit_chain.prune(workspace, before=database_now() + timedelta(days=1))
        old_keys.KEYWAY_TOKEN_KEYS = dict(RINGS)
        assert audit_chain.pruned_under(1) == 1

        assert key_rotation.sign_anew() == 1

        assert audit_chain.pruned_under(1) == 0
        old_keys.KEYWAY_TOKEN_KEYS = {2: NEW}
        assert list(audit_chain.verify(workspace)) == []
        assert AuditChain.objects.get(workspace=workspace).pruned["key"] == 2


def test_f43_sessions_survive_a_new_secret_key(
    alice: User, workspace: Workspace, settings: Settings
) -> None:
    client = Client()
    client.force_login(alice)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" * 10

    assert client.get("/security/").status_code == 200


class TestRing:
    def test_highest_is_in_use_unless_another_is_marked(self) -> None:
        assert in_use({1: OLD, 2: NEW}) == 2
        assert in_use(KeyRing(RINGS, marked=1)) == 1
        assert in_order(KeyRing({**RINGS, 3: NEW}, marked=2)) == [2, 3, 1]


def test_every_sealed_column_is_registered() -> None:
    found = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name.startswith("sealed_")
    }

    assert {(column.model, column.name) for column in sealed.columns()} == found


class TestWithoutTheKey:
    """F45: starts and says so; nothing secret comes out."""

    def test_f45_reads_fail_closed(
        self, scim: ScimClient, integration: Integration, settings: Settings
    ) -> None:
        settings.KEYWAY_ENCRYPTION_KEYS = {5: NEW}
        settings.KEYWAY_TOKEN_KEYS = {5: NEW}
        account = integration.service_account

        assert scim.get("/Users").status == 401
        with pytest.raises(secrets.UnreadableSecret) as refused:
            secrets.decrypt(account.sealed_secret, account.secret_address)
        assert factories.SERVICE_PASSWORD not in str(refused.value)

    def test_f45_readyz_says_what_is_missing(
        self, client: Client, integration: Integration, settings: Settings
    ) -> None:
        settings.KEYWAY_ENCRYPTION_KEYS = {5: NEW}

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert b"KEYWAY_ENCRYPTION_KEYS" in answer.content
