"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """E-mail address and password."""

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
                "required": "Enter your email address.",
                "invalid": "Enter an email address, such as ana@example.com.",
            },
            widget=forms.EmailInput(
                attrs={"autocomplete": "username", "autofocus": True}
            ),
        )
        self.fields["password"].error_messages["required"] = "Enter your password."
