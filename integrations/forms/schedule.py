"""The fields that say when an integration is synced."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from integrations.syncing import cron

OWN = "own"


class AsksSchedule(forms.Form):
    """A form that asks for a preset, or for a cron expression of one's own."""

    sync_schedule = forms.ChoiceField(
        label="Imports",
        required=False,
        choices=[*cron.PRESETS.items(), (OWN, "By the cron expression below")],
        help_text="When Keyway reads the users, roles and entitlements of the app.",
    )
    own_schedule = forms.CharField(
        label="Cron expression",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Minute, hour, day of month, month, day of week, in UTC. For example "
        f"{cron.EXAMPLE}: 05:30 on working days.",
    )

    def clean_own_schedule(self) -> str:
        """Refuse what is no expression, if it is the one that counts."""
        if self.cleaned_data.get("sync_schedule") != OWN:
            return ""
        written: str = self.cleaned_data["own_schedule"]
        if not written:
            raise ValidationError(f"Enter a cron expression, such as {cron.EXAMPLE}.")
        try:
            return cron.check(written)
        except cron.BadExpression as error:
            raise ValidationError(str(error)) from None

    def schedule(self) -> str:
        """Return the expression that was chosen or entered."""
        chosen: str = self.cleaned_data["sync_schedule"]
        return self.cleaned_data["own_schedule"] if chosen == OWN else chosen


def initial(expression: str) -> dict[str, str]:
    """Return what the fields show of an expression."""
    if expression in cron.PRESETS:
        return {"sync_schedule": expression}
    return {"sync_schedule": OWN, "own_schedule": expression}
