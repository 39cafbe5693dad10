"""**Keyway on your phone**: the page of the phone, and what it calls."""

from __future__ import annotations

from django.urls import path

from workspaces.views import device

app_name = "device"
urlpatterns = [
    path("", device.page, name="page"),
    path("app.webmanifest", device.manifest, name="manifest"),
    path("worker.js", device.service_worker, name="worker"),
    path("enrol/", device.enrol, name="enrol"),
    path("state/", device.state, name="state"),
    path("code/", device.code, name="code"),
    path("subscription/", device.subscription, name="subscription"),
    path("requests/<uuid:public_id>/", device.answer, name="answer"),
]
