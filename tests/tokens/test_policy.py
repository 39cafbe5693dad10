"""The token policy: how long tokens live, however they are made."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests import factories
from tests.api.conftest import ApiClient
from tokens import api_tokens, policy, services, watch
from tokens.audit import Action
from tokens.errors import LivesTooLong, OverlapTooLong
from tokens.models import ScimToken
from tokens.policy_models import TokenPolicy
from tokens.services import Overlap
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.errors import NoLongerAllowed
from workspaces.models import (
    AuditEvent,
    Directory,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

DAY = timedelta(days=1)
PAGE = "/settings/token-policy/"


def set_policy(workspace: Workspace, **columns: object) -> TokenPolicy:
    return TokenPolicy.objects.create(workspace=workspace, **columns)


def given(**changes: object) -> dict[str, object]:
    return {
        "default_days": 90,
        "longest_days": 365,
        "longest_overlap_hours": 24,
        "remind_days": "14, 3",
        **changes,
    }


class TestRules:
    def test_s0_103_token_lives_two_years_unless_the_policy_says_less(
        self, directory: Directory
    ) -> None:
        at_first = factories.issue_token(directory).token
        set_policy(directory.workspace, default_days=30, longest_days=60)
        later = factories.issue_token(directory).token

        assert at_first.expires_at == at_first.created_at + 730 * DAY
        assert later.expires_at == later.created_at + 30 * DAY

    def test_longer_life_is_refused_wherever_it_is_asked_for(
        self, directory: Directory, alice: User, membership: Membership
    ) -> None:
        set_policy(directory.workspace, default_days=30, longest_days=60)
        token = factories.issue_token(directory).token
        now = database_now()

        with pytest.raises(LivesTooLong, match="at most 60 days"):
            factories.issue_token(directory, lifetime=61 * DAY)
        with pytest.raises(LivesTooLong):
            services.change(token, name="x", lifetime=61 * DAY, actor=alice, now=now)
        with pytest.raises(LivesTooLong):
            api_tokens.issue(
                membership,
                name="x",
                scopes=["view_members"],
                lifetime=61 * DAY,
                now=now,
            )

        token.refresh_from_db()
        assert (token.name, token.expires_at) == ("test", token.created_at + 30 * DAY)

    def test_longer_overlap_is_refused_and_none_is_always_allowed(
        self, directory: Directory, alice: User
    ) -> None:
        set_policy(directory.workspace, longest_overlap_hours=1)
        old = factories.issue_token(directory).token

        def rotate(overlap: Overlap) -> ScimToken:
            return services.rotate(
                directory, old, overlap=overlap, actor=alice, now=database_now()
            ).token

        with pytest.raises(OverlapTooLong, match="at most 1 h beside"):
            rotate(Overlap.DAY)
        assert ScimToken.objects.count() == 1
        assert rotate(Overlap.NOW)

    def test_policy_of_another_workspace_changes_nothing(
        self, directory: Directory, other_workspace: Workspace
    ) -> None:
        set_policy(other_workspace, default_days=1, longest_days=1)

        token = factories.issue_token(directory).token

        assert token.expires_at == token.created_at + 730 * DAY

    def test_api_says_what_the_policy_allows(
        self, directory: Directory, membership: Membership
    ) -> None:
        set_policy(directory.workspace, longest_overlap_hours=0)
        old = factories.issue_token(directory).token
        api = ApiClient(factories.issue_api_token(directory.workspace).plaintext)

        answer = api.post(
            f"/v1/integrations/{directory.key}/tokens/{old.key}/rotate",
            {"overlap": "7d"},
        )

        assert answer.status == 409
        assert "not at all beside its successor" in answer.body["detail"]

    def test_command_keeps_to_it(self, directory: Directory) -> None:
        set_policy(directory.workspace, default_days=30, longest_days=60)
        out = StringIO()
        options = {"workspace": directory.workspace.slug, "stdout": out}

        call_command("generate_token", days=45, stderr=StringIO(), **options)
        with pytest.raises(CommandError, match="at most 60 days"):
            call_command("generate_token", days=61, **options)

        token = ScimToken.objects.get()
        assert token.expires_at == token.created_at + 45 * DAY

    @pytest.mark.parametrize("days", [0, -1, 10**9])
    def test_command_refuses_what_is_no_life(
        self, directory: Directory, days: int
    ) -> None:
        with pytest.raises(CommandError, match="1 to 730"):
            call_command(
                "generate_token", workspace=directory.workspace.slug, days=days
            )

    def test_s0_108_reminders_come_on_the_days_of_the_policy(
        self, workspace: Workspace, directory: Directory
    ) -> None:
        set_policy(workspace, remind_days=[14, 3])
        token = factories.issue_token(directory, lifetime=60 * DAY).token
        reminded = []
        for left in (20, 13.5, 7, 2.5, 0.5):
            ScimToken.objects.filter(pk=token.pk).update(
                created_at=database_now() - 300 * DAY,
                expires_at=database_now() + left * DAY,
            )
            job = jobs.enqueue(
                watch.JOB,
                workspace=workspace,
                subject="x",
                trigger=Job.Trigger.SCHEDULE,
                now=database_now(),
            ).job
            reminded.append(watch.watch(job)["reminded"])

        assert reminded == [0, 1, 0, 1, 0]


class TestPage:
    def test_owner_changes_it_and_the_log_says_so_once(
        self, alice_client: Client, alice: User, workspace: Workspace
    ) -> None:
        for _ in range(2):
            answer = alice_client.post(PAGE, given(), follow=True)
            assert "The token policy is saved." in answer.text

        stored = TokenPolicy.objects.get(workspace=workspace)
        assert (stored.default_days, stored.remind_days) == (90, [14, 3])
        event = AuditEvent.objects.get(action=Action.POLICY_CHANGED)
        assert event.actor == alice
        assert event.data["before_longest_days"] == 730
        assert event.data["after_remind_days"] == "14, 3"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"default_days": 366}, "at most the longest life, which is 1 year"),
            ({"longest_days": 731}, "Enter whole days, 1 to 730."),
            ({"default_days": "x"}, "Enter whole days, 1 to 730."),
            ({"longest_overlap_hours": 5}, "Choose one of the times"),
            ({"remind_days": ""}, "Enter at least one number of days"),
            ({"remind_days": "90, soon"}, "with commas between them"),
            ({"remind_days": "366"}, "Enter whole days, 1 to 365"),
            ({"remind_days": "²"}, "Enter whole days, 1 to 365"),
            (
                {"remind_days": " ".join(map(str, range(1, 12)))},
                "Enter at most 10 reminders.",
            ),
        ],
    )
    def test_what_is_wrong_is_said(
        self, alice_client: Client, changes: dict[str, object], words: str
    ) -> None:
        answer = alice_client.post(PAGE, given(**changes))

        assert answer.status_code == 422
        assert words in answer.text
        assert not TokenPolicy.objects.exists()

    def test_tokens_that_outlive_it_are_counted(
        self, alice_client: Client, directory: Directory
    ) -> None:
        factories.issue_token(directory)
        factories.issue_token(directory, lifetime=90 * DAY)
        assert "lives longer" not in alice_client.get(PAGE).text
        set_policy(directory.workspace, default_days=90, longest_days=90)

        assert "1 token lives longer than 90 days" in alice_client.get(PAGE).text

    def test_who_is_no_owner_any_more_changes_nothing(
        self, membership: Membership
    ) -> None:
        Membership.objects.filter(pk=membership.pk).update(role=Role.ADMIN)

        with pytest.raises(NoLongerAllowed):
            policy.change(
                default_days=1,
                longest_days=1,
                longest_overlap_hours=0,
                remind_days=[1],
                by=membership,
            )

        assert not TokenPolicy.objects.exists()


class TestDialogs:
    def test_new_token_lives_as_preset_and_says_the_longest(
        self, alice_client: Client, directory: Directory
    ) -> None:
        set_policy(
            directory.workspace, default_days=45, longest_days=100, remind_days=[5, 1]
        )

        answer = alice_client.post(f"/tokens/{directory.key}/generate/")

        assert "At most 100 days." in answer.text
        assert "reminded 5 and 1 day before it expires" in answer.text
        form = answer.context["form"]
        assert [days for days, _ in form.fields["lifetime"].choices] == [
            "45",
            "90",
            "100",
        ]
        assert form.initial["lifetime"] == "45"

    def test_only_allowed_overlaps_are_offered(
        self, alice_client: Client, directory: Directory
    ) -> None:
        set_policy(directory.workspace, longest_overlap_hours=1)
        old = factories.issue_token(directory).token
        path = f"/tokens/{directory.key}/{old.key}/new/"

        assert "In 1 hour" in alice_client.get(path).text
        answer = alice_client.post(path, {"overlap": "7d"})

        assert answer.status_code == 422
        assert "Choose one of the times that are listed." in answer.text
        assert "In 24 hours" not in answer.text

    def test_token_that_outlives_the_policy_can_keep_its_end(
        self, alice_client: Client, directory: Directory
    ) -> None:
        token = factories.issue_token(directory).token
        set_policy(directory.workspace, default_days=90, longest_days=90)
        path = f"/tokens/{directory.key}/{token.key}/edit/"

        too_long = alice_client.post(path, {"name": "x", "lifetime": "730"})
        alice_client.post(path, {"name": "renamed", "lifetime": "keep"})

        assert too_long.status_code == 422
        stored = ScimToken.objects.get(pk=token.pk)
        assert (stored.name, stored.expires_at) == ("renamed", token.expires_at)

    def test_api_tokens_are_bounded_too(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        set_policy(workspace, default_days=30, longest_days=60)

        page = alice_client.get("/administration/api-tokens/new/")

        choices = page.context["form"].fields["lifetime"].choices
        assert [days for days, _ in choices] == [30, 60]
        assert page.context["form"].initial["lifetime"] == 60
