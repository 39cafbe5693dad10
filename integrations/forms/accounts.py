"""Forms of service accounts. A password goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from integrations.connectors.addresses import WEB_SCHEMES, AddressRule, origin_of
from integrations.connectors.base import Misconfigured
from integrations.connectors.registry import schemes_of
from integrations.models import App, ServiceAccount

_PASSWORD = forms.PasswordInput(
    attrs={"autocomplete": "new-password", "spellcheck": "false"}
)
_LONGEST_TOKEN = 4000
_TOKEN = RegexValidator(
    r"\A[\x21-\x7e]*\Z",
    "An access token has no spaces and no line breaks. Copy it from the app again.",
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


class AddressField(forms.CharField):
    """The address of an app, as people open it in the browser or as its clients do."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Address of the app",
            max_length=500,
            error_messages={"required": "Enter the address of the app."},
            widget=forms.URLInput(
                attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}
            ),
            **kwargs,
        )


def clean_address(address: str, app: App | None) -> str:
    """Return the address of an app with its scheme.

    Raises ValidationError for what Keyway may not call, or not for this app.
    """
    schemes = schemes_of(app.connector) if app else WEB_SCHEMES
    url = address.rstrip("/")
    if "://" not in url:
        url = f"{schemes[0]}://{url}"
    try:
        AddressRule(settings.KEYWAY_ALLOWED_NETWORKS).check_base_url(
            url, schemes=schemes
        )
    except Misconfigured as error:
        raise ValidationError(error.message) from None
    return url


def ask_in_the_words_of(app: App | None, form: forms.Form) -> None:
    """Let the app's manifest say what its address and user name are."""
    manifest = app.manifest if app else {}
    for name, key in (("base_url", "address"), ("username", "username")):
        asked = manifest.get(key)
        if asked and name in form.fields:
            field = form.fields[name]
            field.label, field.help_text = asked["label"], asked["help"]
            field.error_messages["required"] = f"Enter the {asked['label']}."


class AsksPassword(forms.Form):
    """A form that takes the password of a saved account where it is needed again."""

    password = forms.CharField(
        label="Password of the service account",
        required=False,
        max_length=_LONGEST_TOKEN,
        strip=False,
        help_text="Keyway sends what is saved only to the addresses for which "
        "somebody entered it. Nobody can read it here.",
        widget=_PASSWORD,
    )
    asks_password = False
    """Whether the page shows the field."""

    def ask_for_password(
        self, account: ServiceAccount | None, reason: str = ""
    ) -> None:
        """Show the field, with the reason as its error if there is one."""
        self.asks_password = True
        word = account.secret_word if account else "password"
        self["password"].label = f"{word.capitalize()} of the service account"
        self.fields["password"].required = True
        if reason:
            self.add_error("password", reason)


_UNUSED_BY = {
    ServiceAccount.LoginWorkflow.PASSWORD.value: ("token",),
    ServiceAccount.LoginWorkflow.ACCESS_TOKEN.value: ("username", "password"),
}
"""The fields of another login, which the page hides."""


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
    base_url = AddressField(
        help_text="As you open it in the browser, such as https://bi.example.com. "
        "Keyway sends the password or token to this address only.",
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
    token = forms.CharField(
        label="Access token",
        max_length=_LONGEST_TOKEN,
        validators=[_TOKEN],
        help_text="An API key or bearer token of the account, made in the app. Stored "
        "encrypted. Nobody can read it here again.",
        error_messages={"required": "Enter the access token of the account."},
        widget=_PASSWORD,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["app"].queryset = App.objects.filter(  # type: ignore[attr-defined]
            is_offered=True
        ).exclude(connector="task")
        ask_in_the_words_of(self._chosen_app(), self)

    def _chosen_app(self) -> App | None:
        try:
            app: App = self.fields["app"].clean(self["app"].value())
        except ValidationError:
            return None
        return app

    def clean_base_url(self) -> str:
        """Refuse what cannot be called, or not for this app."""
        cleaned = self.cleaned_data
        return clean_address(cleaned["base_url"], cleaned.get("app"))

    def clean(self) -> dict[str, Any]:
        """Keep what the chosen login needs. Refuse one that the app does not have."""
        cleaned = super().clean() or {}
        app, workflow = cleaned.get("app"), cleaned.get("login_workflow")
        for name in _UNUSED_BY.get(str(workflow), ()):
            self.errors.pop(name, None)
            cleaned[name] = ""
        if app and workflow and workflow not in app.manifest["login_workflows"]:
            raise ValidationError(
                {"login_workflow": f"{app} has no such login. Choose another."}
            )
        return cleaned


class ReplacePasswordForm(forms.Form):
    """The new password or access token, write-only."""

    password = forms.CharField(
        label="New password",
        max_length=_LONGEST_TOKEN,
        strip=False,
        help_text="Change it in the app first. Nobody can read it here again.",
        widget=_PASSWORD,
    )
    origins = forms.MultipleChoiceField(
        help_text="Tick each address at which the account logs in. Keyway sends it "
        "nowhere else.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Tick the address at which the account logs in.",
            "invalid_choice": "This address is not in use any more. Choose another.",
        },
    )
    base_url = AddressField(help_text="Keyway sends it to this address only.")

    def __init__(
        self, *args: Any, account: ServiceAccount, origins: list[str], **kwargs: Any
    ) -> None:
        """`origins` are those to choose from; without any, an address is asked for."""
        super().__init__(*args, **kwargs)
        word = account.secret_word
        self._is_token = not account.username
        self._app = account.app
        self.fields["password"].label = f"New {word}"
        self.fields["password"].error_messages["required"] = (
            f"Enter the new {word} of the account."
        )
        self.fields["origins"].label = f"This {word} is for"
        ask_in_the_words_of(account.app, self)
        del self.fields["base_url" if origins else "origins"]
        if origins:
            choices = [(origin, origin) for origin in origins]
            self.fields["origins"].choices = choices  # type: ignore[attr-defined]

    def clean_password(self) -> str:
        """Refuse a token that no header can carry."""
        secret: str = self.cleaned_data["password"]
        if self._is_token:
            secret = secret.strip()
            _TOKEN(secret)
        return secret

    def clean_base_url(self) -> str:
        """Refuse what cannot be called, or not for this app."""
        return clean_address(self.cleaned_data["base_url"], self._app)

    def chosen_origins(self) -> list[str]:
        """Return where the new password may be sent."""
        if "origins" in self.cleaned_data:
            return list(self.cleaned_data["origins"])
        return [origin_of(self.cleaned_data["base_url"])]
