"""Calls of webhooks, below `v1/`."""

from __future__ import annotations

from django.urls import path

from integrations.api import webhook_calls

urlpatterns = [
    path("webhooks", webhook_calls.Webhooks.as_view(), name="webhooks"),
    path(
        "webhooks/<uuid:webhookId>",
        webhook_calls.WebhookById.as_view(),
        name="webhook",
    ),
    path(
        "webhooks/<uuid:webhookId>/secret",
        webhook_calls.Secret.as_view(),
        name="webhook_secret",
    ),
    path(
        "webhooks/<uuid:webhookId>/turn-off",
        webhook_calls.TurnOff.as_view(),
        name="turn_off_webhook",
    ),
    path(
        "webhooks/<uuid:webhookId>/turn-on",
        webhook_calls.TurnOn.as_view(),
        name="turn_on_webhook",
    ),
    path(
        "webhooks/<uuid:webhookId>/test",
        webhook_calls.Trial.as_view(),
        name="test_webhook",
    ),
    path(
        "webhooks/<uuid:webhookId>/deliveries",
        webhook_calls.Deliveries.as_view(),
        name="webhook_deliveries",
    ),
    path(
        "webhooks/<uuid:webhookId>/deliveries/<uuid:deliveryId>",
        webhook_calls.DeliveryById.as_view(),
        name="webhook_delivery",
    ),
    path(
        "webhooks/<uuid:webhookId>/deliveries/<uuid:deliveryId>/send",
        webhook_calls.Redelivery.as_view(),
        name="redeliver_webhook",
    ),
]
