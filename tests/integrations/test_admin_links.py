"""The Django admin: links, lists that stay cheap, and actions by the same services."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations import audit as integrations_audit
from integrations import services
from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.syncing import sync
from scim.models import Resource
from tests import factories
from tests.confirming import sign_in_verified
from tests.conftest import ScimClient
from tokens.audit import Action
from tokens.models import ScimToken
from workspaces import admin_base, audit
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User, Workspace

OURS = {"integrations", "scim", "tokens", "workspaces"}
TOKENS, JOBS = "/admin/tokens/scimtoken/", "/admin/workspaces/job/"


@pytest.fixture
def root(db: None, client: Client) -> Client:
    user = factories.UserFactory(
        email="root@keyway.test", name="Root", is_superuser=True
    )
    sign_in_verified(client, user)
    return client


def act(root: Client, path: str, action: str, *keys: int) -> str:
    """Choose rows and an action, and confirm it if it asks."""
    chosen = {"action": action, "_selected_action": list(keys), "confirmed": "1"}
    return root.post(path, chosen, follow=True).content.decode()


def test_every_list_can_be_searched_and_counts_no_further_than_people_page() -> None:
    ours = [a for m, a in admin.site._registry.items() if m._meta.app_label in OURS]

    for each in ours:
        assert each.search_fields, each
        assert issubclass(each.paginator, admin_base.BoundedPaginator), each
        assert not each.show_full_result_count, each
        assert not each.date_hierarchy, each


def test_count_ends_at_a_bound(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_base, "MOST_COUNTED", 3)
    for _ in range(5):
        audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
    rows = AuditEvent.objects.order_by("-id")

    assert Paginator(rows, 2).count >= 5
    assert admin_base.BoundedPaginator(rows, 2).count == 3


def test_list_costs_the_same_however_many_rows_it_has(
    root: Client, workspace: Workspace, integration: Integration
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert root.get(TOKENS).status_code == 200
        return len(queries)

    factories.issue_token(integration.directory)
    few = cost()
    for _ in range(5):
        other = factories.IntegrationFactory(workspace=workspace)
        factories.issue_token(other.directory)

    assert cost() == few


def test_rows_lead_to_what_they_belong_to_and_what_belongs_to_them(
    root: Client, integration: Integration
) -> None:
    factories.issue_token(integration.directory)
    directory = integration.directory

    in_list = root.get(TOKENS).content.decode()
    row = f"/admin/workspaces/directory/{directory.pk}/change/"
    of_directory = root.get(row).content.decode()
    filtered = f"{TOKENS}?directory__id__exact={directory.pk}"

    assert f'href="{row}"' in in_list
    assert f'href="{filtered}"' in of_directory
    assert f'href="/admin/workspaces/workspace/{directory.workspace_id}/change/' in (
        of_directory
    )
    assert root.get(filtered).context["cl"].result_count == 1


def test_times_have_their_zone_and_json_has_lines(
    root: Client, integration: Integration, scim: ScimClient
) -> None:
    scim.add_user("ann@acme.test")
    row = Resource.objects.get(user_name_key="ann@acme.test")

    page = root.get(f"/admin/scim/resource/{row.pk}/change/").content.decode()

    assert f"{row.created_at:%b %Y, %H:%M} UTC" in page
    assert "&quot;userName&quot;: &quot;ann@acme.test&quot;,\n" in page
    assert 'class="mark"' in page


def test_of_a_password_only_is_said_that_there_is_one(root: Client) -> None:
    me = User.objects.get(email="root@keyway.test")

    page = root.get(f"/admin/workspaces/user/{me.pk}/change/").content.decode()

    assert "A password is set." in page
    assert "salt" not in page
    assert "argon2" not in page


@pytest.mark.parametrize(
    "path",
    [
        "workspaces/auditevent/?action=workspaces.member.left",
        "workspaces/job/?kind=integrations.sync",
        "scim/requestrecord/?status=200&method=GET",
        "scim/resource/?resource_type=User",
        "scim/change/?resource_type=Group",
        "integrations/appentitlement/?kind=group",
    ],
)
def test_filters_of_big_tables_read_no_values_from_them(
    root: Client, integration: Integration, path: str
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert root.get(f"/admin/{path}").status_code == 200

    assert not any("DISTINCT" in query["sql"] for query in queries)


def test_extend_moves_the_end_and_says_who_did_it(
    root: Client, integration: Integration
) -> None:
    token = factories.issue_token(
        integration.directory, lifetime=timedelta(days=365)
    ).token
    before = token.expires_at
    assert before is not None

    page = act(root, TOKENS, "extend", token.pk)

    token.refresh_from_db()
    assert token.expires_at is not None
    assert (token.expires_at - before).days == 90
    assert "ends on" in page
    event = AuditEvent.objects.get(action=Action.CHANGED)
    assert (event.actor_label, event.workspace) == (
        "Root",
        integration.workspace,
    )


def test_regenerate_shows_the_new_value_in_this_answer_alone(
    root: Client, integration: Integration, scim: ScimClient
) -> None:
    old = ScimToken.objects.get()
    chosen = {"action": "regenerate", "_selected_action": [old.pk]}

    asked = root.post(TOKENS, chosen).content.decode()
    answer = root.post(TOKENS, {**chosen, "confirmed": "Regenerate"})

    page = answer.content.decode()
    new = ScimToken.objects.exclude(pk=old.pk).get()
    value = (
        page.partition('id="token-value"')[2].partition('value="')[2].partition('"')[0]
    )
    assert ScimClient(integration.directory, value).get("/Users").status == 200
    assert scim.get("/Users").status == 200
    assert "The old one works for 24 h." in asked
    assert "no-store" in answer["Cache-Control"]
    assert value not in root.get(TOKENS).content.decode()
    assert value not in str(list(AuditEvent.objects.values()))
    event = AuditEvent.objects.get(action=Action.REPLACED)
    assert (event.actor_label, event.data["replaced_by"]) == (
        "Root",
        new.key,
    )


def test_regenerate_refuses_two_tokens_and_one_that_has_ended(
    root: Client, integration: Integration
) -> None:
    tokens = [factories.issue_token(integration.directory).token for _ in range(2)]

    two = act(root, TOKENS, "regenerate", *[token.pk for token in tokens])
    act(root, TOKENS, "revoke", tokens[0].pk)
    ended = act(root, TOKENS, "regenerate", tokens[0].pk)

    assert "Choose one row." in two
    assert "has ended" in ended
    assert ScimToken.objects.count() == 2


def test_extend_refuses_what_has_ended(root: Client, integration: Integration) -> None:
    token = factories.issue_token(integration.directory).token
    act(root, TOKENS, "revoke", token.pk)

    assert "has ended" in act(root, TOKENS, "extend", token.pk)


def test_sync_is_cancelled_and_tried_again(
    root: Client, integration: Integration
) -> None:
    job = services.request_sync(integration, actor=None, now=database_now())

    cancelled = act(root, JOBS, "cancel", job.pk)
    twice = act(root, JOBS, "cancel", job.pk)
    again = act(root, JOBS, "retry", job.pk)

    job.refresh_from_db()
    assert "is cancelled." in cancelled
    assert "has ended" in twice
    assert "is tried again." in again
    assert job.state == Job.State.NOT_COMPLETED
    assert Job.objects.filter(kind=sync.JOB, state=Job.State.QUEUED).exists()
    actions = integrations_audit.Action
    event = AuditEvent.objects.get(action=actions.SYNC_CANCELLED)
    assert event.actor_label == "Root"
    assert AuditEvent.objects.filter(action=actions.SYNC_REQUESTED).exists()


def test_failed_provisioning_is_tried_again(
    root: Client, integration: Integration, scim: ScimClient
) -> None:
    scim.add_user()
    Provisioning.objects.update(last_error="The app answered 500.")
    job = Job.objects.get(kind=wanted.JOB)
    Job.objects.update(state=Job.State.NOT_COMPLETED)

    page = act(root, JOBS, "retry", job.pk)

    assert "is tried again." in page
    assert Job.objects.filter(kind=wanted.JOB, state=Job.State.QUEUED).exists()
    event = AuditEvent.objects.get(action=integrations_audit.Action.RETRY_REQUESTED)
    assert event.actor_label == "Root"


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_job_that_nobody_retries_or_cancels_says_so(
    root: Client, workspace: Workspace, action: str
) -> None:
    job = Job.objects.create(
        workspace=workspace,
        kind="tokens.tell_administrators",
        subject="x",
        trigger=Job.Trigger.WEB,
        due_at=database_now(),
    )

    assert "Only " in act(root, JOBS, action, job.pk)
