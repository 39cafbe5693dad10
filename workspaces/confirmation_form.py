"""The field of **Confirm your identity to continue**."""

from __future__ import annotations

from typing import Any

from django import forms

from workspaces.factors.kinds import RECOVERY, Factor


class CodeForm(forms.Form):
    """A one-time password or a recovery code of one factor."""

    device = forms.CharField(max_length=120, widget=forms.HiddenInput)
    code = forms.CharField(
        max_length=60,
        error_messages={
            "required": "Enter the code.",
            "max_length": "This is too long for a code. Enter the one that is shown now.",
        },
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "off",
                "spellcheck": "false",
                "class": "code",
            }
        ),
    )

    def __init__(
        self, *args: Any, factor: Factor, number: int = 0, **kwargs: Any
    ) -> None:
        kwargs.setdefault("auto_id", f"id_way_{number}_%s")
        kwargs.setdefault("initial", {"device": factor.id})
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        if factor.kind == RECOVERY:
            field.label = "Recovery code"
            field.help_text = "Each works once."
        else:
            field.label = "One-time password"
            field.help_text = f"The 6 digits that {factor.name} shows now."
            field.widget.attrs["inputmode"] = "numeric"


class AnyOf(forms.MultipleChoiceField):
    """Any number of choices. None is an answer too, so it is not called optional."""

    def validate(self, value: list[str]) -> None:
        """Refuse what is not among the choices."""
        if value:
            super().validate(value)


class ConfirmedActionsForm(forms.Form):
    """Which actions need a confirmation, out of those that an Owner can choose."""

    actions = AnyOf(
        label="Confirm your identity to",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose out of the actions that are listed."},
    )

    def __init__(
        self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["actions"]
        assert isinstance(field, AnyOf)  # noqa: S101  declared above
        field.choices = choices
