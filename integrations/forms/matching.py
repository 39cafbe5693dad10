"""What is asked before an unmatched account is dealt with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from integrations.models import Provisioning

_OFF = {"autocomplete": "off", "spellcheck": "false"}


class MatchForm(forms.Form):
    """Which user of the directory the account belongs to."""

    user = forms.ModelChoiceField(
        label="User",
        queryset=Provisioning.objects.none(),
        to_field_name="resource_id_public",
        help_text="Users of your IdP who have no account in the app. Type a part of "
        "the user name or of the name.",
        error_messages={
            "required": "Choose a user from the list.",
            "invalid_choice": "Choose a user from the list.",
        },
    )

    def __init__(
        self, data: Any = None, *, candidates: QuerySet[Provisioning], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.fields["user"].queryset = candidates  # type: ignore[attr-defined]


class RemoveForm(forms.Form):
    """Asks for the user name of the account that is to be deleted in the app."""

    typed_name = forms.CharField(
        label="User name in the app",
        max_length=500,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": "Type the user name to remove the account."},
    )

    def __init__(self, data: Any = None, *, user_name: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["typed_name"].help_text = f"Type {user_name} to remove the account."


class ExemptForm(forms.Form):
    """Asks why an account needs no user of the IdP."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Shown beside the account, with your name and the date.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Enter the reason."},
    )
