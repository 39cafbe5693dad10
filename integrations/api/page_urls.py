"""Pages of **Administrator Settings**."""

from __future__ import annotations

from django.urls import path

from integrations.api import pages

app_name = "administration"
urlpatterns = [
    path("", pages.overview, name="overview"),
    path("help/", pages.api_help, name="help"),
]
