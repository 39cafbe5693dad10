"""Webhooks: the endpoints, their signing secrets, and what was sent to them."""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import announcing, endpoints
from integrations.webhooks.endpoints import NewSecret
from integrations.webhooks.events import EVENT_TYPES
from integrations.webhooks.forms import EndpointForm
from tokens.services import Overlap
from workspaces.clock import database_now
from workspaces.permissions import Permission
from workspaces.secrets import UnreadableSecret

TAG = ["Webhooks"]
_READS: dict[str, Permission | None] = {"GET": Permission.MANAGE_WEBHOOKS}
_ACTS: dict[str, Permission | None] = {"POST": Permission.MANAGE_WEBHOOKS}


class WebhookSerializer(serializers.Serializer):
    """An endpoint, without its signing secret."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField(source="created_at")
    failingSince = serializers.DateTimeField(source="failing_since", allow_null=True)
    turnedOffAt = serializers.DateTimeField(source="turned_off_at", allow_null=True)
    turnedOffReason = serializers.CharField(source="turned_off_reason")


class MadeWebhookSerializer(WebhookSerializer):
    """An endpoint with a new secret, which is in this answer and in no other."""

    secret = serializers.CharField()


class ChangedWebhookSerializer(serializers.Serializer):
    """Where messages go, and about what."""

    url = serializers.CharField(help_text="Begins with https://.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=[each.name for each in EVENT_TYPES]),
        allow_empty=False,
    )


class SecretOverlapSerializer(serializers.Serializer):
    """How long the former secret signs beside the new one."""

    overlap = serializers.ChoiceField(
        choices=[str(overlap) for overlap in Overlap], default=str(Overlap.DAY)
    )


class DeliverySerializer(serializers.Serializer):
    """A message, and how its last attempt went. `status` is that of the answer."""

    id = serializers.UUIDField(source="public_id")
    messageId = serializers.CharField(source="message_id")
    event = serializers.CharField()
    state = serializers.CharField(help_text="waiting, delivered or failed.")
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField(source="created_at")
    attemptedAt = serializers.DateTimeField(source="attempted_at", allow_null=True)


class WholeDeliverySerializer(DeliverySerializer):
    """A message with its payload, as it is signed and sent."""

    payload = serializers.SerializerMethodField()

    def get_payload(self, delivery: WebhookDelivery) -> dict[str, Any]:
        """Return the JSON of the body."""
        payload: dict[str, Any] = json.loads(delivery.body)
        return payload


class WebhookView(ApiView):
    """What calls about one endpoint share."""

    def webhook(self, webhook_id: uuid.UUID) -> WebhookEndpoint:
        """Return an endpoint of the tenant, or answer 404."""
        return get_object_or_404(
            WebhookEndpoint.objects.select_related("workspace"),
            workspace=self.workspace,
            public_id=webhook_id,
        )

    def delivery(
        self, webhook_id: uuid.UUID, delivery_id: uuid.UUID
    ) -> WebhookDelivery:
        """Return what was sent to an endpoint of the tenant, or answer 404."""
        sent = self.webhook(webhook_id).deliveries.select_related("endpoint__workspace")
        return get_object_or_404(sent, public_id=delivery_id)


class Webhooks(ApiView):
    """The endpoints of the workspace."""

    permissions: ClassVar = {**_READS, **_ACTS}

    @extend_schema(
        operation_id="listWebhooks",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(WebhookSerializer),
    )
    def get(self, request: Request) -> Response:
        """List endpoints, newest first."""
        rows = WebhookEndpoint.objects.filter(workspace=self.workspace)
        return paging.page(request, rows, WebhookSerializer)

    @extend_schema(
        operation_id="addWebhook",
        tags=TAG,
        request=ChangedWebhookSerializer,
        responses={201: MadeWebhookSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request) -> Response:
        """Add an endpoint. The secret that signs its messages is in this answer only."""
        self.refuse_unconfirmed(endpoints.SEND, endpoints.new_subject(self.workspace))
        given = form_input.body_of(request, ChangedWebhookSerializer)
        form = EndpointForm(given)
        form_input.check(form)
        made = endpoints.add(
            self.workspace,
            url=form.cleaned_data["url"],
            chosen=form.cleaned_data["events"],
            actor=self.person,
            now=database_now(),
        )
        return _made(made)


class WebhookById(WebhookView):
    """One endpoint."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "PATCH", "DELETE"), Permission.MANAGE_WEBHOOKS
    )

    @extend_schema(operation_id="loadWebhook", tags=TAG, responses=WebhookSerializer)
    def get(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Return an endpoint."""
        return Response(WebhookSerializer(self.webhook(webhookId)).data)

    @extend_schema(
        operation_id="changeWebhook",
        tags=TAG,
        request=ChangedWebhookSerializer,
        responses=WebhookSerializer,
    )
    def patch(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Give an endpoint another address or other events; what is left out stays."""
        found = self.webhook(webhookId)
        self.refuse_unconfirmed(endpoints.SEND, endpoints.subject_of(found))
        given = form_input.body_of(request, ChangedWebhookSerializer, partial=True)
        form = EndpointForm({"url": found.url, "events": found.events, **given})
        form_input.check(form)
        endpoints.change(
            found,
            url=form.cleaned_data["url"],
            chosen=form.cleaned_data["events"],
            actor=self.person,
        )
        return Response(WebhookSerializer(self.webhook(webhookId)).data)

    @extend_schema(operation_id="deleteWebhook", tags=TAG, responses={204: None})
    def delete(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Delete an endpoint with its secret and the list of what was sent."""
        found = self.webhook(webhookId)
        endpoints.delete(found, actor=self.person, now=database_now())
        return Response(status=204)


class Secret(WebhookView):
    """The signing secret of an endpoint."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="replaceWebhookSecret",
        tags=TAG,
        request=SecretOverlapSerializer,
        responses={201: MadeWebhookSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Make a new secret. The former one signs too for the time of `overlap`."""
        found = self.webhook(webhookId)
        given = form_input.body_of(request, SecretOverlapSerializer)
        try:
            made = endpoints.replace_secret(
                found,
                overlap=Overlap(given["overlap"]),
                actor=self.person,
                now=database_now(),
            )
        except UnreadableSecret:
            raise Problem(
                409,
                "The former secret cannot be read with the present encryption keys, "
                "so it cannot sign. Send the overlap now.",
            ) from None
        return _made(made)


@extend_schema_view(post=extend_schema(operation_id="turnOffWebhook"))
class TurnOff(WebhookView):
    """The rest of an endpoint."""

    permissions: ClassVar = _ACTS

    @extend_schema(tags=TAG, request=None, responses=WebhookSerializer)
    def post(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Turn an endpoint off or on. Done before, it changes nothing."""
        self.turn(self.webhook(webhookId))
        return Response(WebhookSerializer(self.webhook(webhookId)).data)

    def turn(self, found: WebhookEndpoint) -> None:
        """Send nothing more there."""
        reason = f"{self.person} turned it off."
        endpoints.turn_off(found, reason, actor=self.person, now=database_now())


@extend_schema_view(post=extend_schema(operation_id="turnOnWebhook"))
class TurnOn(TurnOff):
    """The way back."""

    def turn(self, found: WebhookEndpoint) -> None:
        """Send there again, from the next event on."""
        endpoints.turn_on(found, actor=self.person)


class Trial(WebhookView):
    """A message that is about nothing."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="testWebhook",
        tags=TAG,
        request=None,
        responses={201: DeliverySerializer},
    )
    @idempotent()
    def post(self, request: Request, webhookId: uuid.UUID) -> Response:
        """Send a test. Its delivery tells how that went."""
        sent = announcing.send_test(self.webhook(webhookId))
        return Response(DeliverySerializer(sent).data, status=201)


class Deliveries(WebhookView):
    """What was sent to an endpoint."""

    permissions: ClassVar = _READS

    @extend_schema(
        operation_id="listWebhookDeliveries",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(DeliverySerializer),
    )
    def get(self, request: Request, webhookId: uuid.UUID) -> Response:
        """List deliveries, newest first, without payloads."""
        rows = self.webhook(webhookId).deliveries.defer("body")
        return paging.page(request, rows, DeliverySerializer)


class DeliveryById(WebhookView):
    """One delivery."""

    permissions: ClassVar = _READS

    @extend_schema(
        operation_id="loadWebhookDelivery", tags=TAG, responses=WholeDeliverySerializer
    )
    def get(
        self, request: Request, webhookId: uuid.UUID, deliveryId: uuid.UUID
    ) -> Response:
        """Return a delivery with its payload."""
        found = self.delivery(webhookId, deliveryId)
        return Response(WholeDeliverySerializer(found).data)


class Redelivery(WebhookView):
    """The same message once more."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="redeliverWebhook",
        tags=TAG,
        request=None,
        responses=DeliverySerializer,
    )
    def post(
        self, request: Request, webhookId: uuid.UUID, deliveryId: uuid.UUID
    ) -> Response:
        """Send a message again, with the same id: a receiver can tell it from a new one."""
        announcing.send_again(self.delivery(webhookId, deliveryId))
        found = self.delivery(webhookId, deliveryId)
        return Response(DeliverySerializer(found).data)


def _made(made: NewSecret) -> Response:
    shown = WebhookSerializer(made.endpoint).data
    return Response({**shown, "secret": made.secret}, status=201)
