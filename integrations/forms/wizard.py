"""What the steps of **New app integration** ask for, and its shape."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.connectors.registry import missing_for
from integrations.forms.accounts import (
    AddressField,
    AppField,
    AsksPassword,
    ask_in_the_words_of,
    clean_address,
)
from integrations.models import App, Integration, ServiceAccount
from integrations.provisioning import unassigning
from integrations.set_up import drafts
from integrations.syncing.schedule import CHOICES
from workspaces.models import Workspace

_IDENTIFIER_HELP = (
    "It identifies your business in the app. You find it in the app's address (the "
    "subdomain, the path or a query parameter) or on the app's page of business "
    "information or settings."
)


class SelectAppForm(forms.Form):
    """Which app, where it is, and what the integration is called."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="What the integration is called in Keyway.",
        error_messages={"required": "Enter a name for the integration."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    app = AppField(
        label="Select app",
        empty_label="Choose an app",
        error_messages={
            "required": "Choose an app from the list.",
            "invalid_choice": "Choose an app from the list.",
        },
    )
    base_url = AddressField(
        help_text="As you open it in the browser, such as https://bi.example.com",
    )
    identifier = forms.CharField(required=False, max_length=200)

    def __init__(
        self,
        *args: Any,
        workspace: Workspace,
        app: App | None = None,
        **kwargs: Any,
    ) -> None:
        """`app` is the chosen one, where one was; it says what else is asked."""
        super().__init__(*args, **kwargs)
        self._workspace = workspace
        self.fields["app"].queryset = App.objects.filter(  # type: ignore[attr-defined]
            is_offered=True
        )
        self.missing = missing_for(app.connector) if app else ""
        ask_in_the_words_of(app, self)
        asked = (app.manifest.get("identifier") if app else None) or {}
        field = self.fields["identifier"]
        if not asked:
            field.widget = forms.HiddenInput()
            return
        field.required = True
        field.label = asked["label"]
        field.help_text = asked["help"] or _IDENTIFIER_HELP
        field.error_messages["required"] = f"Enter the {asked['label']}."

    def clean_name(self) -> str:
        """Refuse a name that another integration of the workspace has. S0-17."""
        name: str = self.cleaned_data["name"]
        if Integration.objects.filter(workspace=self._workspace, name=name).exists():
            raise ValidationError(drafts.name_taken(name))
        return name

    def clean_base_url(self) -> str:
        """Refuse what cannot be called, or not for this app."""
        cleaned = self.cleaned_data
        return clean_address(cleaned["base_url"], cleaned.get("app"))

    def answers(self) -> dict[str, str]:
        """Return what a draft keeps of it."""
        cleaned = self.cleaned_data
        return {**cleaned, "app": cleaned["app"].slug}


class ServiceAccountForm(AsksPassword):
    """How Keyway logs in, and as whom. S0-29: exactly one account."""

    login_workflow = forms.ChoiceField(
        choices=ServiceAccount.LoginWorkflow.choices,
        error_messages={
            "required": "Choose a login workflow.",
            "invalid_choice": "This login workflow is not available. Choose another.",
        },
    )
    service_account = forms.ModelChoiceField(
        queryset=ServiceAccount.objects.none(),
        to_field_name="public_id",
        error_messages={
            "required": "Choose a service account.",
            "invalid_choice": "This service account is not there. Choose another.",
        },
    )

    def __init__(
        self, *args: Any, workspace: Workspace, app: App, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._app = app
        accounts = ServiceAccount.objects.filter(workspace=workspace, app=app)
        self.fields["service_account"].queryset = accounts  # type: ignore[attr-defined]

    def clean_login_workflow(self) -> str:
        """Refuse what the app's connector cannot do. S0-26."""
        value: str = self.cleaned_data["login_workflow"]
        if value not in self._app.manifest["login_workflows"]:
            raise ValidationError(f"{self._app} has no such login. Choose another.")
        return value

    def clean(self) -> dict[str, Any]:
        """Refuse an account that logs in another way. S0-27."""
        cleaned = super().clean() or {}
        account = cleaned.get("service_account")
        workflow = cleaned.get("login_workflow")
        if account and workflow and account.login_workflow != workflow:
            self.add_error(
                "service_account", "This account logs in another way. Choose another."
            )
        return cleaned

    def answers(self) -> dict[str, str]:
        """Return what a draft keeps of it."""
        account: ServiceAccount = self.cleaned_data["service_account"]
        return {
            "login_workflow": self.cleaned_data["login_workflow"],
            "service_account": str(account.public_id),
        }


def _every(hours: int) -> str:
    if hours == 0:
        return "Only when somebody asks for it"
    return "Every hour" if hours == 1 else f"Every {hours} hours"


class SettingsForm(forms.Form):
    """What has a default."""

    sync_every_hours = forms.TypedChoiceField(
        label="Imports",
        coerce=int,
        choices=[(hours, _every(hours)) for hours in CHOICES],
        help_text="How often Sync reads the users, roles and groups of the app.",
    )
    on_unassign = forms.ChoiceField(label="On unassign", required=False)
    observe = forms.ChoiceField(
        label="Changes from your IdP",
        required=False,
        choices=[
            ("apply", "Apply: Keyway changes the app at once"),
            ("observe", "Observe only: Keyway shows what it would change, and waits"),
        ],
        widget=forms.RadioSelect,
        help_text="Observe only keeps everything until you let it loose.",
    )

    def __init__(self, *args: Any, app: App, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.effects = unassigning.choices(app)
        choices = [(value, label) for value, label, _ in self.effects]
        self.fields["on_unassign"].choices = choices  # type: ignore[attr-defined]

    def answers(self) -> dict[str, Any]:
        """Return what a draft keeps of it."""
        return {
            **self.cleaned_data,
            "on_unassign": self.cleaned_data["on_unassign"] or None,
            "observe": self.cleaned_data["observe"] or None,
        }
