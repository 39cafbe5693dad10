"""Users and groups of integrations, and what was done about each user."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from integrations.models import Integration, Provisioning
from integrations.provisioning import planning, wanted
from integrations.syncing import matching
from scim.models import Change, Resource
from scim.protocol.comparable import string_key
from workspaces.models import Job, Workspace

EVERYBODY = "all"
_MOST_JOBS = 5
_MOST_CHANGES = 20
_CONDITIONS = {
    "": ~Q(state=Provisioning.State.DELETED),
    EVERYBODY: Q(),
    "failed": Q(state__in=Provisioning.FAILED),
    "waiting": Q(state__in=Provisioning.PENDING),
    "unmatched": matching.UNMATCHED,
    "exempt": matching.EXEMPT,
    **{state: Q(state=state) for state in Provisioning.State.values},
}
STATES = tuple(_CONDITIONS)
"""By what users can be asked for. Empty: all but the deleted."""


def search(
    integration: Integration, *, text: str = "", state: str = ""
) -> QuerySet[Provisioning]:
    """Return users in one of STATES by user name, with what a list shows of them.

    `text` is a part of a name or an email, on either side.
    """
    rows = (
        Provisioning.objects.filter(_CONDITIONS[state], integration=integration)
        .select_related("resource", "account__exempted_by")
        .defer("resource__document", "resource__comparable")
        .prefetch_related("account__entitlements")
        .order_by("user_name", "id")
    )
    if not text:
        return rows
    key = string_key(text, case_exact=False)
    return rows.filter(
        Q(user_name__icontains=text)
        | Q(resource__user_name_key__contains=key)
        | Q(resource__label__icontains=text)
        | Q(account__username__icontains=text)
        | Q(account__email__icontains=text)
    )


def groups_of(integration: Integration, *, text: str = "") -> QuerySet[Resource]:
    """Return the groups of the directory by name, with `member_count`.

    `app_entitlement` is what a group stands for in the app.
    """
    rows = (
        Resource.objects.filter(directory=integration.directory, resource_type="Group")
        .select_related("app_entitlement")
        .defer("document", "comparable")
        .annotate(member_count=Count("members"))
        .order_by("label", "id")
    )
    if not text:
        return rows
    return rows.filter(group_name_key__contains=string_key(text, case_exact=False))


def of_workspace(workspace: Workspace) -> QuerySet[Provisioning]:
    """Return everybody who is or was provisioned, with what is told of them."""
    return (
        Provisioning.objects.filter(integration__workspace=workspace)
        .select_related(
            "integration__directory",
            "integration__workspace",
            "integration__app",
            "account",
            "resource__directory",
        )
        .prefetch_related("account__entitlements")
    )


def last_jobs(workspace: Workspace, row: Provisioning) -> list[Job]:
    """Return the last provisionings of somebody, newest first."""
    found = Job.objects.select_related("actor").filter(
        workspace=workspace, kind=wanted.JOB, subject=row.resource_id_public
    )
    return list(found.order_by("-id")[:_MOST_JOBS])


def changes_of(integration: Integration, row: Provisioning) -> list[Change]:
    """Return what happened to somebody in the directory, newest first."""
    found = Change.objects.filter(
        directory=integration.directory, resource_id=row.resource_id_public
    )
    return list(found.order_by("-id")[:_MOST_CHANGES])


def next_steps(row: Provisioning) -> list[str]:
    """Return what is to be done in the app, in words; `row` is of `of_workspace`."""
    is_ahead = row.applied_version < row.desired_version
    return planning.steps(row, row.resource) if is_ahead else []
