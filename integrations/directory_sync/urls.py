"""Pages of **Workspace Configuration**."""

from __future__ import annotations

from django.urls import path

from integrations.directory_sync import provisioning_views, switching_views, views

app_name = "directory_sync"
urlpatterns = [
    path("", views.settings, name="settings"),
    path("idp/", views.idp_settings, name="idp_settings"),
    path("idp/turn-off/", switching_views.turn_off, name="turn_off"),
    path("idp/turn-on/", switching_views.turn_on, name="turn_on"),
    path("idp/teams/<uuid:public_id>/role/", views.team_role, name="team_role"),
    path("scim-users-provisioning/", provisioning_views.index, name="provisioning"),
    path(
        "scim-users-provisioning/token/", provisioning_views.generate, name="generate"
    ),
    path(
        "scim-users-provisioning/refresh/", provisioning_views.refresh, name="refresh"
    ),
    path(
        "scim-users-provisioning/invites/", provisioning_views.invites, name="invites"
    ),
    path(
        "scim-users-provisioning/domains/<uuid:public_id>/check/",
        provisioning_views.check_domain,
        name="check_domain",
    ),
    path(
        "scim-users-provisioning/domains/<uuid:public_id>/delete/",
        provisioning_views.delete_domain,
        name="delete_domain",
    ),
]
