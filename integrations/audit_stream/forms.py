"""The form of a destination. The header's value goes in and never comes out again."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from integrations.audit_stream.sending import SCHEMES, trusted_by, words
from integrations.audit_stream.services import Destination
from integrations.connectors.addresses import WEB_SCHEMES, AddressRule
from integrations.connectors.base import Misconfigured
from integrations.models import AuditStream
from integrations.models.audit_stream import url_of

_Transport = AuditStream.Transport
_OURS = {"host", "content-length", "content-type", "transfer-encoding", "connection"}
_PORT = re.compile(r":[0-9]{1,5}\Z")


class StreamForm(forms.Form):
    """Where the audit log goes, and how."""

    transport = forms.ChoiceField(label="Destination", choices=_Transport.choices)
    address = forms.CharField(
        label="Address",
        max_length=500,
        help_text="For HTTPS the whole address, such as "
        "https://siem.example.com/events. For syslog host and port, such as "
        "logs.example.com:6514.",
        error_messages={"required": "Enter the address of the destination."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    format = forms.ChoiceField(
        label="Format",
        choices=AuditStream.Format.choices,
        help_text="Most log systems read CEF from syslog and OCSF over HTTPS.",
    )
    header_name = forms.CharField(
        label="Header",
        required=False,
        max_length=100,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9-]+\Z",
                "A header's name has letters, digits and hyphens. Enter one such as "
                "Authorization.",
            )
        ],
        help_text="What the destination knows Keyway by, such as Authorization.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    header_value = forms.CharField(
        label="Value of the header",
        required=False,
        max_length=4000,
        validators=[
            RegexValidator(
                r"\A[\x20-\x7e]*\Z",
                "A header's value has no line breaks and no letters beyond ASCII. "
                "Copy it from the destination again.",
            )
        ],
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password", "spellcheck": "false"}
        ),
    )
    authority = forms.CharField(
        label="Certificate authority",
        required=False,
        max_length=20_000,
        help_text="In PEM form, if the destination's certificate is not from a public "
        "authority. Keyway then trusts this one alone.",
        widget=forms.Textarea(
            attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    start = forms.ChoiceField(
        label="Begin with",
        choices=[("now", "New events"), ("first", "The first event in the log")],
        required=False,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        stream: AuditStream | None,
    ) -> None:
        """`stream` is the present one; without any, where to begin is asked."""
        initial = _shown(stream) if stream else {"transport": "https", "start": "now"}
        super().__init__(data, initial=initial)
        value = self.fields["header_value"]
        value.help_text = "Stored encrypted. Nobody can read it here again."
        if stream:
            del self.fields["start"]
        if stream and stream.header_name:
            value.help_text = "Stored encrypted. Leave it empty to keep it."

    def clean_header_name(self) -> str:
        """Refuse a header that is Keyway's to set."""
        name: str = self.cleaned_data["header_name"]
        if name.lower() in _OURS:
            raise ValidationError(f"Keyway sets {name} itself. Choose another header.")
        return name

    def clean_authority(self) -> str:
        """Refuse what is no certificate, and a private key above all."""
        text: str = self.cleaned_data["authority"]
        if "PRIVATE KEY" in text:
            raise ValidationError(
                "This holds a private key, which is nobody's but its owner's. Paste "
                "the certificate alone."
            )
        try:
            trusted_by(text)
        except (ssl.SSLError, ValueError, TypeError):
            raise ValidationError(
                "This is no certificate in PEM form. It begins with -----BEGIN "
                "CERTIFICATE-----."
            ) from None
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse an address that Keyway may not call this way."""
        cleaned = super().clean() or {}
        transport, address = cleaned.get("transport"), cleaned.get("address")
        if transport and address:
            self._check(str(transport), str(address))
        if transport != _Transport.HTTPS:
            self.errors.pop("header_name", None)
            self.errors.pop("header_value", None)
            return cleaned | {"header_name": "", "header_value": ""}
        if cleaned.get("header_value") and cleaned.get("header_name") == "":
            self.add_error("header_name", "Enter the name of the header.")
        return cleaned

    def _check(self, transport: str, address: str) -> None:
        is_http = transport == _Transport.HTTPS
        if not is_http and ("/" in address or not _PORT.search(address)):
            self.add_error(
                "address", "Enter host and port, such as logs.example.com:6514."
            )
            return
        rule = AddressRule(settings.KEYWAY_ALLOWED_NETWORKS)
        schemes = WEB_SCHEMES if is_http else SCHEMES
        try:
            rule.check_base_url(url_of(transport, address), schemes=schemes)
        except Misconfigured as error:
            self.add_error("address", words(error.message))

    def destination(self) -> Destination:
        """Return what was entered."""
        names = ("transport", "address", "format", "authority")
        header = ("header_name", "header_value")
        return Destination(**{name: self.cleaned_data[name] for name in names + header})


def _shown(stream: AuditStream) -> dict[str, str]:
    names = ("transport", "address", "format", "authority", "header_name")
    return {name: getattr(stream, name) for name in names}
