"""Forms of single sign-on. They check shape; the services check meaning."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from integrations.connectors.addresses import AddressRule
from integrations.connectors.base import ConnectorError
from integrations.single_sign_on.calls import told
from workspaces import sign_in_providers
from workspaces.models import SignInProvider

_QUIET = {"autocomplete": "off", "spellcheck": "false"}


class EmailForm(forms.Form):
    """Who wants to sign in: the address decides at which provider."""

    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={
            "required": "Enter your email address.",
            "invalid": "Enter an email address, such as ana@example.com.",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            # The errors have the focus: see FirstFocus.
            self.fields["email"].widget.attrs.pop("autofocus")


class ProviderForm(forms.Form):
    """What an Owner copies from the provider."""

    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="What your people call it. They read “Sign in with” before it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter what your people call it, such as Okta."},
    )
    issuer = forms.CharField(
        label="Issuer",
        max_length=300,
        help_text=(
            "The provider's address, such as https://acme.okta.com. Keyway reads its "
            "endpoints from there."
        ),
        widget=forms.URLInput(attrs=_QUIET),
        error_messages={"required": "Enter the issuer, such as https://acme.okta.com."},
    )
    client_id = forms.CharField(
        label="Client ID",
        max_length=255,
        widget=forms.TextInput(attrs=_QUIET),
        error_messages={"required": "Enter the client ID that the provider gave."},
    )
    client_secret = forms.CharField(
        label="Client secret",
        max_length=500,
        widget=forms.PasswordInput(attrs={**_QUIET, "autocomplete": "new-password"}),
        error_messages={"required": "Enter the client secret that the provider gave."},
    )
    trusts_second_step = forms.BooleanField(
        label="Trust the provider's second step",
        required=False,
        help_text=(
            "Whoever did two steps there (amr or acr says mfa) is not asked for one "
            "here. Otherwise people who have a second factor here prove it."
        ),
    )

    def __init__(
        self, *args: Any, provider: SignInProvider | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._provider = provider
        secret = self.fields["client_secret"]
        secret.required = provider is None
        if provider:
            secret.help_text = "Kept sealed and never shown. Leave it empty to keep it."

    @classmethod
    def of(cls, provider: SignInProvider | None) -> ProviderForm:
        """Return the form with what is set now. The secret is not in it."""
        names = ("name", "issuer", "client_id", "trusts_second_step")
        present = {name: getattr(provider, name) for name in names} if provider else {}
        return cls(provider=provider, initial=present)

    def clean_issuer(self) -> str:
        """Refuse what is no address that Keyway may call."""
        issuer = str(self.cleaned_data["issuer"])
        try:
            AddressRule(settings.KEYWAY_ALLOWED_NETWORKS).check_base_url(issuer)
        except ConnectorError as error:
            raise forms.ValidationError(told(error)) from None
        return issuer

    def clean(self) -> dict[str, Any]:
        """Ask for the secret where none is kept for this issuer and client."""
        cleaned: dict[str, Any] = super().clean() or {}
        given = {"issuer", "client_id", "client_secret"} <= cleaned.keys()
        if given and not cleaned["client_secret"]:
            kept = sign_in_providers.keeps_secret(
                self._provider,
                issuer=cleaned["issuer"],
                client_id=cleaned["client_id"],
            )
            if not kept:
                self.add_error("client_secret", _ENTER_IT)
        return cleaned


_ENTER_IT = "Enter the client secret. A kept one is told to no other issuer or client."
