"""Forms of **Workspace Configuration**. They check shape; the services check meaning."""

from __future__ import annotations

from typing import Any

from django import forms

from workspaces import domains
from workspaces.directory_sync import Rules
from workspaces.domains import NoDomain
from workspaces.forms import ROLE_HINTS
from workspaces.models import DirectorySync, Role, Team
from workspaces.ranks import GIVEN_BY_IDP
from workspaces.sync_ending import Fate


class DomainsForm(forms.Form):
    """One e-mail domain or several."""

    domains = forms.CharField(
        label="Email domains",
        help_text="One or several, such as acme.com, acme.de. Subdomains count apart.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": domains.NONE},
    )

    def clean_domains(self) -> list[str]:
        """Return the normalised domains, refusing by name what is none."""
        try:
            return domains.read(self.cleaned_data["domains"])
        except NoDomain as error:
            raise forms.ValidationError(error.reason) from None


class InvitesForm(forms.Form):
    """Whether created users get an e-mail."""

    sends_invites = forms.BooleanField(
        label="Send Email Invites",
        required=False,
        help_text=(
            "Each user whom your IdP creates gets one email with a link to set a "
            "password. Updates and reactivations send none."
        ),
    )


class RulesForm(forms.Form):
    """What becomes of people whom the IdP provisions."""

    default_role = forms.TypedChoiceField(
        label="Role of new members",
        coerce=Role,
        choices=[(role, f"{role.label}: {ROLE_HINTS[role]}") for role in GIVEN_BY_IDP],
        help_text="Teams can give a higher one. Nobody becomes an Owner this way.",
        error_messages={
            "required": "Choose a role.",
            "invalid_choice": "Choose one of the roles.",
        },
    )
    adopts = forms.BooleanField(
        label="Take existing people over",
        required=False,
        help_text=(
            "In proven domains, a user with the email address of somebody who has an "
            "account becomes that person. Otherwise your IdP gets a conflict (409)."
        ),
    )
    allows_unproven = forms.BooleanField(
        label="Provision before a domain is proven",
        required=False,
        help_text="Otherwise users of a domain come in once its TXT record is found.",
    )
    owned_tokens = forms.TypedChoiceField(
        label="Tokens of a deactivated member",
        coerce=DirectorySync.OwnedTokens,
        choices=DirectorySync.OwnedTokens.choices,
        widget=forms.RadioSelect,
        help_text=(
            "Stopping cuts off the connections that use them. Going on, they still work "
            "for whoever kept a copy. Administrators get an email either way."
        ),
        error_messages={
            "required": "Choose what becomes of the tokens.",
            "invalid_choice": "Choose one of the two.",
        },
    )

    @classmethod
    def of(cls, sync: DirectorySync) -> RulesForm:
        """Return the form with the present rules."""
        return cls(
            initial={
                "default_role": sync.default_role,
                "adopts": sync.adopts,
                "allows_unproven": sync.allows_unproven,
                "owned_tokens": sync.owned_tokens,
            }
        )

    def rules(self) -> Rules:
        """Return the rules of a valid form."""
        return Rules(**self.cleaned_data)


class TurnOffForm(forms.Form):
    """What becomes of the members when Directory Sync is turned off."""

    fate = forms.TypedChoiceField(
        label="Members whom your IdP provisions",
        coerce=Fate,
        choices=Fate.choices,
        widget=forms.RadioSelect,
        initial=Fate.STAY,
        help_text=(
            "Deactivated members lose their access at once. You, break-glass accounts "
            "and the last Owner stay in any case."
        ),
        error_messages={
            "required": "Choose what becomes of the members.",
            "invalid_choice": "Choose one of the two.",
        },
    )


class TeamRoleForm(forms.Form):
    """The role that a team gives, or none."""

    role = forms.ChoiceField(
        label="Role",
        widget=forms.RadioSelect,
        choices=[
            ("none", "No role: members keep their own"),
            *((role, f"{role.label}: {ROLE_HINTS[role]}") for role in GIVEN_BY_IDP),
        ],
        error_messages={
            "required": "Choose a role.",
            "invalid_choice": "Choose one of the roles.",
        },
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"role": team.role or "none"}

    def chosen(self) -> Role | None:
        """Return the role of a valid form."""
        role = self.cleaned_data["role"]
        return None if role == "none" else Role(role)
