"""A database of an earlier version is brought up to date, and everything goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from django.db import connection

from tests.operations import processes
from tests.operations.databases import empty_database

DUMP = Path(__file__).parents[1] / "upgrade" / "0.1.0-dev1.sql"
"""Made at the commit 5fa5a1d through services and SCIM, under the keys of the tests."""

POSTGRES_DUMP = DUMP.with_name("0.1.0-dev1.postgresql.sql")
"""By pg_dump, at the same commit: the tables as it migrates them, and the same rows."""

TOKEN = "kwg_Kmh1g6Yu2MC1uREtthRAWspM5slb7UeArb7grouEqaZVS5gfyHX2tp43RZ6DE"
GO_ON = """
import json, os, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("load_catalog", verbosity=0)
from django.test import Client
from integrations.models import Integration, Provisioning
from workspaces import append_only, audit_chain, secrets
from workspaces.models import Workspace
client = Client()
integration = Integration.objects.get()
base = integration.directory.path
headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
users = client.get(base + "/Users", headers=headers)
groups = client.get(base + "/Groups", headers=headers).json()
made = client.post(
    base + "/Users", json.dumps({"userName": "dan@acme.test"}),
    content_type="application/scim+json", headers=headers,
)
login = client.post(
    "/login/",
    {"username": "alice@acme.test", "password": "correct horse battery staple"},
)
account = integration.service_account
audit_chain.seal(integration.workspace_id)
print(json.dumps({
    "users": sorted(user["userName"] for user in users.json()["Resources"]),
    "members": [len(group["members"]) for group in groups["Resources"]],
    "made": made.status_code,
    "login": login.status_code,
    "page": client.get("/integrations/").status_code,
    "secret": secrets.decrypt(account.sealed_secret, account.secret_address),
    "provisionings": Provisioning.objects.count(),
    "faults": [str(f) for f in audit_chain.verify(Workspace.objects.get(slug="acme"))],
    "unguarded": sorted(append_only.missing()),
}))
"""


def load(url: str) -> None:
    """Fill an empty database with the earlier version's."""
    if connection.vendor == "postgresql":
        with psycopg.connect(url) as server:
            server.execute(POSTGRES_DUMP.read_bytes())
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as old:
        old.executescript(DUMP.read_text())


def test_database_of_an_earlier_version_goes_on(tmp_path: Path, db: None) -> None:
    with empty_database(tmp_path) as url:
        load(url)

        done = processes.python(
            GO_ON,
            DATABASE_URL=url,
            DJANGO_SETTINGS_MODULE="tests.settings",
            TOKEN=TOKEN,
        )

    assert json.loads(done.stdout.splitlines()[-1]) == {
        "users": ["ann@acme.test", "ben@acme.test", "cleo@acme.test"],
        "members": [2],
        "made": 201,
        "login": 302,
        "page": 200,
        "secret": "service-password-in-the-app",
        "provisionings": 4,
        "faults": [],
        "unguarded": [],
    }
