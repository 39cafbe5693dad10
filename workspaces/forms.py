"""Forms of the account and member pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from workspaces.first_focus import FirstFocus
from workspaces.models import Role, User
from workspaces.shut_out import is_shut_out

ROLE_HINTS = {
    Role.OWNER: "everything, also who is Owner",
    Role.SUPER_ADMIN: "everything but who is Owner and the security policy",
    Role.ADMIN: "as Super Admin, but for webhooks and who is Super Admin",
    Role.MEMBER: "no pages of this portal",
    Role.AUDITOR: "reads members and the audit log",
}
_EMAIL_ERRORS = {
    "required": "Enter an email address.",
    "invalid": "Enter an email address, such as ana@example.com.",
}


class LoginForm(AuthenticationForm):
    """Email address and password."""

    error_messages = {
        "invalid_login": (
            "This email address and password do not belong together. Check both."
        ),
        "inactive": "This account is deactivated. Ask an Owner of your workspace.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = forms.EmailField(
            label="Email",
            error_messages={
                **_EMAIL_ERRORS,
                "required": "Enter your email address.",
            },
            widget=forms.EmailInput(
                attrs={"autocomplete": "username", "autofocus": True}
            ),
        )
        self.fields["password"].error_messages["required"] = "Enter your password."
        if self.is_bound:
            # The errors have the focus: see FirstFocus.
            self.fields["username"].widget.attrs.pop("autofocus")

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse deactivated accounts, and members whom the IdP deactivated."""
        super().confirm_login_allowed(user)
        if is_shut_out(user):
            raise ValidationError(self.error_messages["inactive"], code="inactive")


class RoleForm(forms.Form):
    """A role out of those that one may give."""

    role = forms.TypedChoiceField(
        coerce=Role,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a role.",
            "invalid_choice": "Choose one of the roles.",
        },
    )

    def __init__(self, *args: Any, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101  declared above
        field.choices = [(r, f"{r.label}: {ROLE_HINTS[r]}") for r in roles]


class InvitationForm(FirstFocus, RoleForm):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        label="Email",
        max_length=254,
        error_messages=_EMAIL_ERRORS,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    field_order = ("email", "role")


class PasswordForm(forms.Form):
    """The first password of somebody who was invited."""

    password = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 8 characters, and not one that others use often.",
        error_messages={"required": "Enter a password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        """Refuse what is easily guessed."""
        password: str = self.cleaned_data["password"]
        person = User(email=self.email, name=self.cleaned_data.get("name", ""))
        password_validation.validate_password(password, person)
        return password


class NewPersonForm(FirstFocus, forms.Form):
    """Name of somebody who was invited and makes a passkey; the IdP's people have one."""

    name = forms.CharField(
        label="Your name",
        max_length=150,
        error_messages={"required": "Enter your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )

    def __init__(self, *args: Any, is_known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_known:
            del self.fields["name"]


class NewAccountForm(FirstFocus, PasswordForm):
    """Name and password of somebody who was invited."""

    name = NewPersonForm.base_fields["name"]
    field_order = ("name", "password")
