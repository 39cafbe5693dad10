"""The forms of the left tabs of **Settings**. They check shape, services meaning."""

from __future__ import annotations

from typing import Any

from django import forms

from integrations.configuration import General
from integrations.forms.accounts import AddressField, AsksPassword
from integrations.models import Integration, ServiceAccount
from integrations.syncing import schedule


def _interval(hours: int) -> str:
    if not hours:
        return "Only when somebody presses Sync"
    return f"Every {hours} h" if hours > 1 else "Every hour"


class GeneralForm(AsksPassword):
    """Name, address and what a sync and an unassigned user mean."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    base_url = AddressField(
        help_text="As you open it in the browser, such as https://pm.example.com",
    )
    identifier = forms.CharField(
        label="Organization ID",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sync_every_hours = forms.TypedChoiceField(
        label="Imports",
        coerce=int,
        help_text="How often Keyway reads the users, roles and entitlements of the app.",
    )
    on_unassign = forms.ChoiceField(
        label="On unassign",
        choices=[
            ("deactivate", "Deactivate: the account stays in the app"),
            ("delete", "Delete: the account is gone from the app"),
        ],
        widget=forms.RadioSelect,
        help_text="What happens in the app to a user whom your IdP takes away.",
    )

    calls_per_second = forms.IntegerField(
        label="Calls a second",
        min_value=0,
        max_value=1000,
        help_text="How often Keyway may call the app, all its work together. 0: as fast "
        "as the app answers.",
    )
    confirms_with_app = forms.TypedChoiceField(
        label="Confirm with the app",
        choices=[
            ("no", "Answer at once, then change the app"),
            ("yes", "Wait for the app, pass on its refusal"),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        help_text="Whether a request of your IdP waits until the app has made the "
        "change. If the app takes too long, the request is answered as usual.",
    )

    def __init__(
        self, data: Any = None, *, integration: Integration, **kwargs: Any
    ) -> None:
        present = {name: getattr(integration, name) for name in General.__slots__}
        present["confirms_with_app"] = "yes" if integration.confirms_with_app else "no"
        super().__init__(data, initial=present, **kwargs)
        hours = {*schedule.CHOICES, integration.sync_every_hours}
        self.fields["sync_every_hours"].choices = [  # type: ignore[attr-defined]
            (number, _interval(number)) for number in sorted(hours)
        ]
        self._describe_identifier(integration)
        self.order_fields(["name", "base_url", "password"])

    def _describe_identifier(self, integration: Integration) -> None:
        described = integration.app.manifest.get("identifier")
        if not described:
            del self.fields["identifier"]
        else:
            self.fields["identifier"].label = described["label"]
            self.fields["identifier"].help_text = described["help"]

    def wish(self) -> General:
        """Return what was entered."""
        given = {n: v for n, v in self.cleaned_data.items() if n != "password"}
        return General(**{"identifier": "", **given})


class ThresholdForm(forms.Form):
    """How many users a sync may find gone."""

    threshold = forms.IntegerField(
        label="Threshold",
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"type": "range", "step": 1}),
    )


class ServiceAccountForm(AsksPassword):
    """Which saved account to work with."""

    account = forms.ModelChoiceField(
        label="Accounts saved for this app",
        queryset=ServiceAccount.objects.none(),
        to_field_name="public_id",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "invalid_choice": "This service account no longer exists. Choose another."
        },
    )

    def __init__(self, data: Any = None, *, accounts: Any, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.order_fields(["account", "password"])


class DeleteForm(forms.Form):
    """Asks for the name of what is to be deleted."""

    typed_name = forms.CharField(
        label="Name of the integration",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Type the name of the integration to delete it."},
    )

    def __init__(self, data: Any = None, *, name: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["typed_name"].help_text = f"Type {name} to delete it."
