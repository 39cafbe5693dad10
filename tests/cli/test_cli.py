"""The `keyway` command line against the management API that really answers.

All tests but one call the product in this very thread, without a server between.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_django.live_server_helper import LiveServer

from config.cli import following
from config.cli.api import Api
from config.cli.commands import keyway
from config.cli.credentials import Credentials
from integrations.models import Integration
from scim import records
from tests import factories
from tests.cli.conftest import URL, Run
from tests.conftest import scim_client
from tokens.models import ScimToken
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import Job, Role, Workspace
from workspaces.permissions import Permission

ROOT = Path(__file__).resolve().parents[2]


class TestLogin:
    @pytest.mark.django_db(transaction=True)
    def test_keeps_the_token_where_only_its_owner_reads(
        self, home: Path, token: str, live_server: LiveServer
    ) -> None:
        made = CliRunner().invoke(
            keyway, ["login", "--url", f"{live_server.url}/"], input=f"{token}\n"
        )

        assert made.exit_code == 0, made.output
        assert "You are alice@acme.test in Acme." in made.output
        assert token not in made.output
        kept = home / "keyway" / "credentials.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        listed = CliRunner().invoke(keyway, ["integrations", "list"])
        assert listed.exit_code == 0, listed.output

        assert CliRunner().invoke(keyway, ["logout"]).output == "Forgotten.\n"
        assert not kept.exists()
        assert CliRunner().invoke(keyway, ["logout"]).output == "Nothing was kept.\n"

    def test_address_where_nobody_listens_is_told(self, home: Path) -> None:
        made = CliRunner().invoke(
            keyway, ["login", "--url", "http://127.0.0.1:9"], input="kwa_x"
        )

        assert (made.exit_code, "does not answer" in made.output) == (4, True)
        assert not (home / "keyway").exists()

    @pytest.mark.usefixtures("api")
    @pytest.mark.parametrize(
        ("url", "given", "code", "words"),
        [
            ("keyway.example.com", "kwa_x", 2, "is no address"),
            ("http://keyway.example.com", "kwa_x", 2, "Give an address with https"),
            (URL, "kwg_of-a-gateway", 2, "begins with kwa_"),
            (URL, "kwa_unknown", 3, "does not take this token"),
            (f"{URL}/token-format", "kwa_x", 4, "without a reason"),
        ],
    )
    def test_refuses_what_does_not_work_and_keeps_nothing(
        self, home: Path, url: str, given: str, code: int, words: str
    ) -> None:
        made = CliRunner().invoke(keyway, ["login", "--url", url], input=given)

        assert (made.exit_code, words in made.output) == (code, True), made.output
        assert given not in made.output
        assert not (home / "keyway").exists()

    @pytest.mark.parametrize(
        ("kept", "environment", "code"),
        [
            (None, {}, 3),
            ("no json", {}, 2),
            ("[]", {}, 2),
            ('{"url": 7, "token": ""}', {}, 2),
            (None, {"KEYWAY_URL": "https://keyway.example.com"}, 2),
        ],
    )
    def test_without_a_usable_token_nothing_is_sent(
        self, home: Path, kept: str | None, environment: dict[str, str], code: int
    ) -> None:
        if kept is not None:
            (home / "keyway").mkdir()
            (home / "keyway" / "credentials.json").write_text(kept)

        made = CliRunner().invoke(keyway, ["logs"], env=environment)

        assert made.exit_code == code, made.output


class TestIntegrations:
    def test_list_and_show(self, run: Run, integration: Integration) -> None:
        key = integration.directory.key

        listed = run("integrations", "list")
        shown = run("integrations", "show", key)

        head, row = listed.stdout.splitlines()
        assert head.split() == ["KEY", "NAME", "APP", "STATUS", "LAST", "SYNCED", "AT"]
        assert key in row
        assert "Acme Demo" in row
        assert f"/scim/{key}/v2" in shown.stdout

    def test_json_is_what_the_api_says(
        self, run: Run, integration: Integration
    ) -> None:
        listed = run("integrations", "list", "--output", "json")

        assert [row["name"] for row in json.loads(listed.stdout)] == ["Acme Demo"]

    def test_pages_are_put_together(
        self,
        workspace: Workspace,
        token: str,
        api: Callable[[Credentials], Api],
    ) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace)
        for _ in range(3):
            factories.IntegrationFactory(workspace=workspace, service_account=account)
        with api(Credentials(URL, token)) as calls:
            first = calls.get("/v1/integrations", limit="2")
            rows = list(calls.pages("/v1/integrations", size=2))

        assert first["nextCursor"]
        assert len(rows) == 3

    @pytest.mark.parametrize("key", ["unknown", "../members", "a?limit=1"])
    def test_unknown_one_is_told(self, run: Run, key: str) -> None:
        shown = run("integrations", "show", key)

        assert shown.exit_code == 1
        assert f"No integration has the key or the name {key}." in shown.stderr

    def test_another_tenants_is_not_there(
        self, run: Run, other_integration: Integration
    ) -> None:
        shown = run("integrations", "show", other_integration.directory.key)

        assert shown.exit_code == 1

    def test_what_could_steer_a_terminal_is_not_printed(
        self, run: Run, integration: Integration
    ) -> None:
        Integration.objects.update(name="a\x1b[2Jb")

        assert "\x1b" not in run("integrations", "list").stdout


class TestTokens:
    def test_value_is_alone_on_stdout_once(
        self, run: Run, integration: Integration
    ) -> None:
        key = integration.directory.key

        made = run("tokens", "generate", key)

        value = made.stdout.removesuffix("\n")
        assert re.fullmatch(r"kwg_\w+", value)
        assert value not in made.stderr
        assert "Shown once" in made.stderr
        scim = scim_client(integration.directory)
        scim.token = value
        assert scim.get("/Users").status == 200
        listed = run("tokens", "list", key)
        assert value not in listed.output
        assert ScimToken.objects.get(name="test").key in listed.stdout

    def test_rotate_and_revoke(self, run: Run, integration: Integration) -> None:
        key = integration.directory.key
        old = factories.issue_token(integration.directory).token

        made = run(
            "tokens", "rotate", key, old.key, "--overlap", "1h", "--output", "json"
        )
        new = json.loads(made.stdout)
        states = {
            row["id"]: row["state"]
            for row in json.loads(run("tokens", "list", key, "--output", "json").stdout)
        }
        asked = run("tokens", "revoke", key, new["id"], input="n\n")
        revoked = run("tokens", "revoke", key, new["id"], "--yes")

        assert new["token"].startswith("kwg_")
        assert states == {new["id"]: "active", old.key: "expiring"}
        assert asked.exit_code == 1
        assert revoked.stdout == "Revoked.\n"
        assert ScimToken.objects.get(key=new["id"]).revoked_at is not None

    def test_refusal_is_told_as_the_api_tells_it(
        self, run: Run, integration: Integration
    ) -> None:
        factories.issue_token(integration.directory)

        made = run("tokens", "generate", integration.directory.key)

        assert (made.exit_code, made.stdout) == (1, "")
        assert made.stderr.startswith("Error: ")

    def test_scope_that_is_missing_is_named(
        self, run: Run, workspace: Workspace, integration: Integration
    ) -> None:
        narrow = factories.issue_api_token(
            workspace, Role.OWNER, [Permission.VIEW_INTEGRATIONS]
        )

        made = run(
            "tokens",
            "generate",
            integration.directory.key,
            env={"KEYWAY_API_TOKEN": narrow.plaintext},
        )

        assert made.exit_code == 1
        assert "manage_tokens" in made.stderr

    def test_overlap_that_there_is_not_is_a_wrong_call(self, run: Run) -> None:
        made = run("tokens", "rotate", "key", "id", "--overlap", "2h")

        assert made.exit_code == 2
        assert "'7d'" in made.stderr


class TestSync:
    @pytest.mark.parametrize(
        ("error", "code"), [("", 0), ("The app cannot be reached.", 1)]
    )
    def test_wait_returns_at_the_end(
        self,
        run: Run,
        integration: Integration,
        monkeypatch: pytest.MonkeyPatch,
        error: str,
        code: int,
    ) -> None:
        steps = iter((_begin, _end if not error else lambda: _fail(error)))
        monkeypatch.setattr(following, "pause", lambda: next(steps)())

        made = run("sync", "start", integration.directory.key, "--wait")

        assert made.exit_code == code, made.output
        assert "not_completed" in made.stdout if error else "completed" in made.stdout
        assert error in made.stderr
        assert "Read users" in made.stderr

    def test_start_joins_the_one_that_waits(
        self, run: Run, integration: Integration
    ) -> None:
        key = integration.directory.key
        none_yet = run("sync", "status", key)

        ids = {
            json.loads(run("sync", act, key, "--output", "json").stdout)["id"]
            for act in ("start", "start", "status")
        }

        assert none_yet.exit_code == 1
        assert "No sync yet" in none_yet.stderr
        assert ids == {str(Job.objects.get(kind="integrations.sync").public_id)}


def _job() -> Job:
    return Job.objects.get(kind="integrations.sync")


def _begin() -> None:
    job = leases.claim(worker="test", now=database_now(), only=_job().public_id)
    assert job is not None
    leases.report_progress(job, phase="Read users", done=3, total=7)


def _end() -> None:
    leases.complete(_job(), None, now=database_now())


def _fail(error: str) -> None:
    leases.give_up(_job(), error, now=database_now())


class TestLogs:
    @pytest.fixture(autouse=True)
    def nothing_waits(self) -> Iterator[None]:
        records._waiting.clear()
        yield
        records._waiting.clear()

    def test_oldest_first(self, run: Run, integration: Integration) -> None:
        scim = scim_client(integration.directory)
        scim.get("/Users")
        scim.get("/Groups")
        records.flush()

        lines = run("logs").stdout.splitlines()

        asked = [line.split()[-1][-6:] for line in lines if " GET " in line]
        assert asked == ["/Users", "Groups"]

    def test_follow_goes_on_and_says_nothing_twice(
        self, run: Run, integration: Integration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim = scim_client(integration.directory)
        scim.get("/Users")
        records.flush()

        def more() -> None:
            monkeypatch.setattr(following, "pause", stop)
            scim.get("/Groups")
            records.flush()

        def stop() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(following, "pause", more)
        followed = run("logs", "--follow", "--output", "json")

        said = [json.loads(line)["what"] for line in followed.stdout.splitlines()]
        paths = [what[-7:] for what in said if what.startswith("GET")]
        assert paths == ["2/Users", "/Groups"]
        assert followed.exit_code == 0

    def test_follow_begins_with_as_many_as_are_asked_for(
        self, run: Run, integration: Integration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scim = scim_client(integration.directory)
        for path in ("/Users", "/Groups", "/Schemas"):
            scim.get(path)
            records.flush()

        def more() -> None:
            monkeypatch.setattr(following, "pause", stop)
            scim.get("/ResourceTypes")
            records.flush()

        def stop() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(following, "pause", more)
        followed = run("logs", "--follow", "--limit", "1", "--output", "json")

        said = [json.loads(line)["what"] for line in followed.stdout.splitlines()]
        assert [what.rpartition("/")[2] for what in said] == [
            "Schemas",
            "ResourceTypes",
        ]


def test_program_starts_from_the_shell_without_django(home: Path) -> None:
    code = (
        "import sys; from config.cli.commands import keyway; "
        "print('django' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )

    assert done.stdout == "False\n", done.stderr


def test_every_command_of_the_page_exists() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text()
    written = re.findall(r"^(?:\w+=\$\()?keyway ([^\n)]+)", page, re.MULTILINE)

    for line in written:
        words: Any = [word for word in line.split() if not word.startswith("-")]
        group: Any = keyway
        while words and hasattr(group, "commands"):
            group = group.commands[words.pop(0)]
        options = {name for p in group.params for name in p.opts}
        used = {word.split("=")[0] for word in line.split() if word.startswith("-")}
        assert used <= options, line
    assert len(written) >= 10
