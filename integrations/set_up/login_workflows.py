"""How a service account can log in to an app: all there is, and what works."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.models import App, ServiceAccount

_NEVER = {
    "sso": (
        "Single sign-on with your IdP",
        "Not available: an IdP signs people in, and Keyway works unattended.",
    ),
}


@dataclass(frozen=True, slots=True)
class Workflow:
    """A login workflow. `reason` says why it cannot be chosen, and is empty if it can."""

    value: str
    label: str
    reason: str = ""


def workflows(app: App | None = None) -> list[Workflow]:
    """Return every known workflow, those first that the app supports, in its order."""
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
    found += [Workflow(value, *words) for value, words in _NEVER.items()]
    order = supported or []
    return sorted(
        found,
        key=lambda each: (
            bool(each.reason),
            order.index(each.value) if each.value in order else 0,
        ),
    )
