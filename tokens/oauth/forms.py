"""Forms of the pages of OAuth clients and trust. They check shape."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms

from tokens.models import OAuthClient
from tokens.oauth import jose
from tokens.oauth.trusts import Terms

_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
METHODS = (
    (
        OAuthClient.Method.SECRET,
        "Client secret: Keyway makes it, and shows it once",
    ),
    (
        OAuthClient.Method.PRIVATE_KEY,
        "Private key: your IdP signs JWTs, and you enter its public key below",
    ),
)


def _name(example: str) -> forms.CharField:
    return forms.CharField(
        label="Name",
        max_length=100,
        help_text=f"What comes in by it, such as {example}.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Enter a name.",
            "max_length": "Use at most 100 characters for the name.",
        },
    )


def _line(label: str, hint: str, *, longest: int, required: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=longest,
        help_text=hint,
        required=bool(required),
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={
            "required": required,
            "max_length": f"Use at most {longest} characters.",
        },
    )


def _keys(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label="Public key",
        max_length=60_000,
        required=required,
        strip=True,
        help_text="PEM, a certificate, or a JWKS. Enter the former key too while both "
        "are in use.",
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 6}),
        error_messages={
            "required": "Enter the public key.",
            "max_length": "Enter at most 60,000 characters.",
        },
    )


class _ReadsKeys(forms.Form):
    """Reads public keys; what turns out to be private is not sent back."""

    def clean_public_key(self) -> list[jose.Jwk]:
        """Return the keys as JWKs, none of an empty field."""
        text = self.cleaned_data["public_key"]
        try:
            return jose.read_public_keys(text) if text else []
        except jose.PrivateKey as error:
            kept = {name: self.data.get(name) for name in self.data}
            self.data = {**kept, "public_key": ""}
            raise forms.ValidationError(str(error)) from None
        except jose.NoPublicKey as error:
            raise forms.ValidationError(str(error)) from None


class ClientForm(_ReadsKeys):
    """What a new OAuth client is called, and how it proves who it is."""

    name = _name("entra-prod")
    method = forms.ChoiceField(
        label="Proves itself by",
        choices=METHODS,
        initial=OAuthClient.Method.SECRET,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose how the client proves itself.",
            "invalid_choice": "Choose one of the ways that are listed.",
        },
    )
    public_key = _keys(required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for a key where the client signs with one."""
        data = super().clean() or self.cleaned_data
        signs = data.get("method") == OAuthClient.Method.PRIVATE_KEY
        if signs and data.get("public_key") == []:
            self.add_error("public_key", "Enter the public key.")
        return data

    @property
    def has_secret(self) -> bool:
        """Whether Keyway makes the secret of the client."""
        return bool(self.cleaned_data["method"] == OAuthClient.Method.SECRET)


class KeysForm(_ReadsKeys):
    """Other public keys of a client."""

    public_key = _keys(required=True)


class TrustForm(forms.Form):
    """What a JWT of the IdP says, and where its public keys are."""

    name = _name("Entra")
    issuer = _line(
        "Issuer",
        "What the JWT has as iss. Entra: https://sts.windows.net/<tenant id>/, with the "
        "slash.",
        longest=500,
        required="Enter the issuer.",
    )
    audience = _line(
        "Audience",
        "What the JWT has as aud. Entra, for an app of your own: "
        "8adf8e6e-67b2-4cf2-a259-e3dc5476c621.",
        longest=500,
        required="Enter the audience.",
    )
    tenant_id = _line(
        "Tenant ID",
        "What the JWT has as tid. Entra: the Directory (tenant) ID.",
        longest=100,
        required="",
    )
    keys_url = _line(
        "Address of the signing keys",
        "The jwks_uri of the IdP. Entra: "
        "https://login.microsoftonline.com/<tenant id>/discovery/keys.",
        longest=500,
        required="Enter the address of the signing keys.",
    )

    def clean_keys_url(self) -> str:
        """Refuse what is no web address; the worker refuses what it may not call."""
        text: str = self.cleaned_data["keys_url"]
        try:
            parts = urlsplit(text)
            is_address = bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or parts.scheme not in {"https", "http"} or "@" in text:
            raise forms.ValidationError(
                "Enter an address that begins with https:// and holds no user name."
            )
        return text

    def terms(self) -> Terms:
        """Return what a valid form says."""
        data = self.cleaned_data
        return Terms(
            data["issuer"], data["audience"], data["tenant_id"], data["keys_url"]
        )
