"""Pages of integrations. An integration is named by its SCIM Gateway ID."""

from __future__ import annotations

from django.urls import path

from integrations.views import detail, listing, people

app_name = "integrations"
urlpatterns = [
    path("", listing.index, name="list"),
    path("<slug:key>/", detail.index, name="detail"),
    path("<slug:key>/settings/", detail.index, name="settings"),
    path(
        "<slug:key>/settings/connected-services/",
        detail.connected_services,
        name="connected_services",
    ),
    path("<slug:key>/users/", people.users, name="users"),
    path(
        "<slug:key>/users/<uuid:resource_id>/retry/",
        people.retry,
        name="retry",
    ),
    path("<slug:key>/groups/", people.groups, name="groups"),
    path("<slug:key>/sync/", detail.sync, name="sync"),
]
