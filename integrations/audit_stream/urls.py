"""Pages of the stream of an audit log."""

from __future__ import annotations

from django.urls import path

from integrations.audit_stream import views

app_name = "audit_stream"
urlpatterns = [
    path("", views.index, name="index"),
    path("save/", views.save, name="save"),
    path("test/", views.test, name="test"),
    path("stop/", views.stop, name="stop"),
]
