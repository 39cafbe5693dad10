"""The calendar feed, among the pages of **Workspace Configuration**."""

from __future__ import annotations

from django.urls import path

from integrations.calendar import views

app_name = "calendar"
urlpatterns = [
    path("calendar-feed/", views.page, name="page"),
    path("calendar-feed/turn-off/", views.turn_off, name="turn_off"),
]
