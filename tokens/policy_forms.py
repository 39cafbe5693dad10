"""The form of **Token policy**."""

from __future__ import annotations

from typing import Any

from django import forms

from tokens.policy import in_words
from tokens.policy_models import TWO_YEARS, TokenPolicy

MOST_REMINDERS = 10
FIRST_REMINDER = 365
_NUMBERS = forms.NumberInput(attrs={"inputmode": "numeric"})


def _days(label: str, help_text: str) -> forms.IntegerField:
    wrong = f"Enter whole days, 1 to {TWO_YEARS}."
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=TWO_YEARS,
        help_text=help_text,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), wrong
        ),
        widget=_NUMBERS,
    )


class TokenPolicyForm(forms.Form):
    """How long tokens live, and when people hear of their end."""

    default_days = _days("Default life", "Days that a new SCIM token lives.")
    longest_days = _days(
        "Longest life",
        f"Days, at most {TWO_YEARS}. Holds for SCIM tokens and API tokens.",
    )
    longest_overlap_hours = forms.TypedChoiceField(
        label="Longest overlap",
        coerce=int,
        choices=(
            (0, "None: the old token stops immediately"),
            (1, "1 hour"),
            (24, "24 hours"),
            (168, "7 days"),
        ),
        help_text="How long a replaced token may live on. Immediately can always be "
        "chosen.",
        error_messages={
            "required": "Choose the longest overlap.",
            "invalid_choice": "Choose one of the times that are listed.",
        },
    )
    remind_days = forms.CharField(
        label="Reminders",
        max_length=100,
        help_text="Days before the end, such as 90, 30, 7, 1. Administrators get a mail "
        "on each.",
        error_messages={
            "required": "Enter at least one number of days, such as 30.",
            "max_length": "Enter at most 10 numbers of days.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, policy: TokenPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "default_days": policy.default_days,
            "longest_days": policy.longest_days,
            "longest_overlap_hours": policy.longest_overlap_hours,
            "remind_days": ", ".join(map(str, policy.remind_days)),
        }

    def clean_remind_days(self) -> list[int]:
        """Return the days, each once."""
        parts = self.cleaned_data["remind_days"].replace(",", " ").split()
        days = {int(part) for part in parts if part.isascii() and part.isdigit()}
        if len(days) != len(set(parts)) or not all(
            1 <= number <= FIRST_REMINDER for number in days
        ):
            raise forms.ValidationError(
                f"Enter whole days, 1 to {FIRST_REMINDER}, with commas between them: "
                "90, 30, 7, 1."
            )
        if len(days) > MOST_REMINDERS:
            raise forms.ValidationError(f"Enter at most {MOST_REMINDERS} reminders.")
        return sorted(days, reverse=True)

    def clean(self) -> dict[str, Any]:
        """Refuse a default that is longer than the longest."""
        given: dict[str, Any] = super().clean() or {}
        default, longest = given.get("default_days"), given.get("longest_days")
        if default and longest and default > longest:
            self.add_error(
                "default_days",
                f"Enter at most the longest life, which is {in_words(longest)}.",
            )
        return given
