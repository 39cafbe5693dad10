"""**Calls to the app**: what Keyway sent, and how the app answered."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse

from integrations.desired import JSON
from integrations.models import AppCall
from integrations.reports import app_calls
from workspaces.pages import Pill


def rows(calls: list[AppCall], *, name: str = "") -> list[dict[str, Any]]:
    """Return what `integrations/_calls.html` shows; `name` sets their numbers apart."""
    result: list[dict[str, Any]] = []
    before = 0
    for call in calls:
        # A session of its own begins at 1 again.
        skipped = call.sequence - before - 1 if call.sequence > before else 0
        before = call.sequence
        result.append(
            {
                "number": f"{name}{len(result) + 1}",
                "act": call.act,
                "at": call.at,
                "method": call.method,
                "path": call.path,
                "status": call.status,
                "milliseconds": call.milliseconds,
                "pill": _pill(call),
                "error": call.error,
                "sent": pretty(call.request_body),
                "answered": pretty(call.answer_body),
                "left_out": skipped,
                "picture_url": _picture_url(call),
            }
        )
    return result


def changes(calls: list[AppCall]) -> list[dict[str, Any]]:
    """Return the steps that changed the app, each with how it went."""
    return [
        {
            "words": step.words,
            "pill": Pill("Succeeded", "success")
            if step.succeeded
            else Pill("Failed", "danger"),
        }
        for step in app_calls.steps(calls)
    ]


def pretty(body: str) -> str:
    """Return JSON in lines, and anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        # It was cut at its limit, or it never was JSON.
        return body


def as_text(value: JSON) -> str:
    """Return a value of a user's attribute as it is shown."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _picture_url(call: AppCall) -> str | None:
    has_picture = getattr(call, "has_picture", False)
    return reverse("integrations:screenshot", args=[call.pk]) if has_picture else None


def _pill(call: AppCall) -> Pill:
    if call.status is None:
        return Pill("No answer", "danger")
    if call.is_failure:
        return Pill("Failed", "danger")
    if call.status >= 400:
        return Pill("Not found", "neutral")
    return Pill("Succeeded", "success")
