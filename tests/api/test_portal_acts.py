"""What stands on buttons of the portal, by API: the same services, the same rules."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from integrations.directory_sync import provisioning
from integrations.models import Integration, Provisioning, RestorePoint, Task
from scim.models import Resource
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.routes import unmatched_in, values_of
from tokens.models import ScimToken
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Directory,
    EmailDomain,
    Invitation,
    Job,
    Team,
    User,
    Workspace,
)
from workspaces.sync_ending import Fate

State = Provisioning.State


@pytest.fixture
def values(integration: Integration) -> dict[str, Any]:
    """One of everything."""
    return values_of(integration)


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


def audited(action: str) -> int:
    return AuditEvent.objects.filter(action__endswith=action).count()


class TestUnmatched:
    def test_account_is_removed_by_its_name(
        self, api: ApiClient, integration: Integration, one: str
    ) -> None:
        row = unmatched_in(integration)
        integration.app.manifest["capabilities"] = {"delete": True}
        integration.app.save()
        path = f"{one}/unmatched/{row.resource_id_public}"

        unsure = [api.delete(path), api.delete(f"{path}?userName=someone")]
        gone = api.delete(f"{path}?userName=svc.backup")

        assert [answer.status for answer in unsure] == [422, 422]
        assert "?userName=" in unsure[0].body["detail"]
        assert gone.status == 204
        assert not Resource.objects.filter(public_id=row.resource_id_public).exists()
        assert audited("account.removal_requested") == 1
        assert api.delete(f"{path}?userName=svc.backup").status == 409

    def test_app_that_deletes_nobody_refuses(
        self, api: ApiClient, integration: Integration, one: str
    ) -> None:
        row = unmatched_in(integration)
        integration.app.manifest["capabilities"] = {"delete": False}
        integration.app.save()

        answer = api.delete(
            f"{one}/unmatched/{row.resource_id_public}?userName=svc.backup"
        )

        assert answer.status == 409
        assert "lets nobody delete accounts" in answer.body["detail"]


class TestUsers:
    def test_users_are_found_by_state_and_name(
        self, api: ApiClient, values: dict[str, Any], one: str
    ) -> None:
        failed = api.get(f"{one}/users?state=failed").body["data"]
        named = api.get(f"{one}/users?userName=ZOE@acme.test").body["data"]
        unknown = api.get(f"{one}/users?state=nonsense")

        assert [row["id"] for row in failed] == [str(values["resource"])]
        assert named == failed
        assert (failed[0]["error"], failed[0]["externalId"]) == ("x", None)
        assert unknown.status == 400
        assert "failed, waiting" in unknown.body["detail"]

    def test_list_takes_as_many_queries_for_many_as_for_one(
        self,
        api: ApiClient,
        integration: Integration,
        one: str,
        django_assert_num_queries: Any,
    ) -> None:
        for number in range(4):
            integration.provisionings.create(
                resource_id_public=str(uuid.uuid4()),
                user_name=f"u{number}",
                changed_at=database_now(),
            )

        with django_assert_num_queries(5):
            assert len(api.get(f"{one}/users").body["data"]) == 4

    def test_one_user_is_tried_again_read_again_and_put_right(
        self, api: ApiClient, values: dict[str, Any], one: str
    ) -> None:
        user = f"{one}/users/{values['resource']}"

        again = api.post(f"{user}/retry")
        read = [api.post(f"{user}/sync", idempotency_key="r") for _ in range(2)]
        right = api.post(f"{user}/put-right")
        Provisioning.objects.update(last_error="")

        assert again.status == 200
        assert [answer.status for answer in read] == [201, 201]
        assert read[0].body == read[1].body
        assert read[0].body["subject"] == str(values["resource"])
        assert (right.status, audited("drift_put_right")) == (200, 1)
        assert api.post(f"{user}/retry").status == 409
        assert api.post(f"{one}/users/{uuid.uuid4()}/retry").status == 404


class TestPlan:
    def test_observed_plan_is_listed_and_let_loose(
        self, api: ApiClient, integration: Integration, scim: ScimClient, one: str
    ) -> None:
        observing = api.post(f"{one}/observe").body["observingSince"]
        user = scim.add_user("ann@acme.test")
        planned = api.get(f"{one}/plan").body["data"]
        loose = api.post(f"{one}/let-loose")

        assert observing
        assert [(row["id"], row["why"], row["action"]) for row in planned] == [
            (user["id"], "waiting", "create")
        ]
        assert "create it if there is none" in planned[0]["steps"][0]
        assert loose.body["observingSince"] is None
        assert api.post(f"{one}/try-now").status == 200

    def test_drift_is_put_right_for_everybody(
        self, api: ApiClient, scim: ScimClient, one: str
    ) -> None:
        scim.add_user("ann@acme.test")
        Provisioning.objects.update(state=State.ONBOARDED, drifted_at=database_now())

        assert api.post(f"{one}/plan/put-right").body == {"count": 1}
        assert api.post(f"{one}/plan/put-right").body == {"count": 0}


class TestChanges:
    def test_change_is_listed_and_undone_once(
        self, api: ApiClient, values: dict[str, Any], one: str
    ) -> None:
        listed = api.get(f"{one}/changes").body["data"]
        undone = [
            api.post(f"{one}/changes/{values['point']}/undo").status for _ in range(2)
        ]

        assert [row["id"] for row in listed] == [str(values["point"])]
        assert listed[0]["steps"] == ["Create the account"]
        assert undone == [204, 409]

    def test_run_is_undone(
        self, api: ApiClient, values: dict[str, Any], one: str
    ) -> None:
        answer = api.post(f"{one}/changes/runs/{values['run']}/undo")

        assert (answer.status, answer.body) == (200, {"count": 1, "refused": []})
        assert RestorePoint.objects.get().resource_id == values["resource"]
        assert api.post(f"{one}/changes/runs/{uuid.uuid4()}/undo").status == 404


class TestHeldSync:
    @pytest.mark.parametrize("decision", ["approve", "discard"])
    def test_it_is_decided_on_once(
        self, api: ApiClient, values: dict[str, Any], decision: str
    ) -> None:
        path = f"/v1/jobs/{values['sync']}/{decision}"
        early = api.post(path)
        Job.objects.filter(public_id=values["sync"]).update(
            state=Job.State.HELD, ended_at=None, result={"gone": [1]}
        )

        decided = [api.post(path).status for _ in range(2)]

        assert early.status == 409
        assert decided == [200, 409]
        assert audited(f"sync_{decision}{'d' if decision == 'approve' else 'ed'}") == 1


class TestTokens:
    def test_token_is_renamed_limited_and_retired(
        self, api: ApiClient, values: dict[str, Any], one: str
    ) -> None:
        token = f"{one}/tokens/{values['token']}"
        limits = {
            "readOnly": True,
            "networkRule": "enforce",
            "networks": ["203.0.113.0/24"],
            "emailDomains": ["acme.test"],
        }

        renamed = api.patch(token, {"name": "okta-new", "lifetimeDays": 30})
        limited = api.call("PUT", f"{token}/limits", limits)
        early = api.post(f"{token}/retire")
        api.post(f"{token}/rotate", {"overlap": "24h"})
        retired = api.post(f"{token}/retire")

        made = ScimToken.objects.get(key=values["token"])
        assert renamed.body["name"] == "okta-new"
        assert made.expires_at == made.created_at + timedelta(days=30)
        assert limited.body == limits == api.get(f"{token}/limits").body
        assert early.status == 409
        assert (retired.status, retired.body["state"]) == (200, "replaced")

    def test_misspelt_limit_is_refused_and_lifts_none(
        self, api: ApiClient, one: str, values: dict[str, Any]
    ) -> None:
        path = f"{one}/tokens/{values['token']}/limits"
        api.call("PUT", path, {"readOnly": True})

        answer = api.call("PUT", path, {"readonly": True})

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == "#/readonly"
        assert api.get(path).body["readOnly"] is True

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"networkRule": "enforce"}, "networks"),
            ({"networks": ["everywhere"]}, "networks"),
            ({"emailDomains": ["@acme.test"]}, "emailDomains"),
            ({"networkRule": "sometimes"}, "networkRule"),
        ],
        ids=str,
    )
    def test_limits_are_checked_as_on_the_page(
        self, api: ApiClient, values: dict[str, Any], one: str, body: Any, field: str
    ) -> None:
        answer = api.call("PUT", f"{one}/tokens/{values['token']}/limits", body)

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == f"#/{field}"


class TestConnections:
    @pytest.mark.parametrize("own", [False, True], ids=["integration", "own"])
    def test_quarantine_begins_and_ends(
        self, api: ApiClient, integration: Integration, one: str, own: bool
    ) -> None:
        path = f"{'/v1/directory-sync' if own else one}/quarantine"
        kind = Directory.Kind.DIRECTORY_SYNC if own else Directory.Kind.GATEWAY

        on = [api.call("PUT", path).status for _ in range(2)]
        present = Directory.objects.get(workspace=integration.workspace, kind=kind)
        off = [api.delete(path).status for _ in range(2)]

        assert (on, off) == ([204, 204], [204, 204])
        assert present.quarantined_at is not None
        assert (audited("quarantined"), audited("quarantine_ended")) == (1, 1)

    def test_silence_alarm_is_switched(self, api: ApiClient, one: str) -> None:
        off = [api.delete(f"{one}/silence-alarm").status for _ in range(2)]
        on = api.call("PUT", f"{one}/silence-alarm").status

        assert (off, on) == ([204, 204], 204)
        assert audited("silence_alarm_changed") == 2


class TestDirectorySync:
    def test_s0_112_first_domains_make_the_first_token(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        wish = {"domains": ["acme.test", "acme.example"]}
        off = api.patch("/v1/directory-sync", {"sendsInvites": False})
        first = api.post("/v1/directory-sync/domains", wish, idempotency_key="a")
        again = api.post("/v1/directory-sync/domains", wish, idempotency_key="a")
        more = api.post("/v1/directory-sync/domains", {"domains": ["acme.org"]})
        directory = directory_sync.directory_of(workspace)

        assert off.status == 409
        assert [row["name"] for row in first.body["added"]] == wish["domains"]
        assert ScimClient(directory, first.body["token"]).get("/Users").status == 200
        assert again.status == 409
        assert "token" not in more.body
        shown = api.get("/v1/directory-sync").body
        assert shown == {
            "scimUrl": directory.base_url,
            "enabled": True,
            "sendsInvites": True,
            "defaultRole": "member",
            "adopts": False,
            "allowsUnproven": False,
            "ownedTokens": "stop",
        }
        changed = api.patch("/v1/directory-sync", {"sendsInvites": False}).body
        assert changed == shown | {"sendsInvites": False}

    def test_rules_for_provisioned_members_are_changed_one_by_one(
        self, api: ApiClient, workspace: Workspace, alice: User
    ) -> None:
        directory_sync.turn_on(workspace, actor=alice, now=database_now())
        before = api.get("/v1/directory-sync").body

        changed = api.patch("/v1/directory-sync", {"defaultRole": "auditor"})
        wrong = api.patch("/v1/directory-sync", {"defaultRole": "owner"})

        assert changed.body == before | {"defaultRole": "auditor"}
        assert wrong.body["errors"][0]["pointer"] == "#/defaultRole"
        assert api.get("/v1/directory-sync").body == changed.body

    def test_it_is_turned_on_again_after_somebody_turned_it_off(
        self, api: ApiClient, workspace: Workspace, alice: User
    ) -> None:
        never = api.post("/v1/directory-sync/turn-on")
        directory_sync.turn_on(workspace, actor=alice, now=database_now())
        owner = workspace.memberships.get(user=alice)
        provisioning.turn_off(workspace, fate=Fate.STAY, by=owner, now=database_now())
        off = api.post("/v1/directory-sync/tokens").status

        on = api.post("/v1/directory-sync/turn-on")

        assert (never.status, off) == (409, 409)
        assert (on.status, on.body["enabled"]) == (200, True)
        assert api.post("/v1/directory-sync/tokens").status == 201

    def test_s0_99_what_is_no_domain_is_named(self, api: ApiClient) -> None:
        answer = api.post("/v1/directory-sync/domains", {"domains": ["@acme.test"]})

        assert answer.status == 422
        assert "@acme.test" in answer.body["errors"][0]["detail"]

    def test_domain_is_checked_and_deleted(
        self, api: ApiClient, values: dict[str, Any]
    ) -> None:
        path = f"/v1/directory-sync/domains/{values['domain']}"

        checked = api.post(f"{path}/check")
        gone = [api.delete(path).status for _ in range(2)]

        assert checked.body["recordValue"]
        assert Job.objects.filter(kind="workspaces.check_domain").exists()
        assert gone == [204, 404]
        assert not EmailDomain.objects.exists()

    def test_team_gives_a_role_but_never_that_of_owners(
        self, api: ApiClient, values: dict[str, Any]
    ) -> None:
        path = f"/v1/directory-sync/teams/{values['team']}"

        given = api.patch(path, {"role": "auditor"})
        refused = api.patch(path, {"role": "owner"})
        taken = api.patch(path, {"role": "none"})

        assert (given.body["role"], taken.body["role"]) == ("auditor", "none")
        assert refused.status == 422
        assert Team.objects.get().role == ""


class TestTasks:
    def test_task_is_done_in_the_version_that_was_seen(
        self, api: ApiClient, values: dict[str, Any]
    ) -> None:
        [task] = api.get("/v1/tasks?state=open").body["data"]
        Task.objects.update(
            outcome={
                "exists": True,
                "username": "badge",
                "email": "",
                "display_name": "",
                "active": True,
                "entitlements": [],
            }
        )
        path = f"/v1/tasks/{task['id']}"

        stale = api.post(f"{path}/done", {"version": task["version"]})
        [now] = api.get("/v1/tasks").body["data"]
        done = api.post(f"{path}/done", {"version": now["version"]})

        assert stale.status == 409
        assert (done.status, done.body["state"]) == (200, "done")
        assert api.get("/v1/tasks?state=soon").status == 400

    def test_task_that_cannot_be_done_says_why(
        self, api: ApiClient, values: dict[str, Any]
    ) -> None:
        [task] = api.get("/v1/tasks").body["data"]
        path = f"/v1/tasks/{task['id']}/cannot-be-done"

        without = api.post(path, {"version": task["version"]})
        ended = api.post(path, {"version": task["version"], "reason": "No licence."})

        assert without.body["errors"][0]["pointer"] == "#/reason"
        assert (ended.body["state"], ended.body["reason"]) == (
            "not_possible",
            "No licence.",
        )


def test_audit_log_is_kept_as_long_as_owners_say(
    api: ApiClient, workspace: Workspace
) -> None:
    path = "/v1/audit-retention"
    before = api.get(path).body
    year = api.call("PUT", path, {"days": 366})
    odd = api.call("PUT", path, {"days": 3})
    ever = api.call("PUT", path, {"days": None})

    assert before == ever.body == {"days": None}
    assert (year.body, odd.status) == ({"days": 366}, 422)
    workspace.refresh_from_db()
    assert workspace.audit_days is None


def test_member_without_a_way_in_is_sent_one_link(
    api: ApiClient, workspace: Workspace
) -> None:
    member = factories.MembershipFactory(workspace=workspace)
    path = f"/v1/members/{member.pk}/invite"
    needless = api.post(path)
    member.user.set_unusable_password()
    member.user.save(update_fields=["password"])

    first = api.post(path, idempotency_key="k")
    again = api.post(path, idempotency_key="k")

    assert needless.status == 409
    assert (first.status, first.body["email"]) == (201, member.user.email)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Invitation.objects.get().membership == member
    assert audited("invited") == 1
