"""**Test and save**: try what was entered, step by step, then create the integration.

Each step is written into the draft when it ends, so that the page can show it and
a reload loses nothing. Nothing is changed in the app.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    Session,
    TemporaryFailure,
)
from integrations.models import App, Integration, IntegrationDraft
from integrations.outside import connections
from integrations.outside.acts import ToldSession
from integrations.set_up import drafts
from integrations.tasks.by_hand import is_by_hand
from workspaces import jobs, leases
from workspaces.models import Job

REACH, LOG_IN, READ, RIGHTS, SAVE = "reach", "log_in", "read", "rights", "save"
LABELS = {
    REACH: "Reach the app",
    LOG_IN: "Log in",
    READ: "Read one user and one role",
    RIGHTS: "Check admin rights",
    SAVE: "Create the integration",
}


def labels_for(app: App | None) -> dict[str, str]:
    """Return the steps of the check. Of an app by hand there is nothing to try."""
    if app is not None and is_by_hand(app):
        return {SAVE: LABELS[SAVE]}
    return LABELS


_SIDE = {
    REACH: "The app's address, or the network between Keyway and the app.",
    LOG_IN: "The service account.",
    READ: "The rights of the service account in the app.",
    RIGHTS: "The rights of the service account in the app.",
    SAVE: "What was entered here.",
}
_MEND = {
    REACH: "app",
    LOG_IN: "service_account",
    READ: "service_account",
    RIGHTS: "service_account",
    SAVE: "app",
}


def carry_out(job: Job) -> dict[str, object] | None:
    """Check one draft and create its integration. Raises GiveUp, with the reason."""
    draft = (
        IntegrationDraft.objects.select_related("workspace")
        .filter(workspace=job.workspace_id, public_id=job.subject)
        .first()
    )
    if draft is None or drafts.is_done(draft):
        return None
    record = _Record(job, draft)
    try:
        setup = drafts.complete(draft)
        if setup.service_account is not None:
            _try_out(record, setup)
        with record.step(SAVE) as note:
            created = drafts.finish(
                draft, setup, steps=record.steps_when_done(), job=job
            )
            note("")
    except drafts.Incomplete as error:
        raise record.failed(error.message, side=_SIDE[SAVE], mend=error.step) from None
    except drafts.Changed:
        message = "Somebody changed what was entered during the check. Test it again."
        raise record.failed(message, side=_SIDE[SAVE], mend="app") from None
    except ConnectorError as error:
        raise record.failed(error.message, **_blame(record.current, error)) from None
    return {"integration": created.directory.key} if created else None


def _try_out(record: _Record, setup: drafts.Setup) -> None:
    would_be = Integration(
        app=setup.app,
        service_account=setup.service_account,
        base_url=setup.base_url,
        identifier=setup.identifier,
    )
    acts: dict[str, Callable[[ToldSession], str]] = {
        REACH: _reach,
        LOG_IN: lambda session: _log_in(session, setup),
        READ: _read,
        RIGHTS: _rights,
    }
    # An address that may not be called is found when the session is opened.
    record.begin(REACH)
    with connections.open_session(would_be, job=record.job) as session:
        for key, act in acts.items():
            with record.step(key) as note:
                note(act(session))


def _reach(session: Session) -> str:
    session.reach()
    return "The app answers."


def _log_in(session: Session, setup: drafts.Setup) -> str:
    session.log_in()
    if setup.service_account is None or not setup.service_account.username:
        return "The app takes the access token."
    return f"{setup.service_account.username} is logged in."


def _read(session: Session) -> str:
    """Read the first of each. An app without roles and groups has none to read."""
    accounts, entitlements = session.list_accounts(), session.list_entitlements()
    user = "A user" if next(accounts, None) else "The list of users, which is empty,"
    held = next(entitlements, None)
    if held is None:
        return f"{user} was read. The app shows no roles or groups."
    return f"{user} and a {held.kind} were read."


def _rights(session: ToldSession) -> str:
    session.check()
    shown = (
        "The app shows the account what only an admin may see. Nothing was changed "
        "to try it."
    )
    return " ".join([shown, *session.limits()])


def _blame(step: str, error: ConnectorError) -> dict[str, str]:
    """Return whose side it is on, and the step of the wizard to go back to."""
    side = _SIDE[step]
    if step != REACH and isinstance(error, TemporaryFailure):
        side = "The app."
    elif step != REACH and not isinstance(error, Misconfigured):
        side = "The app, or its entry in the catalog."
    return {"side": side, "mend": _MEND[step]}


def gave_up(job: Job, error: str) -> None:
    """Show the end of a check that ended without a word of its own."""
    draft = IntegrationDraft.objects.filter(
        workspace=job.workspace_id, public_id=job.subject
    ).first()
    if draft is not None and drafts.is_open(draft):
        problem = {"message": error, "side": "Keyway.", "mend": "app"}
        draft.check_result |= {"state": "failed", "problem": problem}
        draft.save(update_fields=["check_result"])


class _Record:
    """The steps of one check, as the draft shows them."""

    def __init__(self, job: Job, draft: IntegrationDraft) -> None:
        self.job = job
        self._draft = draft
        self._steps: dict[str, dict[str, str]] = {}
        self.current = ""

    def begin(self, key: str) -> None:
        """Show that a step runs."""
        self.current = key
        self._steps[key] = {"state": "running", "detail": ""}
        self._write({"state": "running"})

    @contextmanager
    def step(self, key: str) -> Iterator[Callable[[str], None]]:
        """Run a step; what is noted is shown when it is done."""
        self.begin(key)
        begun = time.monotonic()
        detail: list[str] = []
        yield detail.append
        took = f"({time.monotonic() - begun:.1f} s)"
        self._steps[key] = {"state": "done", "detail": " ".join([*detail, took])}
        if key != SAVE:
            self._write({"state": "running"})

    def steps_when_done(self) -> list[dict[str, str]]:
        """Return the steps as they stand once the integration is there."""
        self._steps[SAVE] = {"state": "done", "detail": ""}
        return self._as_list()

    def failed(self, message: str, *, side: str, mend: str) -> jobs.GiveUp:
        """Show where the check failed and why. Returns what ends the job."""
        if self.current:
            self._steps[self.current] = {"state": "failed", "detail": ""}
        problem = {"message": message, "side": side, "mend": mend}
        self._write({"state": "failed", "problem": problem})
        return jobs.GiveUp(message)

    def _as_list(self) -> list[dict[str, str]]:
        return [{"key": key, **step} for key, step in self._steps.items()]

    @transaction.atomic
    def _write(self, result: dict[str, Any]) -> None:
        """Store the steps. Raises LostLease if the check was stopped or taken over.

        The job's row is held until the steps are written: nobody stops it between.
        """
        leases.report_progress(self.job, phase=LABELS.get(self.current, ""))
        started_at = self._draft.check_result.get("started_at")
        IntegrationDraft.objects.filter(pk=self._draft.pk).update(
            check_result={
                **result,
                "steps": self._as_list(),
                "started_at": started_at,
            }
        )
