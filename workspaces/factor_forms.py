"""Forms of the Security pages and of the second step."""

from __future__ import annotations

from typing import Any

from django import forms

from workspaces.first_focus import FirstFocus


def _code_field(label: str, hint: str, *, numeric: bool) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
    if numeric:
        attrs["inputmode"] = "numeric"
    return forms.CharField(
        label=label,
        help_text=hint,
        max_length=40,
        error_messages={"required": "Enter the code."},
        widget=forms.TextInput(attrs=attrs),
    )


class CodeForm(FirstFocus, forms.Form):
    """A code from an authenticator app."""

    code = _code_field("One-time password", "6 digits from your app.", numeric=True)


class RecoveryCodeForm(FirstFocus, forms.Form):
    """One of the codes kept for a lost device."""

    code = _code_field(
        "Recovery code",
        "One that you have not used yet. Each is good once.",
        numeric=False,
    )


class PasswordForm(FirstFocus, forms.Form):
    """The password again."""

    password = forms.CharField(
        label="Password",
        strip=False,
        error_messages={"required": "Enter your password."},
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True}
        ),
    )


class NameForm(forms.Form):
    """What somebody calls a factor."""

    name = forms.CharField(
        label="Name",
        max_length=64,
        help_text="So that you know it in a list: “Work laptop”.",
        error_messages={"required": "Enter a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NewAppForm(NameForm):
    """Name and first code of an authenticator app."""

    code = CodeForm.base_fields["code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.pop("autofocus", None)


class PolicyForm(forms.Form):
    """What a workspace asks of everybody who logs in."""

    require_two_steps = forms.BooleanField(
        label="Require two steps to log in",
        required=False,
        help_text="Whoever has no second factor is led to set one up before anything else.",
    )
    confirm_minutes = forms.IntegerField(
        label="Confirm again after",
        min_value=0,
        max_value=60,
        help_text="Minutes, 0 to 60. With 0 every action that asks for a confirmation asks "
        "for a new one. Viewing a token always does.",
        error_messages={
            "required": "Enter the minutes.",
            "invalid": "Enter whole minutes, such as 10.",
            "min_value": "Enter 0 to 60 minutes.",
            "max_value": "Enter 0 to 60 minutes.",
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
