"""Pages as the stage does not have them: nothing there yet, no match, mistakes, refusals."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from playwright.sync_api import Page

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
