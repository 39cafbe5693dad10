"""Which SCIM group stands for a group of the app: the one of its name.

The IdP's name is the app's with what the integration puts around it; upper and lower
case say nothing. Once matched a group stays the app's, also if either side renames it,
until that setting changes: then all groups are matched anew, in the background.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from integrations.models import AppEntitlement, Integration
from integrations.provisioning import wanted
from integrations.provisioning.entitlements import GROUP_KIND
from integrations.syncing.report import Report
from scim import services
from scim.models import Resource
from scim.protocol.comparable import string_key
from scim.protocol.errors import ScimError
from scim.protocol.types import Document
from scim.served import schema_of
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import Job, User

JOB = "integrations.match_groups"
_ORIGIN = services.Origin(source=Resource.Source.APP)


def match(
    integration: Integration, row: AppEntitlement, report: Report, now: datetime
) -> None:
    """Let the SCIM group of this name stand for the app's, or make or rename one."""
    name = integration.group_name(row.name)
    group = Resource.objects.filter(
        directory=integration.directory, group_name_key=_key(name), app_entitlement=None
    ).first()
    try:
        if group is None and row.resource is not None:
            _rename(integration, row.resource, name, now)
            report.changed += 1
            return
        if group is None:
            group = _create(integration, name, now)
            report.new += 1
    except ScimError as error:
        report.skipped.append(f"Group {row.name}: {error.detail}")
        return
    _link(integration, row, group, now)


def request(
    integration: Integration,
    before: tuple[str, str],
    *,
    actor: User | None,
    now: datetime,
) -> None:
    """Match all groups anew, in the transaction that changes how the IdP names them.

    `before` are prefix and suffix until now. A job that waits knows older ones.
    """
    put_off = jobs.enqueue(
        JOB,
        workspace=integration.workspace,
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        actor=actor,
        now=now,
    )
    if put_off.created:
        put_off.job.arguments = dict(zip(("prefix", "suffix"), before, strict=True))
        put_off.job.save(update_fields=["arguments"])


def carry_out(job: Job) -> dict[str, object]:
    """Match the groups of an integration anew. The result says how many changed."""
    integration = (
        Integration.objects.filter(
            workspace=job.workspace_id, directory__key=job.subject
        )
        .select_related("app", "directory", "workspace")
        .first()
    )
    if integration is None:
        return {"note": "The integration is gone."}
    now, report = database_now(), Report()
    prefix, suffix = job.arguments["prefix"], job.arguments["suffix"]
    let_go = _let_go(integration, actor=job.actor, now=now)
    rows = AppEntitlement.objects.filter(integration=integration, kind=GROUP_KIND)
    for row in rows.select_related("resource").order_by("id"):
        group = row.resource
        if group is None or (
            group.source == Resource.Source.APP
            and group.group_name_key == _key(f"{prefix}{row.name}{suffix}")
        ):
            match(integration, row, report, now)
    return {
        "let_go": let_go,
        "made": report.new,
        "renamed": report.changed,
        "skipped": report.skipped,
    }


@transaction.atomic
def _let_go(integration: Integration, *, actor: User | None, now: datetime) -> int:
    """Let go of the IdP's groups that have another name than the app's have now.

    Their members lose what the groups gave. Returns how many groups.
    """
    rows = AppEntitlement.objects.filter(
        integration=integration,
        kind=GROUP_KIND,
        resource__source=Resource.Source.IDP,
    ).values_list("pk", "name", "resource", "resource__group_name_key")
    others = {
        pk: group
        for pk, name, group, key in rows
        if key != _key(integration.group_name(name))
    }
    AppEntitlement.objects.filter(pk__in=others).update(resource=None)
    _provision_members(integration, others.values(), Job.Trigger.WEB, actor, now)
    return len(others)


@transaction.atomic
def _link(
    integration: Integration, row: AppEntitlement, group: Resource, now: datetime
) -> None:
    """Let a group stand for the app's, and provision the members it has already.

    One that a sync had made for it gives way.
    """
    before, row.resource = row.resource, group
    row.save(update_fields=["resource"])
    if before is not None:
        services.delete(
            integration.directory,
            schema_of(integration.directory, "Group"),
            before.public_id,
            origin=_ORIGIN,
            now=now,
        )
    _provision_members(integration, [group.pk], Job.Trigger.SCHEDULE, None, now)


def _create(integration: Integration, name: str, now: datetime) -> Resource:
    body: Document = {"displayName": name}
    directory = integration.directory
    schema = schema_of(directory, "Group")
    return services.create(directory, schema, body, origin=_ORIGIN, now=now)


def _rename(
    integration: Integration, group: Resource, name: str, now: datetime
) -> None:
    operation: Document = {"op": "replace", "path": "displayName", "value": name}
    services.patch(
        integration.directory,
        schema_of(integration.directory, "Group"),
        group.public_id,
        {"Operations": [operation]},
        origin=_ORIGIN,
        now=now,
    )


def _provision_members(
    integration: Integration,
    groups: Iterable[int | None],
    trigger: Job.Trigger,
    actor: User | None,
    now: datetime,
) -> None:
    members = Resource.objects.filter(
        memberships__group__in=list(groups), resource_type="User"
    )
    users = list(members.values_list("pk", flat=True).distinct())
    wanted.want(integration.directory, users, trigger=trigger, actor=actor, now=now)


def _key(name: str) -> str:
    return string_key(name, case_exact=False)
