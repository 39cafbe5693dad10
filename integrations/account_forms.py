"""Forms of service accounts. A password goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.models import App, ServiceAccount

_PASSWORD = forms.PasswordInput(
    attrs={"autocomplete": "new-password", "spellcheck": "false"}
)


class AppField(forms.ModelChoiceField):
    """An app of the catalog, by its slug."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(App.objects.none(), to_field_name="slug", **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the app. Refuses what no database takes as a text."""
        if isinstance(value, str) and "\x00" in value:
            raise ValidationError(self.error_messages["invalid_choice"])
        return super().to_python(value)


class AddServiceAccountForm(forms.Form):
    """A live account of an app with the app's own admin role."""

    app = AppField(
        label="App",
        empty_label="Choose an app",
        error_messages={
            "required": "Choose the app that the account is in.",
            "invalid_choice": "Choose the app that the account is in.",
        },
    )
    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="What the account is called in Keyway.",
        error_messages={"required": "Enter a name for the service account."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    login_workflow = forms.ChoiceField(
        choices=ServiceAccount.LoginWorkflow.choices,
        error_messages={
            "required": "Choose a login workflow.",
            "invalid_choice": "This login workflow is not available. Choose another.",
        },
    )
    username = forms.CharField(
        label="Username",
        max_length=254,
        help_text="As the account logs in to the app.",
        error_messages={"required": "Enter the user name of the account."},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        help_text="Stored encrypted. Nobody can read it here again.",
        error_messages={"required": "Enter the password of the account."},
        widget=_PASSWORD,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["app"].queryset = App.objects.filter(  # type: ignore[attr-defined]
            is_offered=True
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a login that the app's connector cannot do."""
        cleaned = super().clean() or {}
        app, workflow = cleaned.get("app"), cleaned.get("login_workflow")
        if app and workflow and workflow not in app.manifest["login_workflows"]:
            raise ValidationError({"login_workflow": f"{app} has no such login."})
        return cleaned


class ReplacePasswordForm(forms.Form):
    """The new password, write-only."""

    password = forms.CharField(
        label="New password",
        max_length=1000,
        strip=False,
        help_text="Change it in the app first. Nobody can read it here again.",
        error_messages={"required": "Enter the new password of the account."},
        widget=_PASSWORD,
    )
