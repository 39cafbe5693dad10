"""The plan of an integration: what would be done, and when it is carried out."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.integration_calls import IntegrationSerializer, integration_of
from integrations.api.removal_calls import DecidedSerializer
from integrations.models import Integration, Provisioning
from integrations.outside import holding_back
from integrations.provisioning import observing, planning
from integrations.provisioning.planning import Plan as PersonPlan
from integrations.reports import plan as plans
from integrations.syncing import drifting
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Plan"]
_ACTS: dict[str, Permission | None] = {"POST": Permission.MANAGE_INTEGRATIONS}


class PlannedSerializer(serializers.Serializer):
    """What would be done for one user. `id` is the SCIM id."""

    id = serializers.UUIDField()
    userName = serializers.CharField()
    why = serializers.ChoiceField(choices=["waiting", "drift"])
    action = serializers.ChoiceField(choices=[kind.value for kind in planning.Kind])
    steps = serializers.ListField(child=serializers.CharField())


class Plan(ApiView):
    """The plan of one integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listPlan",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=inline_serializer(
            "PlanPage",
            {
                "data": PlannedSerializer(many=True),
                "nextCursor": serializers.CharField(allow_null=True),
            },
        ),
    )
    def get(self, request: Request, key: str) -> Response:
        """List who waits or was changed in the app by hand, and what would be done."""
        integration = integration_of(self.workspace, key)
        rows = plans.rows_of(integration, plans.WAITING | plans.DRIFT)
        shown, following = paging.window(request, rows)
        found = planning.plans_of(integration, shown)
        data = [_planned(*pair) for pair in zip(shown, found, strict=True)]
        return Response({"data": data, "nextCursor": following})


class PutRight(ApiView):
    """Everybody's account as the IdP wants it again."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="putRight", tags=TAG, request=None, responses=DecidedSerializer
    )
    def post(self, request: Request, key: str) -> Response:
        """Undo what was changed in the app by hand, for everybody."""
        integration = integration_of(self.workspace, key)
        count = drifting.put_right(
            integration,
            drifting.drifted(integration),
            actor=self.person,
            now=database_now(),
        )
        return Response({"count": count})


@extend_schema_view(post=extend_schema(operation_id="observe"))
class Observe(ApiView):
    """Whether an integration only observes."""

    permissions: ClassVar = _ACTS

    @extend_schema(tags=TAG, request=None, responses=IntegrationSerializer)
    def post(self, request: Request, key: str) -> Response:
        """Only observe, or let loose what waits. Done before, it changes nothing."""
        self.switch(integration_of(self.workspace, key))
        found = integration_of(self.workspace, key)
        return Response(IntegrationSerializer(found).data)

    def switch(self, integration: Integration) -> None:
        """Change nothing in the app from now on."""
        observing.begin(integration, actor=self.person, now=database_now())


@extend_schema_view(post=extend_schema(operation_id="letLoose"))
class LetLoose(Observe):
    """The way back: the plan is carried out."""

    def switch(self, integration: Integration) -> None:
        """Carry out the plan, and each change from now on."""
        observing.let_loose(integration, actor=self.person, now=database_now())


@extend_schema_view(post=extend_schema(operation_id="tryNow"))
class TryNow(Observe):
    """An end to leaving a failing app alone."""

    def switch(self, integration: Integration) -> None:
        """Let what waits for the app try at once."""
        holding_back.try_now(integration, actor=self.person, now=database_now())


def _planned(row: Provisioning, plan: PersonPlan) -> dict[str, Any]:
    return {
        "id": row.resource_id_public,
        "userName": row.user_name,
        "why": "waiting" if plans.is_waiting(row) else "drift",
        "action": plan.kind.value,
        "steps": plan.steps,
    }
