"""The form of **Limit token**, and of what else opens a directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from tokens.limits import (
    MOST_NETWORKS,
    Limits,
    NetworkRule,
    NoNetwork,
    learnt_networks,
    read_networks,
)
from workspaces import domains

FULL, READ = "full", "read"


class LimitForm(forms.Form):
    """What it may do, from where, and for whom."""

    access = forms.ChoiceField(
        label="Access",
        choices=((FULL, "Read and write"), (READ, "Read only")),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose what it may do.",
            "invalid_choice": "Choose one of the two.",
        },
    )
    network_rule = forms.ChoiceField(
        label="Network rule",
        choices=NetworkRule.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose what becomes of other addresses.",
            "invalid_choice": "Choose one of the rules that are listed.",
        },
    )
    networks = forms.CharField(
        label="Allowed networks",
        required=False,
        max_length=5_000,
        help_text="Addresses or ranges, such as 203.0.113.7 or 203.0.113.0/24.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    email_domains = forms.CharField(
        label="Email domains",
        required=False,
        max_length=2_000,
        help_text="Such as acme.com. Users of other domains cannot be written. "
        "Empty for all.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self, *args: Any, limits: Limits, learnt: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        rule = limits.network_rule
        if learnt and rule == NetworkRule.ANY:
            rule = NetworkRule.REPORT
        new = learnt_networks([seen for seen in learnt if not limits.covers(seen)])
        self.initial = {
            "access": READ if limits.is_read_only else FULL,
            "network_rule": rule,
            "networks": "\n".join([*limits.networks, *new]),
            "email_domains": ", ".join(limits.email_domains),
        }

    def clean_networks(self) -> list[str]:
        """Return the ranges. A rule needs at least one."""
        try:
            networks = read_networks(self.cleaned_data["networks"])
        except NoNetwork as error:
            raise forms.ValidationError(str(error)) from None
        if len(networks) > MOST_NETWORKS:
            raise forms.ValidationError(f"Enter at most {MOST_NETWORKS} networks.")
        rule = self.cleaned_data.get("network_rule")
        if not networks and rule in {NetworkRule.REPORT, NetworkRule.ENFORCE}:
            raise forms.ValidationError(
                "Enter at least one network, or choose Any address."
            )
        return networks

    def clean_email_domains(self) -> list[str]:
        """Return the domains, normalised."""
        text = self.cleaned_data["email_domains"]
        if not text.strip():
            return []
        try:
            return domains.read(text)
        except domains.NoDomain as error:
            raise forms.ValidationError(str(error)) from None

    def chosen(self) -> Limits:
        """Return the limits of a valid form."""
        chosen = self.cleaned_data
        return Limits(
            is_read_only=chosen["access"] == READ,
            network_rule=chosen["network_rule"],
            networks=tuple(chosen["networks"]),
            email_domains=tuple(chosen["email_domains"]),
        )
