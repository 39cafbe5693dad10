"""Pages of the webhooks of a workspace."""

from __future__ import annotations

from django.urls import path

from integrations.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("<uuid:public_id>/", views.endpoint, name="endpoint"),
    path("<uuid:public_id>/edit/", views.edit, name="edit"),
    path("<uuid:public_id>/secret/", views.replace_secret, name="replace_secret"),
    path("<uuid:public_id>/test/", views.test, name="test"),
    path("<uuid:public_id>/turn-off/", views.turn_off, name="turn_off"),
    path("<uuid:public_id>/turn-on/", views.turn_on, name="turn_on"),
    path("<uuid:public_id>/delete/", views.delete, name="delete"),
    path(
        "<uuid:public_id>/deliveries/<uuid:delivery_id>/",
        views.delivery,
        name="delivery",
    ),
    path(
        "<uuid:public_id>/deliveries/<uuid:delivery_id>/send/",
        views.send_again,
        name="send_again",
    ),
]
