"""Settings of an integration beside its own members: safety, matching, the account."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import configuration
from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.integration_calls import (
    IntegrationSerializer,
    integration_of,
)
from integrations.api.problems import Problem
from integrations.forms.settings import LARGEST_MINIMUM, MatchingForm
from integrations.models import Integration
from integrations.outside.origins import WrongPassword
from integrations.syncing import matching_rules
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Integrations"]
_SETTING: dict[str, Permission | None] = {
    "GET": Permission.VIEW_INTEGRATIONS,
    "PUT": Permission.MANAGE_INTEGRATIONS,
}


class SafetySerializer(serializers.Serializer):
    """From how many users gone at once nothing is done before somebody decides."""

    thresholdPercent = serializers.IntegerField(
        source="threshold_percent", min_value=0, max_value=100
    )
    minimum = serializers.IntegerField(
        source="threshold_minimum",
        min_value=1,
        max_value=LARGEST_MINIMUM,
        help_text="Fewer users than this are never held.",
    )


class MatchingSerializer(serializers.Serializer):
    """By which rules a sync finds whose an account is, in order: 1 to 4."""

    rules = serializers.ListField(
        child=serializers.CharField(), min_length=1, max_length=4
    )


class ChosenAccountSerializer(serializers.Serializer):
    """The service account to work with, of the same app."""

    serviceAccountId = serializers.UUIDField()
    password = serializers.CharField(
        required=False,
        trim_whitespace=False,
        help_text="Of the account, if it was not used at this address before.",
    )


class Safety(ApiView):
    """The threshold of one integration."""

    permissions: ClassVar = _SETTING

    @extend_schema(operation_id="loadSafety", tags=TAG, responses=SafetySerializer)
    def get(self, request: Request, key: str) -> Response:
        """Return from how many users gone a sync or removals are held."""
        return Response(SafetySerializer(integration_of(self.workspace, key)).data)

    @extend_schema(
        operation_id="setSafety",
        tags=TAG,
        request=SafetySerializer,
        responses=SafetySerializer,
    )
    def put(self, request: Request, key: str) -> Response:
        """Say from how many users gone a sync or removals are held."""
        integration = integration_of(self.workspace, key)
        given = form_input.body_of(request, SafetySerializer)
        configuration.change_threshold(
            integration,
            percent=given["threshold_percent"],
            minimum=given["threshold_minimum"],
            actor=self.person,
        )
        return Response(SafetySerializer(integration).data)


class Matching(ApiView):
    """The matching rules of one integration."""

    permissions: ClassVar = _SETTING

    @extend_schema(operation_id="loadMatching", tags=TAG, responses=MatchingSerializer)
    def get(self, request: Request, key: str) -> Response:
        """Return the rules in their order."""
        return Response({"rules": integration_of(self.workspace, key).matching_rules})

    @extend_schema(
        operation_id="setMatching",
        tags=TAG,
        request=MatchingSerializer,
        responses=MatchingSerializer,
    )
    def put(self, request: Request, key: str) -> Response:
        """Say by which rules a sync finds whose an account is."""
        integration = integration_of(self.workspace, key)
        given = form_input.body_of(request, MatchingSerializer)
        wish = given["rules"]
        form = MatchingForm(
            dict(zip(MatchingForm.base_fields, wish, strict=False)),
            integration=integration,
        )
        if not form.is_valid():
            raise _not_rules(integration)
        rules = form.rules()
        configuration.change_matching(integration, rules=rules, actor=self.person)
        return Response({"rules": rules})


class ChosenAccount(ApiView):
    """The service account of one integration."""

    permissions: ClassVar = {"PUT": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="chooseServiceAccount",
        tags=TAG,
        request=ChosenAccountSerializer,
        responses=IntegrationSerializer,
    )
    def put(self, request: Request, key: str) -> Response:
        """Work with another saved account of the same app."""
        integration = integration_of(self.workspace, key)
        wish = form_input.body_of(request, ChosenAccountSerializer)
        accounts = configuration.accounts_to_choose(integration)
        account = accounts.filter(public_id=wish["serviceAccountId"]).first()
        if account is None:
            text = f"This workspace has no such service account of {integration.app}."
            raise Problem(422, text, fields={"serviceAccountId": text})
        try:
            configuration.choose_service_account(
                integration,
                account,
                password=wish.get("password", ""),
                actor=self.person,
                now=database_now(),
            )
        except WrongPassword as error:
            raise Problem(422, str(error), fields={"password": str(error)}) from None
        found = integration_of(self.workspace, key)
        return Response(IntegrationSerializer(found).data)


def _not_rules(integration: Integration) -> Problem:
    able = ", ".join(rule for rule, _ in matching_rules.choices(integration))
    text = f"Give each rule once, out of: {able}."
    return Problem(422, text, fields={"rules": text})
