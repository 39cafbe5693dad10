"""What can be set for the watch over a connection."""

from __future__ import annotations

from django.urls import path

from integrations.watching import views

app_name = "watching"
urlpatterns = [
    path("<slug:key>/silence-alarm/", views.silence_alarm, name="silence_alarm"),
]
