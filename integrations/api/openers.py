"""What calls about all that opens a directory share: a token, an OAuth client, a trust."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.problems import Problem
from tokens import limiting
from tokens.limit_forms import FULL, READ, LimitForm
from tokens.limits import MOST_NETWORKS, NetworkRule
from tokens.models import ClientSecret
from tokens.opener import Opener
from workspaces import domains
from workspaces.clock import database_now

LIVE = OpenApiParameter("live", bool, description="`true`: only what has not ended.")


class WithStateSerializer(serializers.Serializer):
    """What has a state at the time that the context gives as `now`."""

    state = serializers.SerializerMethodField()

    def get_state(self, row: Opener | ClientSecret) -> str:
        """Return what it is worth now."""
        return row.state(self.context["now"]).value


class LimitsSerializer(serializers.Serializer):
    """How far a token, an OAuth client or a trust reaches."""

    readOnly = serializers.BooleanField(default=False)
    networkRule = serializers.ChoiceField(
        choices=NetworkRule.choices, default=NetworkRule.ANY
    )
    networks = serializers.ListField(
        child=serializers.CharField(), default=list, max_length=MOST_NETWORKS
    )
    emailDomains = serializers.ListField(
        child=serializers.CharField(), default=list, max_length=domains.MOST_AT_ONCE
    )


def wants_live(request: Request) -> bool:
    """Say whether only what has not ended is asked for. Raises Problem."""
    wish = request.query_params.get("live", "false")
    if wish not in {"true", "false"}:
        raise Problem(400, "live must be true or false.")
    return wish == "true"


def limits_of(opener: Opener) -> Response:
    """Answer how far it reaches."""
    limits = opener.limits
    body: dict[str, Any] = {
        "readOnly": limits.is_read_only,
        "networkRule": limits.network_rule,
        "networks": limits.networks,
        "emailDomains": limits.email_domains,
    }
    return Response(body)


def limit(view: ApiView, opener: Opener) -> Response:
    """Let it reach as far as the body says and no farther. Raises Problem."""
    wish = form_input.body_of(view.request, LimitsSerializer)
    form = LimitForm(
        {
            "access": READ if wish["readOnly"] else FULL,
            "network_rule": wish["networkRule"],
            "networks": "\n".join(wish["networks"]),
            "email_domains": ", ".join(wish["emailDomains"]),
        },
        limits=opener.limits,
        learnt=[],
    )
    form_input.check(form)
    limiting.limit(opener, form.chosen(), actor=view.person, now=database_now())
    opener.refresh_from_db()
    return limits_of(opener)
