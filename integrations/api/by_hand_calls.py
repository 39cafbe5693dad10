"""What only an app by hand has: the people who do its tasks."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import LARGEST_ID, ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.forms.tasks import PeopleForm
from integrations.models import Integration
from integrations.tasks import mailing, services
from integrations.tasks.by_hand import is_by_hand
from workspaces.models import Membership
from workspaces.permissions import Permission


class PeopleSerializer(serializers.Serializer):
    """Who does the tasks, by the ids of members. Nobody named is every administrator."""

    people = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        max_length=1000,
    )


class People(ApiView):
    """The people of one integration by hand."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "PUT"), Permission.MANAGE_INTEGRATIONS
    )

    @extend_schema(
        operation_id="loadTaskPeople", tags=["Tasks"], responses=PeopleSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        """Return who does the tasks; 404 where Keyway does them itself."""
        integration = self._integration(key)
        named = integration.assignees.values("user")
        members = Membership.objects.in_workspace(self.workspace)
        found = members.filter(user__in=named).order_by("id")
        return Response({"people": list(found.values_list("pk", flat=True))})

    @extend_schema(
        operation_id="setTaskPeople",
        tags=["Tasks"],
        request=PeopleSerializer,
        responses=PeopleSerializer,
    )
    def put(self, request: Request, key: str) -> Response:
        """Say who does the tasks, out of the members who may manage integrations."""
        integration = self._integration(key)
        given = form_input.body_of(request, PeopleSerializer)
        ids = set(given["people"])
        members = Membership.objects.in_workspace(self.workspace).filter(pk__in=ids)
        users = [str(pk) for pk in members.values_list("user", flat=True)]
        if len(users) != len(ids):
            text = "This workspace has no member of one of these ids."
            raise Problem(422, text, fields={"people": text})
        form = PeopleForm({"people": users}, allowed=mailing.allowed(self.workspace))
        form_input.check(form)
        services.assign(integration, form.chosen(), actor=self.person)
        return self.get(request, key)

    def _integration(self, key: str) -> Integration:
        found = integration_of(self.workspace, key)
        if not is_by_hand(found.app):
            raise Http404
        return found
