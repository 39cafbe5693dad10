"""Integrations and their tokens, by the services of the portal."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import configuration, deleting, services
from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from integrations.forms import schedule
from integrations.forms.accounts import clean_address
from integrations.forms.settings import GeneralForm
from integrations.models import App, Integration, ServiceAccount
from integrations.outside.origins import WrongPassword
from integrations.provisioning import pausing, unassigning
from integrations.syncing import cron
from workspaces.clock import database_now
from workspaces.models import Workspace
from workspaces.permissions import Permission

TAG = ["Integrations"]


class ScheduleField(serializers.CharField):
    """A cron expression in UTC; empty for no imports by themselves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_blank=True,
            help_text=f"Cron expression in UTC, such as {cron.EXAMPLE}; empty: never.",
            **options,
        )

    def to_internal_value(self, data: Any) -> str:
        """Return the expression in one spelling."""
        try:
            return cron.check(super().to_internal_value(data))
        except cron.BadExpression as error:
            raise serializers.ValidationError(str(error)) from None


class IntegrationSerializer(serializers.Serializer):
    """An integration. `key` is that of its SCIM gateway."""

    key = serializers.CharField(source="directory.key")
    name = serializers.CharField()
    app = serializers.CharField(source="app.slug")
    serviceAccountId = serializers.UUIDField(
        source="service_account.public_id", allow_null=True
    )
    baseUrl = serializers.CharField(source="base_url")
    gatewayUrl = serializers.CharField(source="directory.base_url")
    identifier = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(Integration.Contact.choices, source="contact")
    statusReason = serializers.CharField(source="status_reason", allow_blank=True)
    callsStoppedAt = serializers.DateTimeField(
        source="calls_stopped_at",
        allow_null=True,
        help_text="Since when calls are held back because the app fails.",
    )
    pausedAt = serializers.DateTimeField(source="paused_at", allow_null=True)
    observingSince = serializers.DateTimeField(
        source="observing_since", allow_null=True
    )
    syncSchedule = serializers.CharField(source="sync_schedule", allow_blank=True)
    onUnassign = serializers.CharField(source="on_unassign")
    deleteAfterDays = serializers.IntegerField(source="delete_after_days")
    groupPrefix = serializers.CharField(source="group_prefix", allow_blank=True)
    groupSuffix = serializers.CharField(source="group_suffix", allow_blank=True)
    lastSyncedAt = serializers.DateTimeField(source="last_synced_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")


class NewIntegrationSerializer(serializers.Serializer):
    """What an integration is made from."""

    app = serializers.SlugField(help_text="Of the catalog, such as redmine.")
    serviceAccountId = serializers.UUIDField()
    name = serializers.CharField(max_length=100)
    baseUrl = serializers.CharField(max_length=500)
    identifier = serializers.CharField(max_length=200, default="", allow_blank=True)
    syncSchedule = ScheduleField(default=cron.NEVER)
    onUnassign = serializers.ChoiceField(
        choices=Integration.OnUnassign.choices,
        default=Integration.OnUnassign.DEACTIVATE,
    )
    observe = serializers.BooleanField(
        default=False, help_text="Change nothing in the app until it is let loose."
    )


class ChangedIntegrationSerializer(serializers.Serializer):
    """What of an integration can be changed; what is left out stays."""

    name = serializers.CharField(required=False)
    baseUrl = serializers.CharField(required=False)
    identifier = serializers.CharField(required=False)
    syncSchedule = ScheduleField(required=False)
    onUnassign = serializers.CharField(required=False)
    deleteAfterDays = serializers.IntegerField(required=False)
    groupPrefix = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="In front of the IdP's names of the app's groups.",
    )
    groupSuffix = serializers.CharField(
        required=False, allow_blank=True, help_text="Behind them."
    )
    password = serializers.CharField(
        required=False, help_text="Of the service account, for another address."
    )


def integrations_of(workspace: Workspace) -> Any:
    """Return the integrations of the tenant with what is shown of them."""
    return Integration.objects.in_workspace(workspace).select_related(
        "app", "service_account__workspace", "directory", "workspace"
    )


def integration_of(workspace: Workspace, key: str) -> Integration:
    """Return one of them, or 404."""
    found: Integration = get_object_or_404(
        integrations_of(workspace), directory__key=key
    )
    return found


class Integrations(ApiView):
    """The integrations of the workspace."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "POST": Permission.MANAGE_INTEGRATIONS,
    }

    @extend_schema(
        operation_id="listIntegrations",
        tags=TAG,
        parameters=[
            OpenApiParameter(
                "named", str, description="The key, or the whole name in any case."
            ),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(IntegrationSerializer),
    )
    def get(self, request: Request) -> Response:
        """List integrations, newest first."""
        rows = integrations_of(self.workspace)
        named = request.query_params.get("named", "").replace("\x00", "")
        if named:
            rows = rows.filter(Q(directory__key=named) | Q(name__iexact=named))
        return paging.page(request, rows, IntegrationSerializer)

    @extend_schema(
        operation_id="createIntegration",
        tags=TAG,
        request=NewIntegrationSerializer,
        responses={201: IntegrationSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Create an integration with a gateway, and no token yet. Sync tests it."""
        wish = form_input.body_of(request, NewIntegrationSerializer)
        app = App.objects.filter(slug=wish["app"], is_offered=True).first()
        if app is None:
            text = "The catalog has no such app."
            raise Problem(422, text, fields={"app": text})
        able = [value for value, _, _ in unassigning.choices(app)]
        if wish["onUnassign"] not in able:
            text = f"{app} can do: {', '.join(able)}."
            raise Problem(422, text, fields={"onUnassign": text})
        made = self._create(app, wish)
        return Response(IntegrationSerializer(made).data, status=201)

    def _create(self, app: App, wish: dict[str, Any]) -> Integration:
        account = (
            ServiceAccount.objects.select_related("workspace")
            .filter(workspace=self.workspace, app=app)
            .filter(public_id=wish["serviceAccountId"])
            .first()
        )
        if account is None:
            text = f"This workspace has no such service account of {app}."
            raise Problem(422, text, fields={"serviceAccountId": text})
        try:
            base_url = clean_address(wish["baseUrl"], app)
        except ValidationError as error:
            text = " ".join(error.messages)
            raise Problem(422, text, fields={"baseUrl": text}) from None
        try:
            with transaction.atomic():
                return services.create(
                    self.workspace,
                    app=app,
                    service_account=account,
                    name=wish["name"],
                    base_url=base_url,
                    identifier=wish["identifier"],
                    sync_schedule=wish["syncSchedule"],
                    on_unassign=wish["onUnassign"],
                    observe=wish["observe"],
                    actor=self.person,
                )
        except IntegrityError:
            raise configuration.NameTaken(
                f"Another integration of this workspace is called {wish['name']}. "
                "Choose another name."
            ) from None


class IntegrationByKey(ApiView):
    """One integration."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "PATCH": Permission.MANAGE_INTEGRATIONS,
        "DELETE": Permission.MANAGE_INTEGRATIONS,
    }

    @extend_schema(
        operation_id="loadIntegration", tags=TAG, responses=IntegrationSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        """Return an integration."""
        found = integration_of(self.workspace, key)
        return Response(IntegrationSerializer(found).data)

    @extend_schema(
        operation_id="changeIntegration",
        tags=TAG,
        request=ChangedIntegrationSerializer,
        responses=IntegrationSerializer,
    )
    def patch(self, request: Request, key: str) -> Response:
        """Change settings. Another address needs the service account's password."""
        integration = integration_of(self.workspace, key)
        names = set(ChangedIntegrationSerializer().fields)
        given = form_input.as_form_data(request.data, names)
        wished = {**GeneralForm(integration=integration).initial, **given}
        if "sync_schedule" in given:
            wished |= schedule.initial(_schedule(given["sync_schedule"]))
        form = GeneralForm(wished, integration=integration)
        form_input.refuse_what_is_not_asked(
            form, given.keys() - {"sync_schedule"}, "This app has no such setting."
        )
        form_input.check(form)
        try:
            configuration.change_general(
                integration,
                form.wish(),
                password=str(given.get("password", "")),
                actor=self.person,
                now=database_now(),
            )
        except WrongPassword as error:
            raise Problem(422, str(error), fields={"password": str(error)}) from None
        return Response(IntegrationSerializer(integration).data)

    @extend_schema(
        operation_id="deleteIntegration",
        tags=TAG,
        parameters=[
            OpenApiParameter(
                "name", str, required=True, description="Its name, to be sure."
            )
        ],
        responses={204: None},
    )
    def delete(self, request: Request, key: str) -> Response:
        """Delete an integration with its gateway. Nobody is changed in the app."""
        integration = integration_of(self.workspace, key)
        try:
            deleting.delete(
                integration,
                typed_name=request.query_params.get("name", ""),
                actor=self.person,
                now=database_now(),
            )
        except deleting.WrongName:
            raise Problem(
                422, "Give the name of this integration as ?name=, to be sure."
            ) from None
        return Response(status=204)


class Pause(ApiView):
    """Whether an integration changes anything in its app."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}
    to_pause = True

    @extend_schema(tags=TAG, request=None, responses=IntegrationSerializer)
    def post(self, request: Request, key: str) -> Response:
        """Pause or resume. Done before, it changes nothing."""
        integration = integration_of(self.workspace, key)
        act = pausing.pause if self.to_pause else pausing.resume
        act(integration, actor=self.person, now=database_now())
        found = integration_of(self.workspace, key)
        return Response(IntegrationSerializer(found).data)


class Resume(Pause):
    """The way back."""

    to_pause = False


def _schedule(written: Any) -> str:
    """Return a checked expression. Raises Problem 422."""
    try:
        return cron.check(str(written))
    except cron.BadExpression as error:
        text = str(error)
        raise Problem(422, text, fields={"syncSchedule": text}) from None
