"""The commands that an operator types."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import App, Integration, Provisioning
from scim.models import Resource
from scim.simulation import DIALECTS, PARTS
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from tokens import credential
from tokens.audit import Action
from tokens.models import ScimToken
from workspaces.audit import SignIn
from workspaces.clock import database_now
from workspaces.demo import EMAIL, make_demo_login
from workspaces.models import (
    AuditEvent,
    Directory,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

__all__ = ["outside", "outside_process"]


def run(*arguments: str, **options: Any) -> str:
    """Return what a command writes to standard output."""
    written = StringIO()
    call_command(*arguments, stdout=written, stderr=StringIO(), **options)
    return written.getvalue()


def works(directory: Directory, token: str) -> bool:
    return ScimClient(directory, token).get("/Users").status == 200


class TestGenerateToken:
    def test_prints_the_value_and_where_it_opens_what(
        self, integration: Integration
    ) -> None:
        shown = run("generate_token", "--workspace", "acme").splitlines()

        values = dict(line.rsplit(maxsplit=1) for line in shown)
        assert values["SCIM Gateway URL"] == integration.directory.base_url
        assert works(integration.directory, values["Token"])
        assert "Expires" in values

    def test_warns_that_it_is_shown_once(self, integration: Integration) -> None:
        warned = StringIO()

        call_command(
            "generate_token", "--workspace=acme", stdout=StringIO(), stderr=warned
        )

        assert "only once" in warned.getvalue()

    def test_json(self, integration: Integration) -> None:
        shown = json.loads(run("generate_token", "--workspace=acme", "--json"))

        assert set(shown) == {"token", "base_url", "expires_at"}
        assert works(integration.directory, shown["token"])
        token = ScimToken.objects.get()
        assert token.expires_at is not None
        assert shown["expires_at"] == token.expires_at.isoformat()

    def test_takes_the_first_integration_unless_one_is_named(
        self, workspace: Workspace, integration: Integration
    ) -> None:
        second = factories.IntegrationFactory(workspace=workspace, name="A second")

        run("generate_token", "--workspace=acme")
        run("generate_token", "--workspace=acme", "--integration", "A second")

        directories = ScimToken.objects.order_by("id").values_list(
            "directory", flat=True
        )
        assert list(directories) == [integration.directory_id, second.directory_id]

    def test_directory_sync(self, integration: Integration) -> None:
        shown = json.loads(
            run("generate_token", "--workspace=acme", "--directory-sync", "--json")
        )

        token = ScimToken.objects.select_related("directory").get()
        assert token.directory.kind == Directory.Kind.DIRECTORY_SYNC
        assert shown["token"].startswith("kwd_")
        assert works(token.directory, shown["token"])
        assert not works(integration.directory, shown["token"])

    def test_name(self, integration: Integration) -> None:
        run("generate_token", "--workspace=acme", "--name", "Okta, production")

        assert ScimToken.objects.get().name == "Okta, production"

    def test_is_recorded(self, integration: Integration) -> None:
        run("generate_token", "--workspace=acme")

        event = AuditEvent.objects.get(action=Action.GENERATED)
        assert event.actor_label == "Keyway"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--workspace=nope"], "no such workspace. Known: acme"),
            (
                ["--workspace=acme", "--integration=nope"],
                "no such integration. Known: Acme Demo",
            ),
            (
                ["--workspace=acme", "--integration=Acme Demo", "--directory-sync"],
                "not allowed with",
            ),
            ([], "--workspace"),
        ],
        ids=["workspace", "integration", "both", "nothing"],
    )
    def test_says_what_is_wrong(
        self, integration: Integration, arguments: list[str], words: str
    ) -> None:
        with pytest.raises(CommandError, match=words):
            run("generate_token", *arguments)

        assert not ScimToken.objects.exists()

    def test_workspace_without_integrations_says_so(self, workspace: Workspace) -> None:
        with pytest.raises(CommandError, match="Known: none"):
            run("generate_token", "--workspace=acme")

    def test_integration_of_another_workspace_is_not_found(
        self, integration: Integration, other_integration: Integration
    ) -> None:
        with pytest.raises(CommandError, match="no such integration"):
            run("generate_token", "--workspace=acme", "--integration=Other Demo")


class TestRevokeToken:
    @pytest.mark.parametrize("part", ["key", "hint", "prefixed"])
    def test_ends_it_by_what_people_see(
        self, integration: Integration, part: str
    ) -> None:
        issued = factories.issue_token(integration.directory)
        named = {
            "key": issued.token.key,
            "hint": issued.token.hint,
            "prefixed": f"kwg_{issued.token.key}",
        }[part]

        shown = run("revoke_token", named)

        assert "is revoked." in shown
        assert issued.plaintext not in shown
        assert not works(integration.directory, issued.plaintext)

    def test_whole_value_works_too(self, integration: Integration) -> None:
        issued = factories.issue_token(integration.directory)

        shown = run("revoke_token", issued.plaintext)

        given = credential.parse(issued.plaintext)
        assert given is not None
        assert given.secret not in shown
        assert not works(integration.directory, issued.plaintext)

    def test_twice_says_so(self, integration: Integration) -> None:
        issued = factories.issue_token(integration.directory)
        run("revoke_token", issued.token.key)

        with pytest.raises(CommandError, match="revoked already"):
            run("revoke_token", issued.token.key)

    @pytest.mark.django_db
    def test_unknown_key_says_so(self) -> None:
        with pytest.raises(CommandError, match="no token with this key"):
            run("revoke_token", "kwg_nope")

    def test_others_live_on(self, integration: Integration) -> None:
        first = factories.issue_token(integration.directory)
        second = factories.issue_token(integration.directory)

        run("revoke_token", first.token.key)

        assert works(integration.directory, second.plaintext)


class TestProvisioningStatus:
    @pytest.fixture
    def row(self, scim: ScimClient) -> Provisioning:
        scim.add_user("Ann@acme.test")
        return Provisioning.objects.get()

    @pytest.mark.parametrize("name", ["Ann@acme.test", "ann@ACME.test"])
    def test_tells_the_state(self, row: Provisioning, name: str) -> None:
        shown = run("provisioning_status", "--workspace=acme", "--user-name", name)

        assert shown == "Provisioning awaiting, attempts 0\n"

    def test_tells_the_error(self, row: Provisioning) -> None:
        Provisioning.objects.update(
            state="update_failed", attempts=3, last_error="This name is taken."
        )

        text = run(
            "provisioning_status", "--workspace=acme", "--user-name=Ann@acme.test"
        )
        document = json.loads(
            run(
                "provisioning_status",
                "--workspace=acme",
                "--user-name=Ann@acme.test",
                "--json",
            )
        )

        assert text == "Update failed, attempts 3: This name is taken.\n"
        assert document == {
            "state": "Update failed",
            "attempts": 3,
            "error": "This name is taken.",
        }

    def test_tells_of_who_is_deleted(self, row: Provisioning, scim: ScimClient) -> None:
        assert scim.delete(f"/Users/{row.resource_id_public}").status == 204

        shown = run(
            "provisioning_status", "--workspace=acme", "--user-name=Ann@acme.test"
        )

        assert shown.startswith("Delete awaiting")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--workspace=acme", "--user-name=nobody"],
            ["--workspace=other", "--user-name=Ann@acme.test"],
        ],
        ids=["user", "workspace"],
    )
    def test_says_that_there_is_none(
        self, row: Provisioning, other_workspace: Workspace, arguments: list[str]
    ) -> None:
        with pytest.raises(CommandError, match="No user of this name"):
            run("provisioning_status", *arguments)


@pytest.mark.django_db
class TestLoadCatalog:
    def test_twice_changes_nothing(self) -> None:
        first = run("load_catalog")
        before = list(App.objects.order_by("pk").values())
        second = run("load_catalog")

        assert "added demo-app" in first
        assert "updated demo-app" in second
        assert list(App.objects.order_by("pk").values()) == before

    def test_renews_what_was_changed_and_keeps_what_the_operator_chose(self) -> None:
        run("load_catalog")
        App.objects.update(manifest={}, name="x", is_offered=False)

        run("load_catalog")

        app = App.objects.get(slug="demo-app")
        assert app.manifest["slug"] == "demo-app"
        assert app.name == "Demo app"
        assert app.is_offered is False


@pytest.mark.django_db
class TestSeedDemo:
    @pytest.fixture(autouse=True)
    def own_folder(self, settings: Settings, tmp_path: Path) -> Path:
        settings.VAR_DIR = tmp_path / "var"
        return tmp_path

    def test_makes_two_workspaces_and_their_owner(self) -> None:
        run("load_catalog")
        run("seed_demo", app_url="http://127.0.0.1:9001")

        assert set(Workspace.objects.values_list("slug", flat=True)) == {"demo", "acme"}
        owner = User.objects.get(email=EMAIL)
        assert owner.check_password(make_demo_login().password)
        assert set(Membership.objects.values_list("user", "role")) == {
            (owner.pk, Role.OWNER)
        }
        assert set(Integration.objects.values_list("base_url", flat=True)) == {
            "http://127.0.0.1:9001"
        }
        assert Job.objects.filter(kind="integrations.sync").count() == 2

    def test_twice_keeps_what_is_there(self) -> None:
        run("load_catalog")
        run("seed_demo", app_url="http://127.0.0.1:9001")
        integration = Integration.objects.get(workspace__slug="acme")
        issued = factories.issue_token(integration.directory)
        scim = ScimClient(integration.directory, issued.plaintext)
        scim.add_user()
        User.objects.filter(email=EMAIL).update(name="Renamed")
        login = make_demo_login()

        run("load_catalog")
        run("seed_demo", app_url="http://127.0.0.1:9002")

        assert Workspace.objects.count() == Integration.objects.count() == 2
        assert Directory.objects.count() == 4
        assert User.objects.get().name == "Renamed"
        assert make_demo_login() == login
        assert scim.get("/Users").body["totalResults"] == 1
        integration.refresh_from_db()
        assert integration.base_url == "http://127.0.0.1:9002"

    def test_login_is_for_the_owner_of_the_file_only(self, own_folder: Path) -> None:
        login = make_demo_login()

        file = own_folder / "var" / "demo-login.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert login.password not in repr(login)
        assert login.service_password not in repr(login)

    def test_is_for_development_only(self, settings: Settings) -> None:
        settings.DEVELOPMENT = False

        with pytest.raises(CommandError, match="development only"):
            run("seed_demo")

        assert not Workspace.objects.exists()

    def test_without_the_catalog_says_what_to_do_first(self) -> None:
        with pytest.raises(CommandError, match="load_catalog"):
            run("seed_demo")


@pytest.mark.django_db(transaction=True)
class TestSimulateIdp:
    @pytest.fixture
    def target(self, live_server: LiveServer, settings: Settings) -> tuple[str, str]:
        settings.KEYWAY_PUBLIC_URL = live_server.url
        integration = factories.IntegrationFactory()
        issued = factories.issue_token(integration.directory)
        return integration.directory.base_url, issued.plaintext

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_joiner_and_mover(self, target: tuple[str, str], dialect: str) -> None:
        shown = run(
            "simulate_idp", *target, f"--dialect={dialect}", "--user-name=kim@x.test"
        )

        assert "Done." in shown
        user = Resource.objects.get(resource_type="User")
        assert user.user_name_key == "kim@x.test"
        assert user.active is True
        groups = Resource.objects.filter(resource_type="Group")
        # Google sends no groups.
        expected = [] if dialect == "google" else ["Engineering"]
        assert [group.label for group in groups] == expected

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_whole_life(self, target: tuple[str, str], dialect: str) -> None:
        parts = [f"--part={part}" for part in PARTS]

        shown = run("simulate_idp", *target, f"--dialect={dialect}", *parts)

        assert "Done." in shown
        user = Resource.objects.filter(resource_type="User").first()
        assert user is None or user.active is False

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_twice(self, target: tuple[str, str], dialect: str) -> None:
        for _ in range(2):
            assert "Done." in run("simulate_idp", *target, f"--dialect={dialect}")

        assert Resource.objects.filter(resource_type="User").count() == 1

    def test_shows_each_step_and_no_token(self, target: tuple[str, str]) -> None:
        shown = run("simulate_idp", *target)

        assert "POST" in shown
        assert "201" in shown
        assert target[1] not in shown

    def test_trailing_slash_is_fine(self, target: tuple[str, str]) -> None:
        assert "Done." in run("simulate_idp", f"{target[0]}/", target[1])

    def test_wrong_token_stops_with_the_reason(self, target: tuple[str, str]) -> None:
        with pytest.raises(CommandError, match="The IdP stops here: The bearer token"):
            run("simulate_idp", target[0], "kwg_nonsense")

        assert not Resource.objects.exists()

    def test_server_that_is_away_is_named(self) -> None:
        with pytest.raises(CommandError, match="9/scim does not answer"):
            run("simulate_idp", "http://127.0.0.1:9/scim", "kwg_nonsense")


class TestWorker:
    def test_until_idle_does_all_that_is_due(
        self, workspace: Workspace, outside: Outside
    ) -> None:
        account = factories.ServiceAccountFactory(
            workspace=workspace, secret=outside.password
        )
        integration = factories.IntegrationFactory(
            workspace=workspace, service_account=account, base_url=outside.base_url
        )
        issued = factories.issue_token(integration.directory)
        scim = ScimClient(integration.directory, issued.plaintext)
        for number in range(5):
            scim.add_user(f"person{number}@acme.test")

        run("worker", "--until-idle")

        states = set(Provisioning.objects.values_list("state", flat=True))
        assert states == {Provisioning.State.ONBOARDED}
        assert {f"person{number}@acme.test" for number in range(5)} <= set(
            outside.users()
        )

    @pytest.mark.django_db
    def test_until_idle_with_nothing_to_do_ends(self) -> None:
        assert run("worker", "--until-idle") == ""

    def test_until_idle_leaves_what_is_not_due(
        self, scim: ScimClient, integration: Integration
    ) -> None:
        scim.add_user()

        run("worker", "--until-idle")

        job = Job.objects.get()
        assert job.state == Job.State.RETRYING
        assert job.due_at > database_now()


def test_audit_of_commands_is_no_session(
    integration: Integration, capsys: Callable[..., object]
) -> None:
    run("generate_token", "--workspace=acme")

    assert not AuditEvent.objects.filter(action__in=list(SignIn)).exists()
