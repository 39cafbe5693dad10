"""How a service account can log in to an app: all there is, and what works."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.models import App, ServiceAccount

_NOT_YET = {
    "sso": (
        "Single sign-on with your IdP",
        "Not available: an IdP signs people in, and Keyway works unattended.",
    ),
    "access_token": (
        "Access token",
        "Not available: service accounts hold a user name and a password only, as yet.",
    ),
}


@dataclass(frozen=True, slots=True)
class Workflow:
    """A login workflow. `reason` says why it cannot be chosen, and is empty if it can."""

    value: str
    label: str
    reason: str = ""


def workflows(app: App | None = None) -> list[Workflow]:
    """Return every known workflow, those first that the app's connector supports."""
    supported = (app.manifest if app else {}).get("login_workflows")
    found = [
        Workflow(
            str(choice.value),
            str(choice.label),
            ""
            if supported is None or choice.value in supported
            else f"Not available: {app} has no such login.",
        )
        for choice in ServiceAccount.LoginWorkflow
    ]
    found += [Workflow(value, *words) for value, words in _NOT_YET.items()]
    return sorted(found, key=lambda workflow: bool(workflow.reason))
