"""The form of **Scheduled rotation**."""

from __future__ import annotations

from typing import Any

from django import forms

from tokens.policy_models import TWO_YEARS, RotationSchedule

SHORTEST, USUAL_LEAD, LONGEST_LEAD = 7, 14, 90
"""Days."""


def _days(
    label: str, help_text: str, least: int, most: int, *, required: bool
) -> forms.IntegerField:
    wrong = f"Enter whole days, {least} to {most}."
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=least,
        max_value=most,
        help_text=help_text,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), wrong
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class RotationForm(forms.Form):
    """Every how many days tokens are replaced, if by schedule."""

    every_days = _days(
        "Replace tokens every",
        f"Days, {SHORTEST} to {TWO_YEARS}. Empty: no scheduled rotation.",
        SHORTEST,
        TWO_YEARS,
        required=False,
    )
    lead_days = _days(
        "Tell administrators before",
        f"Days before a token is due, 1 to {LONGEST_LEAD}.",
        1,
        LONGEST_LEAD,
        required=True,
    )

    def __init__(
        self, *args: Any, schedule: RotationSchedule | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "every_days": schedule.every_days if schedule else None,
            "lead_days": schedule.lead_days if schedule else USUAL_LEAD,
        }

    def clean(self) -> dict[str, Any]:
        """Ask for a lead that is shorter than the period."""
        given: dict[str, Any] = super().clean() or {}
        every, lead = given.get("every_days"), given.get("lead_days")
        if every and lead and lead >= every:
            self.add_error("lead_days", f"Enter fewer than {every} days.")
        return given
