"""The forms of the left tabs of **Settings**. They check shape, services meaning."""

from __future__ import annotations

from typing import Any

from django import forms

from integrations.configuration import General
from integrations.forms import schedule
from integrations.forms.accounts import (
    AddressField,
    AsksPassword,
    ask_in_the_words_of,
    clean_address,
)
from integrations.forms.schedule import AsksSchedule
from integrations.models import Integration, ServiceAccount
from integrations.provisioning import unassigning
from integrations.provisioning.entitlements import GROUP_KIND
from integrations.syncing import matching_rules


class GroupNamePart(forms.CharField):
    """What stands around the name of a group. A blank at its edge is part of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            max_length=100,
            strip=False,
            widget=forms.TextInput(
                attrs={"autocomplete": "off", "spellcheck": "false"}
            ),
            **options,
        )

    def clean(self, value: Any) -> str:
        """Return the part; nothing but blanks is none. Raises ValidationError."""
        text: str = super().clean(value)
        if not text.isprintable():
            raise forms.ValidationError(
                "A name of a group has no tabs or line breaks. Use visible characters."
            )
        return text if text.strip() else ""


class GeneralForm(AsksSchedule, AsksPassword):
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
    on_unassign = forms.ChoiceField(
        label="On unassign",
        widget=forms.RadioSelect,
        help_text="What happens in the app to a user whom your IdP takes away.",
    )
    delete_after_days = forms.IntegerField(
        label="Delete after days",
        required=False,
        min_value=1,
        max_value=365,
        help_text="For Delete later. Who has a date of deletion already keeps it.",
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

    group_prefix = GroupNamePart(
        label="Group name prefix",
        help_text="What your IdP puts in front of the names of this app's groups. Only "
        "its groups with prefix and suffix are then the app's.",
    )
    group_suffix = GroupNamePart(label="Group name suffix")

    def __init__(
        self, data: Any = None, *, integration: Integration, **kwargs: Any
    ) -> None:
        present = {name: getattr(integration, name) for name in General.__slots__}
        present |= schedule.initial(integration.sync_schedule)
        present["confirms_with_app"] = "yes" if integration.confirms_with_app else "no"
        super().__init__(data, initial=present, **kwargs)
        self._app = integration.app
        ask_in_the_words_of(self._app, self)
        self.fields["on_unassign"].choices = [  # type: ignore[attr-defined]
            (value, f"{label}: {effect}")
            for value, label, effect in unassigning.choices(
                integration.app, also=integration.on_unassign
            )
        ]
        self._present_days = integration.delete_after_days
        self._describe_identifier(integration)
        self._describe_groups(integration)
        self.order_fields(
            ["name", "base_url", "password", "identifier", *AsksSchedule.base_fields]
        )

    def _describe_identifier(self, integration: Integration) -> None:
        described = integration.app.manifest.get("identifier")
        if not described:
            del self.fields["identifier"]
        else:
            self.fields["identifier"].label = described["label"]
            self.fields["identifier"].help_text = described["help"]

    def _describe_groups(self, integration: Integration) -> None:
        """Say by an example what the names mean now; ask only where there are groups."""
        manifest = integration.app.manifest
        kinds = manifest.get("capabilities", {}).get("entitlements", [])
        if GROUP_KIND not in {kind["kind"] for kind in kinds}:
            del self.fields["group_prefix"], self.fields["group_suffix"]
            return
        group = (
            integration.entitlements.filter(kind=GROUP_KIND).order_by("name").first()
        )
        name = group.name if group else "Developers"
        self.fields["group_suffix"].help_text = (
            "What it puts behind them. As saved now, "
            f"{integration.group_name(name)} at your IdP stands for {name} in the app."
        )

    def clean_base_url(self) -> str:
        """Refuse what cannot be called, or not for this app."""
        return clean_address(self.cleaned_data["base_url"], self._app)

    def clean_delete_after_days(self) -> int:
        """Keep the present number where none was entered."""
        days: int | None = self.cleaned_data["delete_after_days"]
        return days or self._present_days

    def wish(self) -> General:
        """Return what was entered."""
        given = {n: v for n, v in self.cleaned_data.items() if n in General.__slots__}
        return General(**{"identifier": "", **given, "sync_schedule": self.schedule()})


LARGEST_MINIMUM = 30_000
"""Of a threshold: what its column takes, rounded."""


class ThresholdForm(forms.Form):
    """How many users a sync may find gone."""

    threshold = forms.IntegerField(
        label="Threshold",
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"type": "range", "step": 1}),
    )
    minimum = forms.IntegerField(
        label="Hold removals by your IdP from",
        min_value=1,
        max_value=LARGEST_MINIMUM,
        help_text="Fewer users than this are never held, whatever share that is.",
    )


class MatchingForm(forms.Form):
    """By which rules a sync finds whose an account is, in order."""

    first = forms.ChoiceField(label="First")
    second = forms.ChoiceField(label="Then", required=False)
    third = forms.ChoiceField(label="Then", required=False)
    fourth = forms.ChoiceField(label="Then", required=False)

    def __init__(
        self, data: Any = None, *, integration: Integration, **kwargs: Any
    ) -> None:
        present = dict(zip(self.base_fields, integration.matching_rules, strict=False))
        super().__init__(data, initial=present, **kwargs)
        rules = matching_rules.choices(integration)
        for name, field in self.fields.items():
            nothing = [] if name == "first" else [("", "No other rule")]
            field.choices = [*nothing, *rules]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a rule that stands there twice."""
        rules = self.rules()
        for name, value in self.cleaned_data.items():
            if value and rules.count(value) > 1:
                self.add_error(name, "This rule is chosen twice. Choose each once.")
                break
        return self.cleaned_data

    def rules(self) -> list[str]:
        """Return the chosen rules in order."""
        chosen = (self.cleaned_data.get(name) for name in self.fields)
        return [rule for rule in chosen if rule]


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
