"""Commands and programs of the other pages: what they are given is taken."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.management import get_commands, load_command_class
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from config.cli.commands import keyway
from integrations.models import Integration
from tests import factories
from tests.documentation.pages import DOCS, ROOT, Shell, blocks, require
from tokens.oauth import clients
from workspaces.clock import database_now
from workspaces.models import User

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])


def test_every_command_of_a_page_takes_its_options() -> None:
    unknown = []
    for page in PAGES:
        for name, given in re.findall(r"manage\.py (\w+)([^`>|\n]*)", page.read_text()):
            command = load_command_class(get_commands()[name], name)
            actions = command.create_parser("manage.py", name)._actions
            known = {option for action in actions for option in action.option_strings}
            options = {word for word in shlex.split(given) if word.startswith("--")}
            unknown += [f"{page.name}: {name} {more}" for more in options - known]

    assert unknown == []


def test_every_keyway_command_of_a_page_takes_its_options() -> None:
    lines = [
        line
        for page in PAGES
        for text in blocks(page, "sh")
        for line in re.findall(r"(?:^|\()keyway ([^)\n]+)", text, re.MULTILINE)
    ]

    # Whatever is wrong with the words before it, --help does not answer.
    refused = [
        line
        for line in lines
        if CliRunner().invoke(keyway, [*shlex.split(line), "--help"]).exit_code
    ]

    assert len(lines) > 10
    assert refused == []


@pytest.mark.django_db(transaction=True)
def test_digest_of_the_page_is_that_of_the_export(
    alice_client: Client, integration: Integration
) -> None:
    factories.issue_token(integration.directory)
    [example] = blocks(DOCS / "reference/audit.md", "python")
    names: dict[str, Any] = {}
    exec(example, names)

    exported = alice_client.get(reverse("workspaces:audit_export_lines")).getvalue()

    previous = ""
    for line in map(json.loads, reversed(exported.splitlines())):
        assert names["digest_of"](line, previous) == line["digest"]
        previous = line["digest"]
    assert previous


def test_check_of_a_token_on_the_page_runs() -> None:
    [example] = blocks(DOCS / "reference/token-format.md", "python")

    exec(example, {})


@pytest.mark.django_db(transaction=True)
def test_token_that_leaked_is_handed_in_as_on_the_page(
    integration: Integration, live_server: LiveServer, tmp_path: Path
) -> None:
    require("curl")
    issued = factories.issue_token(integration.directory)
    stand_for = {
        "https://keyway.example": live_server.url,
        "kwg_…": issued.plaintext,
    }
    [example] = blocks(DOCS / "reference/token-format.md", "sh")

    Shell(tmp_path, stand_for, {}).run(example)

    issued.token.refresh_from_db()
    assert issued.token.leaked_at is not None


@pytest.mark.django_db(transaction=True)
def test_client_of_the_page_gets_an_access_token(
    alice: User, integration: Integration, live_server: LiveServer, tmp_path: Path
) -> None:
    require("curl")
    issued = clients.add_with_secret(
        integration.directory, name="entra", actor=alice, now=database_now()
    )
    stand_for = {
        "https://keyway.example": live_server.url,
        "CLIENT_ID": issued.secret.client.key,
        "CLIENT_SECRET": issued.plaintext,
        "KEY": integration.directory.key,
    }
    [example] = blocks(DOCS / "howto/oauth-client-credentials.md", "sh")

    answer = json.loads(Shell(tmp_path, stand_for, {}).run(example))

    assert answer["access_token"].startswith("kwo_")


def test_key_that_is_made_as_the_page_says_has_256_bits() -> None:
    page = (DOCS / "howto/production.md").read_text()
    [command] = re.findall(r"Make each key with `([^`]+)`", page)

    made = subprocess.run(shlex.split(command), capture_output=True, check=True)

    assert len(base64.b64decode(made.stdout)) == 32


def test_every_json_example_is_json() -> None:
    for page in PAGES:
        for text in blocks(page, "json"):
            is_part = not text.startswith(("{", "["))
            json.loads(f"{{{text}}}" if is_part else text)
