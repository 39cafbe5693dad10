"""Forms of the pages of webhooks. They check shape; the services check meaning."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from integrations.connectors.base import Misconfigured
from integrations.webhooks import sending
from integrations.webhooks.events import EVENT_TYPES
from tokens.services import Overlap

_OVERLAPS = (
    (Overlap.NOW, "Immediately: messages are refused until you enter the new one"),
    (Overlap.HOUR, "In 1 hour: both sign until then"),
    (Overlap.DAY, "In 24 hours: both sign until then"),
    (Overlap.WEEK, "In 7 days: both sign until then"),
)


class EndpointForm(forms.Form):
    """Where messages go, and about what."""

    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="Begins with https://. What it answers must be 2xx, within 15 s.",
        widget=forms.URLInput(
            attrs={"autocomplete": "off", "spellcheck": "false"},
        ),
        error_messages={
            "required": "Enter the address of the endpoint.",
            "max_length": "Use an address of at most 2,000 characters.",
        },
    )
    events = forms.MultipleChoiceField(
        label="Events",
        help_text="What it hears of.",
        choices=[(each.name, f"{each.name}: {each.label}") for each in EVENT_TYPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one event.",
            "invalid_choice": "Choose from the events that are listed.",
        },
    )

    def clean_url(self) -> str:
        """Refuse what Keyway would not call."""
        url: str = self.cleaned_data["url"].strip()
        try:
            sending.check_url(url)
        except Misconfigured as error:
            raise ValidationError(error.message) from None
        return url


class ReplaceSecretForm(forms.Form):
    """What becomes of the secret that is replaced."""

    overlap = forms.ChoiceField(
        label="Old secret stops signing",
        choices=[(str(value), label) for value, label in _OVERLAPS],
        initial=str(Overlap.DAY),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose when the old secret stops signing.",
            "invalid_choice": "Choose one of the times that are listed.",
        },
    )

    def chosen(self) -> Overlap:
        """Return the choice of a valid form."""
        return Overlap(self.cleaned_data["overlap"])
