"""Pages as the stage does not have them: nothing yet, mistakes, refusals, work under way."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from playwright.sync_api import Page

from integrations import services
from integrations.models import Integration
from integrations.reports import assignment_exports
from integrations.set_up import drafts
from integrations.syncing import sync
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import User

Visit = Callable[[Page], None]
"""Brings a page of the browser to what is to be looked at."""


def at(path: str, *, press: str = "") -> Visit:
    """Return a visit of a path, where a button may be pressed."""

    def visit(page: Page) -> None:
        page.goto(path)
        if press:
            page.get_by_role("button", name=press, exact=True).first.click()
            page.wait_for_load_state("networkidle")

    return visit


def _session_ends(page: Page) -> None:
    """Send a form after the session is over."""
    page.goto("/integrations/new/")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_text("Your session ended").wait_for()


NOTHING_YET: list[tuple[str, Visit]] = [
    ("integrations-empty", at("/integrations/")),
    ("dashboard-empty", at("/dashboard/")),
    ("service-accounts-empty", at("/service-accounts/")),
    ("activity-empty", at("/activity/")),
    ("idp-settings-off", at("/settings/idp/")),
    ("provisioning-off", at("/settings/scim-users-provisioning/")),
]
"""A workspace on its first day."""

REFUSED: list[tuple[str, Visit]] = [
    ("integrations-no-match", at("/integrations/?q=zzz")),
    ("wizard-mistakes", at("/integrations/new/", press="Next")),
    ("no-such-page", at("/nothing-here/")),
    ("session-ended", _session_ends),
    ("sign-in-mistakes", at("/login/", press="Sign in")),
]
"""In this order: the last two have no session any more."""


def of_integration(key: str) -> list[tuple[str, Visit]]:
    """Return the tabs of an integration that has neither token nor users."""
    base = f"/integrations/{key}"
    return [
        ("connected-services-empty", at(f"{base}/settings/connected-services/")),
        ("users-empty", at(f"{base}/users/")),
        ("entitlements-empty", at(f"{base}/entitlements/")),
        ("activity-tab-empty", at(f"{base}/activity/")),
        (
            "generate-token",
            at(f"{base}/settings/connected-services/", press="Generate token"),
        ),
    ]


def of_work(integration: Integration, actor: User) -> list[tuple[str, Visit]]:
    """Return a sync that runs, an export that waits, and a check that has failed."""
    now = database_now()
    key = integration.directory.key
    asked = services.request_sync(integration, actor=actor, now=now)
    running = leases.claim(worker="screens", now=now, only=asked.public_id)
    assert running is not None
    leases.report_progress(running, phase=sync.SAVE, done=40, total=214)
    assignment_exports.request(integration, actor=actor, now=now)
    return [
        ("sync-running", at(f"/integrations/{key}/sync/{running.public_id}/")),
        ("export-preparing", at(f"/integrations/{key}/entitlements/")),
        ("check-failed", at(_failed_check(integration, actor))),
    ]


def _failed_check(integration: Integration, actor: User) -> str:
    """Check a draft whose app cannot be reached; return the page that says so."""
    account = integration.service_account
    assert account is not None
    answers = {
        "name": "Acme BI",
        "app": integration.app.slug,
        "base_url": integration.base_url,
        "login_workflow": "password",
        "service_account": str(account.public_id),
    }
    draft = drafts.start(integration.workspace, answers=answers, actor=actor)
    asked = drafts.request_check(draft, actor=actor, now=database_now())
    job = leases.claim(worker="screens", now=database_now(), only=asked.public_id)
    assert job is not None
    leases.carry_out(job)
    job.refresh_from_db()
    assert job.state == job.State.NOT_COMPLETED
    return f"/integrations/new/{draft.public_id}/check/"
