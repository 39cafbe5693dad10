"""Forms of the token pages. They check shape; the services check meaning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms

from tokens.models import ScimToken
from tokens.policy import choices, in_words, policy_of
from tokens.policy_models import TWO_YEARS, TokenPolicy
from tokens.services import Overlap, allowed_overlaps
from workspaces.models import Directory

OVERLAPS = {
    Overlap.NOW: "Immediately: provisioning stops until you paste the new one",
    Overlap.HOUR: "In 1 hour: both work until then",
    Overlap.DAY: "In 24 hours: both work until then",
    Overlap.WEEK: "In 7 days: both work until then",
}
KEEP = "keep"
LIFETIMES = (90, 365, TWO_YEARS)
"""Days."""


class LeakForm(forms.Form):
    """A value that somebody found. What is no token is taken in as well."""

    token = forms.CharField(
        label="Token",
        max_length=1_000,
        help_text="It begins with kwg_, kwd_ or kwa_.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            },
        ),
        error_messages={
            "required": "Enter the token that you found.",
            "max_length": "Enter the token alone, without what stands around it.",
        },
    )


class RotateForm(forms.Form):
    """What becomes of the token that is replaced."""

    overlap = forms.ChoiceField(
        label="Old token stops working",
        initial=str(Overlap.NOW),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose when the old token stops working.",
            "invalid_choice": "Choose one of the times that are listed.",
        },
    )

    def __init__(self, *args: Any, policy: TokenPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["overlap"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  declared above
        field.choices = [(str(o), OVERLAPS[o]) for o in allowed_overlaps(policy)]

    def chosen(self) -> Overlap:
        """Return the choice of a valid form."""
        return Overlap(self.cleaned_data["overlap"])


class TokenForm(forms.Form):
    """The name of a token and when it ends. There is no token without an end."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="Such as okta-prod.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Enter a name for the token.",
            "max_length": "Use at most 100 characters for the name.",
        },
    )
    lifetime = forms.ChoiceField(
        label="Expires",
        error_messages={
            "required": "Choose when the token expires.",
            "invalid_choice": "Choose one of the times that are listed.",
        },
    )

    def __init__(self, *args: Any, token: ScimToken, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = policy_of(token.directory.workspace)
        preset = choices(policy, [*LIFETIMES, policy.default_days])
        present = _lifetime_of(token, [days for days, _ in preset])
        field = self.fields["lifetime"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  declared above
        field.choices = [(KEEP, _kept(token))] if present == KEEP else []
        field.choices += [(str(days), f"After {words}") for days, words in preset]
        longest = in_words(policy.longest_days)
        field.help_text = f"From the day it is made. At most {longest}."
        self.initial = {"name": token.name, "lifetime": present, **self.initial}

    def chosen_lifetime(self) -> timedelta | None:
        """Return how long the token lives from its making; None keeps its end."""
        chosen = self.cleaned_data["lifetime"]
        return None if chosen == KEEP else timedelta(days=int(chosen))


class RevealRuleForm(forms.Form):
    """When the tokens of a directory can be seen."""

    rule = forms.TypedChoiceField(
        label="Tokens can be seen",
        coerce=Directory.RevealRule,
        choices=(
            (Directory.RevealRule.ONCE, "Once, when they are generated"),
            (
                Directory.RevealRule.AFTER_CONFIRMATION,
                "Again, after a confirmation each time",
            ),
        ),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose when tokens can be seen.",
            "invalid_choice": "Choose one of the rules that are listed.",
        },
    )

    def chosen(self) -> Directory.RevealRule:
        """Return the choice of a valid form."""
        return Directory.RevealRule(self.cleaned_data["rule"])


def _lifetime_of(token: ScimToken, preset: list[int]) -> str:
    """Return the choice that a token has now; KEEP if it is none of the list."""
    if token.expires_at is not None:
        for days in preset:
            if token.expires_at == token.created_at + timedelta(days=days):
                return str(days)
    return KEEP


def _kept(token: ScimToken) -> str:
    if token.expires_at is None:
        return "Never, as it is now"
    return f"On {token.expires_at:%d %b %Y}, as it is now"
