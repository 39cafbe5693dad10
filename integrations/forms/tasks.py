"""Forms of tasks and of the lists that prove them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from integrations.tasks import rows
from workspaces.models import User


class CannotBeDoneForm(forms.Form):
    """Asks why a task cannot be done."""

    version = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Shown as the error of this provisioning, with your name.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Enter the reason."},
    )


class AccountListForm(forms.Form):
    """Takes a CSV file with the accounts of the app."""

    file = forms.FileField(
        label="CSV file",
        help_text=f"The first line names the columns: {', '.join(rows.COLUMNS)}. Only "
        "username must be there. Several groups or roles stand in one cell with ; "
        "between.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={
            "required": "Choose the CSV file.",
            "empty": "The file is empty. Choose the CSV file with the accounts.",
            "invalid": "Choose the CSV file.",
        },
    )
    accounts: list[rows.Row]

    def clean_file(self) -> UploadedFile:
        """Read the accounts. Each problem names its line."""
        file: UploadedFile = self.cleaned_data["file"]
        try:
            self.accounts = rows.read(file.read(rows.LARGEST_BYTES + 1))
        except rows.InvalidList as error:
            raise ValidationError(error.problems) from None
        return file


class PeopleForm(forms.Form):
    """Who does the tasks of an integration."""

    people = forms.MultipleChoiceField(
        label="People",
        required=False,
        help_text="They get the mails about tasks. Nobody ticked means every "
        "administrator.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "Somebody is no administrator any more. Choose again."
        },
    )

    def __init__(self, data: Any = None, *, allowed: list[User], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self._by_key = {str(user.pk): user for user in allowed}
        self.fields["people"].choices = [  # type: ignore[attr-defined]
            (key, f"{user} ({user.email})") for key, user in self._by_key.items()
        ]

    def chosen(self) -> list[User]:
        """Return the people who were ticked."""
        return [self._by_key[key] for key in self.cleaned_data["people"]]
