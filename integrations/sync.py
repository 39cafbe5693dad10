"""Read the app: accounts and entitlements, matched to the directory.

Sync never writes to the app. An account without a resource becomes one (source
`app`), so that the IdP's next import sees it; a group of the app likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import structlog
from django.db import transaction

from integrations import connections, entitlements, mapping, wanted
from integrations.connectors.base import ConnectorError, Misconfigured, TemporaryFailure
from integrations.desired import Entitlement, ObservedAccount
from integrations.entitlements import GROUP_KIND
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from scim import services, store
from scim.models import GroupMember, Resource
from scim.protocol.comparable import string_key, user_name_key
from scim.protocol.errors import ScimError
from scim.protocol.types import Document
from scim.served import schema_of
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "integrations.sync"
BATCH = 100
_ORIGIN = services.Origin(source=Resource.Source.APP)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Report:
    """What a sync found."""

    users: int = 0
    groups: int = 0
    new: int = 0
    gone: int = 0
    skipped: list[str] = field(default_factory=list)
    """Why some accounts could not be taken over, in plain words."""

    def as_result(self) -> dict[str, object]:
        """Return it as the result of the job."""
        return {
            "users": self.users,
            "groups": self.groups,
            "new": self.new,
            "gone": self.gone,
            "skipped": self.skipped[:20],
            "message": str(self),
        }

    def __str__(self) -> str:
        text = (
            f"Sync finished. {self.users} users, {self.groups} groups. "
            f"{self.new} new, {self.gone} gone."
        )
        if self.skipped:
            text += f" {len(self.skipped)} could not be imported."
        return text


def carry_out(job: Job) -> dict[str, object]:
    """Sync one integration. Raises RetryLater or GiveUp, with the reason."""
    integration = Integration.objects.select_related(
        "app", "workspace", "directory__workspace", "service_account__workspace"
    ).get(workspace=job.workspace_id, directory__key=job.subject)
    now = database_now()
    report = Report()
    try:
        with connections.open_session(integration) as session:
            jobs.report_progress(job, phase="Read groups and roles")
            found = list(session.list_entitlements())
            _take_entitlements(integration, found, report, now)
            jobs.report_progress(job, phase="Read users", done=0)
            for batch in _batches(_people(integration, session.list_accounts())):
                _take_accounts(integration, batch, report, now)
                jobs.report_progress(job, phase="Read users", done=report.users)
    except Misconfigured as error:
        connections.note_misconfigured(integration, error.message, now=database_now())
        raise jobs.GiveUp(error.message) from None
    except TemporaryFailure as error:
        raise jobs.RetryLater(error.message, after=error.retry_after) from None
    except ConnectorError as error:
        raise jobs.GiveUp(error.message) from None
    jobs.report_progress(job, phase="Save", done=report.users)
    _finish(integration, report, now)
    return report.as_result()


def _people(
    integration: Integration, accounts: Iterator[ObservedAccount]
) -> Iterator[ObservedAccount]:
    """Leave out Keyway's own account: it is not a person to provision."""
    own = integration.service_account.username.casefold()
    return (account for account in accounts if account.username.casefold() != own)


def _batches(accounts: Iterator[ObservedAccount]) -> Iterator[list[ObservedAccount]]:
    while batch := list(islice(accounts, BATCH)):
        yield batch


def _take_entitlements(
    integration: Integration,
    found: Iterable[Entitlement],
    report: Report,
    now: datetime,
) -> None:
    for entitlement in found:
        with transaction.atomic():
            row, _ = AppEntitlement.objects.update_or_create(
                integration=integration,
                kind=entitlement.kind,
                external_id=entitlement.external_id,
                defaults={"name": entitlement.name, "seen_at": now},
            )
            if entitlement.kind == GROUP_KIND:
                report.groups += 1
            elif entitlements.show(integration, row, now=now):
                report.new += 1
        if entitlement.kind == GROUP_KIND and row.resource_id is None:
            _match_group(integration, row, report, now)


def _match_group(
    integration: Integration, row: AppEntitlement, report: Report, now: datetime
) -> None:
    """Let the SCIM group of this name stand for the app's, or make one."""
    directory = integration.directory
    group = Resource.objects.filter(
        directory=directory,
        group_name_key=string_key(row.name, case_exact=False),
        app_entitlement=None,
    ).first()
    if group is None:
        try:
            group = services.create(
                directory,
                schema_of(directory, "Group"),
                {"displayName": row.name},
                origin=_ORIGIN,
                now=now,
            )
        except ScimError as error:
            report.skipped.append(f"Group {row.name}: {error.detail}")
            return
        report.new += 1
    with transaction.atomic():
        row.resource = group
        row.save(update_fields=["resource"])
        _give_to_members(integration, group, now)


def _give_to_members(integration: Integration, group: Resource, now: datetime) -> None:
    """Provision the members whom the IdP had put into the group before we knew it."""
    members = Resource.objects.filter(memberships__group=group, resource_type="User")
    wanted.want(
        integration.directory,
        list(members.values_list("pk", flat=True)),
        trigger=Job.Trigger.SCHEDULE,
        now=now,
    )


def _take_accounts(
    integration: Integration,
    accounts: list[ObservedAccount],
    report: Report,
    now: datetime,
) -> None:
    for account in accounts:
        report.users += 1
        try:
            _take_account(integration, account, report, now)
        except ScimError as error:
            report.skipped.append(f"{account.username}: {error.detail}")


@transaction.atomic
def _take_account(
    integration: Integration, account: ObservedAccount, report: Report, now: datetime
) -> None:
    row, _ = AppAccount.objects.update_or_create(
        integration=integration,
        external_id=account.external_id,
        defaults={
            "username": account.username,
            "email": account.email,
            "display_name": account.display_name,
            "is_active": account.active,
            "seen_at": now,
        },
    )
    if row.resource is None:
        row.resource = _match_user(integration, account, report, now)
        row.save(update_fields=["resource"])
        _onboard(integration, row, now)
    elif row.resource.source == Resource.Source.APP and _is_settled(row.resource):
        _follow(integration, row.resource, account, now)
    held = AppEntitlement.objects.filter(integration=integration)
    held_rows = [e for e in held if e.key in account.entitlements]
    row.entitlements.set(held_rows)
    _join_groups(integration, row.resource, held_rows, now)


def _match_user(
    integration: Integration, account: ObservedAccount, report: Report, now: datetime
) -> Resource:
    """Return the user of the same name, or a new one that stands for the account."""
    user = Resource.objects.filter(
        directory=integration.directory,
        user_name_key=user_name_key(account.username),
        app_account=None,
    ).first()
    if user is not None:
        return user
    report.new += 1
    return services.create(
        integration.directory,
        schema_of(integration.directory, "User"),
        mapping.user_document(account),
        origin=_ORIGIN,
        now=now,
    )


def _onboard(integration: Integration, row: AppAccount, now: datetime) -> None:
    """Note that the person is in the app, unless a provisioning says more."""
    user = row.resource
    assert user is not None  # noqa: S101  matched just before
    state, created = Provisioning.objects.get_or_create(
        resource_id_public=user.public_id,
        defaults={
            "integration": integration,
            "resource": user,
            "user_name": row.username,
            "account": row,
            "applied_version": 1,
            "state": Provisioning.State.ONBOARDED,
            "changed_at": now,
        },
    )
    if not created and state.account_id is None:
        state.account = row
        state.save(update_fields=["account"])


def _is_settled(user: Resource) -> bool:
    """Say whether the app has all that the IdP wants; else the IdP's word stands."""
    return not Provisioning.objects.filter(
        resource=user, state__in=[*Provisioning.PENDING, *Provisioning.FAILED]
    ).exists()


def _follow(
    integration: Integration, user: Resource, account: ObservedAccount, now: datetime
) -> None:
    """Take a change over that was made in the app, for people only the app knows."""
    current = store.read(user)
    body: Document = {**current, **mapping.user_document(account)}
    if body == current:
        return
    services.replace(
        integration.directory,
        schema_of(integration.directory, "User"),
        user.public_id,
        body,
        origin=_ORIGIN,
        now=now,
    )


def _join_groups(
    integration: Integration,
    user: Resource | None,
    held: list[AppEntitlement],
    now: datetime,
) -> None:
    """Show the app's memberships in the SCIM groups that came from the app.

    Groups that the IdP owns are left alone, and so is what SCIM gave or is about
    to give: there the IdP decides.
    """
    assert user is not None  # noqa: S101  matched just before
    if not _is_settled(user):
        return
    state = Provisioning.objects.get(resource=user)
    group_type = schema_of(integration.directory, "Group")
    wanted = {e.resource_id for e in held if e.resource_id is not None}
    given = state.given
    present = set(
        GroupMember.objects.filter(member=user)
        .exclude(
            group__app_entitlement__in=[
                e.pk
                for e in AppEntitlement.objects.filter(integration=integration)
                if e.key in given
            ]
        )
        .values_list("group", flat=True)
    )
    groups = Resource.objects.filter(
        pk__in=wanted ^ present,
        resource_type="Group",
        source=Resource.Source.APP,
        app_entitlement__isnull=False,
    )
    for group in groups:
        op = "add" if group.pk in wanted else "remove"
        services.patch(
            integration.directory,
            group_type,
            group.public_id,
            {
                "Operations": [
                    {"op": op, "path": "members", "value": [{"value": user.public_id}]}
                ]
            },
            origin=_ORIGIN,
            now=now,
        )


@transaction.atomic
def _finish(integration: Integration, report: Report, now: datetime) -> None:
    """Forget what the app no longer has, and note the time.

    A person whose account is gone keeps their resource: the IdP decides.
    """
    lost = AppAccount.objects.filter(integration=integration, seen_at__lt=now)
    report.gone = lost.count()
    for account in lost.select_related("resource"):
        user = account.resource
        account.delete()
        if user is not None and user.source == Resource.Source.APP:
            Provisioning.objects.filter(resource=user).delete()
            services.delete(
                integration.directory,
                schema_of(integration.directory, "User"),
                user.public_id,
                origin=_ORIGIN,
                now=now,
            )
    dropped = AppEntitlement.objects.filter(integration=integration, seen_at__lt=now)
    for row in dropped.select_related("resource"):
        entitlements.hide(integration, row, now=now)
    dropped.delete()
    integration.last_synced_at = now
    integration.save(update_fields=["last_synced_at"])
    connections.note_success(integration, now=now)
    log.info("sync_finished", integration=integration.pk, users=report.users)
