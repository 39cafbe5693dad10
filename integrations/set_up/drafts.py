"""Integrations that are being made: keep what was entered, check it, create it once.

`answers` are by field: name, app (slug), base_url, identifier, login_workflow,
service_account (public id), sync_schedule, on_unassign, observe, user_schema, and `steps`,
the steps that were gone through. No answer is a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from integrations import services
from integrations.audit import Action
from integrations.models import App, Integration, IntegrationDraft, ServiceAccount
from integrations.outside import origins
from integrations.provisioning import unassigning
from integrations.tasks.by_hand import is_by_hand
from scim.protocol import user_schema
from scim.protocol.user_schema import UserSchema
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace

CHECK = "integrations.check"
PRUNE = "integrations.prune_drafts"
KEEP = timedelta(days=7)
STEPS = ("app", "service_account", "settings", "advanced")
_OF_THE_APP = ("identifier", "service_account", "on_unassign", "user_schema")
"""Answers that mean nothing for another app."""


class Incomplete(ValueError):
    """Something is missing or no longer there; `step` is where to enter it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


class Changed(ValueError):
    """Somebody changed the draft while it was being checked."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A draft with everything that an integration needs."""

    app: App
    service_account: ServiceAccount | None
    name: str
    base_url: str
    identifier: str
    sync_schedule: str
    on_unassign: str
    observe: bool
    own_schema: UserSchema | None


def is_done(draft: IntegrationDraft) -> bool:
    """Say whether the integration was created."""
    return draft.check_result.get("state") == "passed"


def is_open(draft: IntegrationDraft) -> bool:
    """Say whether a check waits or runs."""
    return draft.check_result.get("state") == "running"


def app_of(draft: IntegrationDraft) -> App | None:
    """Return the chosen app, if it is still offered."""
    slug = draft.answers.get("app")
    return App.objects.filter(slug=slug, is_offered=True).first() if slug else None


def accounts_for(workspace: Workspace, app: App) -> QuerySet[ServiceAccount]:
    """Return the saved service accounts of an app that log in as it allows."""
    return ServiceAccount.objects.filter(
        workspace=workspace,
        app=app,
        login_workflow__in=app.manifest["login_workflows"],
    )


@transaction.atomic
def start(
    workspace: Workspace, *, answers: dict[str, Any], actor: User
) -> IntegrationDraft:
    """Keep the first step of a new integration."""
    draft = IntegrationDraft.objects.create(
        workspace=workspace, created_by=actor, answers={**answers, "steps": ["app"]}
    )
    audit.record(Action.DRAFT_STARTED, workspace=workspace, actor=actor, target=draft)
    return draft


@transaction.atomic
def answer(draft: IntegrationDraft, answers: dict[str, Any], *, step: str) -> None:
    """Keep what was entered in a step. None takes an answer back.

    With another app go the answers that depend on it.
    """
    locked = IntegrationDraft.objects.select_for_update().get(pk=draft.pk)
    kept = dict(locked.answers)
    steps = set(kept.get("steps", []))
    if step == "app" and kept.get("app") != answers.get("app"):
        kept = {k: v for k, v in kept.items() if k not in _OF_THE_APP}
        steps = set()
    kept |= answers
    kept = {k: v for k, v in kept.items() if v is not None}
    kept["steps"] = [s for s in STEPS if s in steps | {step}]
    locked.answers = kept
    locked.save(update_fields=["answers", "updated_at"])
    draft.answers = kept


@transaction.atomic
def delete(draft: IntegrationDraft, *, actor: User) -> None:
    """Throw a draft away."""
    audit.record(
        Action.DRAFT_DELETED, workspace=draft.workspace, actor=actor, target=draft
    )
    draft.delete()


@transaction.atomic
def request_check(draft: IntegrationDraft, *, actor: User, now: datetime) -> Job:
    """Check the draft in the background, and create the integration if all is well.

    A check that waits or runs already is the answer. Raises Incomplete.
    """
    locked = (
        IntegrationDraft.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=draft.pk)
    )
    complete(locked)
    subject = str(locked.public_id)
    running = Job.objects.filter(
        kind=CHECK, subject=subject, state__in=Job.OPEN
    ).first()
    if running is not None:
        return running
    job = jobs.enqueue(
        CHECK,
        workspace=locked.workspace,
        subject=subject,
        trigger=Job.Trigger.WEB,
        actor=actor,
        max_failures=2,
        now=now,
    ).job
    locked.check_result = {"state": "running", "started_at": now.isoformat()}
    locked.answers["steps"] = list(STEPS)
    locked.save(update_fields=["answers", "check_result", "updated_at"])
    audit.record(
        Action.DRAFT_CHECK_REQUESTED,
        workspace=locked.workspace,
        actor=actor,
        target=locked,
    )
    return job


def last_check(draft: IntegrationDraft) -> Job | None:
    """Return the job of the last check of a draft, None if there was none."""
    own = Job.objects.filter(kind=CHECK, subject=str(draft.public_id))
    return own.filter(workspace=draft.workspace_id).order_by("-id").first()


class NotRunning(ValueError):
    """There is no check to stop: it has ended."""


@transaction.atomic
def stop_check(draft: IntegrationDraft, *, actor: User, now: datetime) -> None:
    """End the check of a draft; what was entered stays. Raises NotRunning.

    The job is locked before the draft, as the check itself does it.
    """
    own = Job.objects.filter(
        workspace=draft.workspace_id, kind=CHECK, subject=str(draft.public_id)
    )
    try:
        job = jobs.lock_to_cancel(own)
    except jobs.AlreadyEnded:
        raise NotRunning from None
    jobs.cancel(job, actor=actor, note="Nothing was created.", now=now)
    locked = IntegrationDraft.objects.select_for_update().get(pk=draft.pk)
    locked.check_result = {}
    locked.save(update_fields=["check_result", "updated_at"])
    audit.record(
        Action.DRAFT_CHECK_STOPPED,
        workspace=draft.workspace,
        actor=actor,
        target=draft,
    )


def complete(draft: IntegrationDraft) -> Setup:
    """Return the draft with all that belongs to it. Raises Incomplete."""
    answers = draft.answers
    app = app_of(draft)
    if app is None:
        raise Incomplete("app", "Choose the app. The catalog no longer offers it.")
    name = str(answers.get("name", ""))
    if Integration.objects.filter(workspace=draft.workspace_id, name=name).exists():
        raise Incomplete("app", name_taken(name))
    if app.manifest.get("identifier") and not answers.get("identifier"):
        label = app.manifest["identifier"]["label"]
        raise Incomplete("app", f"Enter the {label} of {app.name}.")
    account, base_url = _account(draft, app), str(answers.get("base_url", ""))
    if account is not None and not origins.is_allowed(account, base_url):
        reason = str(origins.PasswordNeeded(account, base_url))
        raise Incomplete("service_account", reason)
    return Setup(
        app=app,
        service_account=account,
        name=name,
        base_url=base_url,
        identifier=str(answers.get("identifier", "")),
        sync_schedule=str(answers.get("sync_schedule", "")),
        on_unassign=str(answers.get("on_unassign") or default_on_unassign(app)),
        observe=answers.get("observe") == "observe",
        own_schema=own_schema_of(draft),
    )


def _account(draft: IntegrationDraft, app: App) -> ServiceAccount | None:
    if is_by_hand(app):
        return None
    found = ServiceAccount.objects.filter(workspace=draft.workspace_id, app=app)
    chosen = draft.answers.get("service_account")
    account = None
    try:
        account = found.filter(public_id=chosen).first() if chosen else None
    except ValidationError:
        account = None
    if account is None:
        raise Incomplete(
            "service_account",
            "The service account was deleted. Choose another."
            if chosen
            else "Choose the service account with which Keyway logs in.",
        )
    return account


def name_taken(name: str) -> str:
    """Return the words for a name that another integration has."""
    return (
        f"Another integration of this workspace is called {name}. Choose another name."
    )


def default_on_unassign(app: App) -> str:
    """Return the mildest thing that the connector can do."""
    return unassigning.choices(app)[0][0]


def own_schema_of(draft: IntegrationDraft) -> UserSchema | None:
    """Return the user schema that was saved in the draft, None for the app's own."""
    definition = draft.answers.get("user_schema")
    return None if definition is None else user_schema.read(definition)


def schema_of(draft: IntegrationDraft, app: App) -> UserSchema:
    """Return the user schema that the integration would have."""
    own = own_schema_of(draft)
    return user_schema.read(app.manifest.get("user_schema")) if own is None else own


def save_user_schema(draft: IntegrationDraft, schema: UserSchema) -> None:
    """Keep another user schema, as `integrations.app_schema.parse` gave it."""
    answer(draft, {"user_schema": user_schema.stored(schema)}, step="advanced")


@transaction.atomic
def finish(
    draft: IntegrationDraft,
    setup: Setup,
    *,
    steps: list[dict[str, str]],
    job: Job,
) -> Integration | None:
    """Create the integration of a checked draft, once. None if that was done before.

    Raises Changed if the draft is not what was checked, Incomplete if the name is
    taken, LostLease if the job is no longer ours.
    """
    leases.report_progress(job, phase="Save")
    locked = (
        IntegrationDraft.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=draft.pk)
    )
    if is_done(locked):
        return None
    if locked.answers != draft.answers:
        raise Changed
    try:
        with transaction.atomic():
            integration = services.create(
                locked.workspace,
                app=setup.app,
                service_account=setup.service_account,
                name=setup.name,
                base_url=setup.base_url,
                identifier=setup.identifier,
                sync_schedule=setup.sync_schedule,
                on_unassign=setup.on_unassign,
                observe=setup.observe,
                own_schema=setup.own_schema,
                actor=job.actor,
            )
    except IntegrityError:
        raise Incomplete("app", name_taken(setup.name)) from None
    except origins.PasswordNeeded as error:
        raise Incomplete("service_account", str(error)) from None
    locked.check_result = {
        "state": "passed",
        "steps": steps,
        "integration": integration.directory.key,
    }
    locked.save(update_fields=["check_result", "updated_at"])
    return integration


def prune(job: Job) -> dict[str, object]:
    """Delete the drafts of a workspace that nobody touched for long."""
    old = IntegrationDraft.objects.filter(
        workspace=job.workspace_id, updated_at__lt=database_now() - KEEP
    )
    return {"drafts": old.delete()[0]}
