"""A workspace as it looks after some weeks: long names, failures, every state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from integrations.connectors.exchange import Exchange
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.outside import acts
from integrations.outside.call_log import CallLog
from scim import records
from scim.models import RequestRecord, Resource
from tests import factories
from tests.conftest import ScimClient
from workspaces import break_glass, directory_sync, domains, teams
from workspaces.clock import database_now
from workspaces.models import EmailDomain, Job, Membership, Role, Team, Workspace

PEOPLE = (
    ("ann.lee@acme.test", "Ann Lee"),
    ("bo@acme.test", "Bo"),
    (
        "donaudampfschifffahrtsgesellschaftskapitaen@verkehr.acme.test",
        "Donaudampfschifffahrtsgesellschaftskapitän Ottokar von Hohenwarth",
    ),
    ("layla@acme.test", "ليلى عبد الرحمن"),
    ("rocket@acme.test", "🚀 Rocket Team"),
    ("no.mail", "Somebody Without E-mail"),
)
STATES = (
    Provisioning.State.ONBOARDED,
    Provisioning.State.UPDATE_FAILED,
    Provisioning.State.ONBOARDED,
    Provisioning.State.PROVISIONING_AWAITING,
    Provisioning.State.UPDATE_ONGOING,
    Provisioning.State.PROVISIONING_FAILED,
)
FAILURE = "The app answered 422: Email has already been taken."


@dataclass(frozen=True, slots=True)
class Stage:
    """What the screens show."""

    workspace: Workspace
    integration: Integration
    people: list[Resource]


def build(workspace: Workspace, integration: Integration) -> Stage:
    """Fill a workspace through the services, and date some of it back."""
    now = database_now()
    issued = factories.issue_token(integration.directory, name="okta-prod")
    scim = ScimClient(integration.directory, issued.plaintext)
    ids = [scim.add_user(name, displayName=shown)["id"] for name, shown in PEOPLE]
    scim.add_group("Project managers", *ids[:3])
    scim.patch(f"/Users/{ids[1]}", {"op": "replace", "path": "active", "value": False})
    scim.get("/Users", filter='userName eq "ann.lee@acme.test"')
    scim.post("/Users", {"displayName": "Nobody"})
    records.flush()
    for hours, record in enumerate(RequestRecord.objects.order_by("-id")):
        record.at = now - timedelta(hours=hours, minutes=hours * 7)
        record.save(update_fields=["at"])
    people = list(Resource.objects.filter(public_id__in=ids).order_by("id"))
    _app_side(integration, people)
    _calls(integration, people[1])
    Integration.objects.filter(pk=integration.pk).update(
        last_synced_at=now - timedelta(hours=4)
    )
    _neighbours(workspace, integration)
    _directory_sync(workspace)
    return Stage(workspace, integration, people)


def _app_side(integration: Integration, people: list[Resource]) -> None:
    now = database_now()
    role = AppEntitlement.objects.create(
        integration=integration,
        kind="group",
        external_id="7",
        name="Project managers",
        seen_at=now,
    )
    for number, (person, state) in enumerate(zip(people, STATES, strict=True)):
        account = AppAccount.objects.create(
            integration=integration,
            external_id=str(40 + number),
            username=PEOPLE[number][0].partition("@")[0][:30],
            email=PEOPLE[number][0] if "@" in PEOPLE[number][0] else "",
            display_name=person.label,
            is_active=bool(person.active),
            resource=person,
            seen_at=now,
        )
        account.entitlements.add(role)
        failed = state in Provisioning.FAILED
        Provisioning.objects.filter(resource=person).update(
            state=state, account=account, last_error=FAILURE if failed else ""
        )


def _calls(integration: Integration, person: Resource) -> None:
    """Let the work for one person have been refused, with what was said."""
    job = Job.objects.filter(subject=person.public_id).latest("id")
    Job.objects.filter(pk=job.pk).update(attempt=2, error=FAILURE)
    log = CallLog(integration, job=job, resource_id=person.public_id)
    job.attempt = 2
    for act, method, path, status, body in (
        (acts.LOG_IN, "POST", "/api/session", 201, ""),
        ("Read the account", "GET", "/api/users/41", 200, ""),
        (acts.UPDATE, "PATCH", "/api/users/41", 422, '{"login": "bo@acme.test"}'),
    ):
        log.begin(act, is_change=act == acts.UPDATE)
        said = FAILURE if status == 422 else ""
        log.note(Exchange(database_now(), method, path, body, status, "", said, 12))
    log.write()


def _directory_sync(workspace: Workspace) -> None:
    now = database_now()
    owner = workspace.memberships.get(role=Role.OWNER)
    directory_sync.turn_on(workspace, actor=owner.user, now=now)
    domains.add(
        workspace, ["acme.test", "verkehr.acme.test"], actor=owner.user, now=now
    )
    EmailDomain.objects.update(proven_at=now)
    directory = directory_sync.directory_of(workspace)
    scim = ScimClient(directory, factories.issue_token(directory).plaintext)
    ids = [
        scim.add_user(f"team.{name}", displayName=shown)["id"]
        for name, shown in PEOPLE[:5]
    ]
    scim.add_group(
        "Verkehrsinfrastrukturfinanzierungsgesellschaft Projektleitung", *ids
    )
    scim.add_group("Auditors", ids[0])
    teams.give_role(Team.objects.get(name="Auditors"), Role.AUDITOR, by=owner)
    break_glass.mark(Membership.objects.get(resource_id=ids[1]), on=True, by=owner)
    scim.patch(f"/Users/{ids[2]}", {"op": "replace", "path": "active", "value": False})
    records.flush()


def _neighbours(workspace: Workspace, integration: Integration) -> None:
    for number, name in enumerate(("Design board", "Time tracking and invoicing")):
        other = factories.IntegrationFactory(
            workspace=workspace,
            service_account=integration.service_account,
            name=name,
        )
        if number:
            Integration.objects.filter(pk=other.pk).update(
                status=Integration.Status.NEEDS_ATTENTION,
                status_reason="The app refuses the password of svc-keyway.",
                status_at=database_now() - timedelta(hours=2),
            )
    for role in (Role.SUPER_ADMIN, Role.ADMIN, Role.AUDITOR, Role.MEMBER):
        factories.MembershipFactory(workspace=workspace, role=role)
