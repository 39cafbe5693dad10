"""Group names: what the IdP puts around the names of an app's groups."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from integrations import configuration, services
from integrations.audit import Action
from integrations.forms.settings import GeneralForm
from integrations.models import Integration
from integrations.syncing import group_matching
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import Outside
from tests.portal.words import read
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User

Work = Callable[..., None]
Sync = Callable[[], None]
ANN = "ann.lee@acme.test"


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def sync(integration: Integration, work: Work) -> Sync:
    def run() -> None:
        services.request_sync(integration, actor=None, now=database_now())
        work()

    return run


@pytest.fixture
def ann(scim: ScimClient) -> JSON:
    return scim.add_user(ANN)


def rename_groups(integration: Integration, **parts: str) -> bool:
    """Change the setting, as the page and the API do."""
    integration.refresh_from_db()
    present = GeneralForm(integration=integration).initial
    form = GeneralForm(present | parts, integration=integration)
    assert form.is_valid(), form.errors
    now = database_now()
    wish = form.wish()
    return configuration.change_general(integration, wish, actor=None, now=now)


def groups(scim: ScimClient) -> set[str]:
    return {group["displayName"] for group in scim.get("/Groups").resources}


def group_id(scim: ScimClient, name: str) -> str:
    (found,) = scim.get("/Groups", filter=f'displayName eq "{name}"').resources
    return str(found["id"])


def test_s0_70_groups_of_the_app_carry_what_the_idp_puts_around_them(
    integration: Integration,
    scim: ScimClient,
    ann: JSON,
    sync: Sync,
    outside: Outside,
) -> None:
    """S0-69: a group with the prefix is the app's, in any case; one without is not."""
    Integration.objects.update(group_prefix="APP-", group_suffix=" (demo)")
    scim.add_group("app-sales (DEMO)", ann["id"])
    scim.add_group("Support", ann["id"])

    sync()

    assert groups(scim) == {
        "APP-Engineering (demo)",
        "app-sales (DEMO)",
        "APP-Support (demo)",
        "Support",
    }
    assert ANN in outside.members("Sales")
    assert ANN not in outside.members("Support")


def test_change_matches_all_groups_anew(
    integration: Integration,
    scim: ScimClient,
    ann: JSON,
    sync: Sync,
    work: Work,
    outside: Outside,
) -> None:
    scim.add_group("Support", ann["id"])
    scim.add_group("APP-Sales", ann["id"])
    sync()
    published = group_id(scim, "Engineering")
    assert ANN in outside.members("Support")
    assert ANN not in outside.members("Sales")

    assert rename_groups(integration, group_prefix="APP-")
    work()

    assert groups(scim) == {"APP-Engineering", "APP-Sales", "APP-Support", "Support"}
    assert group_id(scim, "APP-Engineering") == published
    assert ANN in outside.members("Sales")
    assert ANN not in outside.members("Support")
    assert Job.objects.get(kind=group_matching.JOB).result == {
        "let_go": 1,
        "made": 1,
        "renamed": 1,
        "skipped": [],
    }
    sync()
    assert groups(scim) == {"APP-Engineering", "APP-Sales", "APP-Support", "Support"}


def test_group_that_the_idp_has_renamed_keeps_its_name(
    integration: Integration, scim: ScimClient, sync: Sync, work: Work
) -> None:
    sync()
    change = {"op": "replace", "path": "displayName", "value": "All engineers"}
    path = f"/Groups/{group_id(scim, 'Engineering')}"
    assert scim.patch(path, change).status == 200

    rename_groups(integration, group_prefix="APP-")
    work()

    assert groups(scim) == {"All engineers", "APP-Sales", "APP-Support"}


def test_second_change_before_the_first_is_done_begins_at_the_first_names(
    integration: Integration, scim: ScimClient, sync: Sync, work: Work
) -> None:
    sync()

    rename_groups(integration, group_prefix="AP-")
    rename_groups(integration, group_prefix="APP-", group_suffix="-x")
    work()

    assert groups(scim) == {"APP-Engineering-x", "APP-Sales-x", "APP-Support-x"}


def test_taken_name_is_left_out_and_said(
    integration: Integration, scim: ScimClient, sync: Sync, work: Work
) -> None:
    sync()
    path = f"/Groups/{group_id(scim, 'Sales')}"
    change = {"op": "replace", "path": "displayName", "value": "APP-Engineering"}
    scim.patch(path, change)

    rename_groups(integration, group_prefix="APP-")
    work()

    (said,) = Job.objects.get(kind=group_matching.JOB).result["skipped"]
    assert said.startswith("Group Engineering: ")
    assert groups(scim) == {"Engineering", "APP-Engineering", "APP-Support"}


class TestSetting:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        return f"/integrations/{integration.directory.key}/settings/general/"

    def save(self, client: Client, path: str, **parts: str) -> int:
        form = client.get(path).context["form"]
        values = {n: "" if v is None else v for n, v in form.initial.items()}
        return client.post(path, values | parts).status_code

    def test_is_saved_recorded_and_shown_by_an_example(
        self, alice_client: Client, alice: User, path: str
    ) -> None:
        assert "Developers at your IdP stands for Developers" in read(
            alice_client, path
        )

        assert self.save(alice_client, path, group_prefix="APP ") == 302

        assert Integration.objects.get().group_prefix == "APP "
        page = read(alice_client, path)
        assert "APP Developers at your IdP stands for Developers in the app." in page
        event = AuditEvent.objects.get(action=Action.SETTINGS_CHANGED)
        assert (event.actor, event.data) == (alice, {"changed": "group_prefix"})

    @pytest.mark.parametrize(
        ("typed", "status", "kept"),
        [("  ", 302, ""), ("a\tb", 422, ""), ("x" * 101, 422, ""), ("Ä-", 302, "Ä-")],
    )
    def test_is_checked(
        self, alice_client: Client, path: str, typed: str, status: int, kept: str
    ) -> None:
        assert self.save(alice_client, path, group_suffix=typed) == status

        assert Integration.objects.get().group_suffix == kept

    def test_is_not_asked_for_where_an_app_has_no_groups(
        self, integration: Integration
    ) -> None:
        integration.app.manifest["capabilities"]["entitlements"] = []

        fields = GeneralForm(integration=integration).fields

        assert not {"group_prefix", "group_suffix"} & fields.keys()
