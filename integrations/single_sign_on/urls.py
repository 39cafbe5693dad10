"""Sign in with the workspace's identity provider, and set it up."""

from __future__ import annotations

from django.urls import path

from integrations.single_sign_on import settings_views, views

app_name = "single_sign_on"
urlpatterns = [
    path("login/sso/", views.find, name="find"),
    path("login/sso/<uuid:workspace_id>/", views.begin, name="begin"),
    path("login/sso/<uuid:workspace_id>/callback/", views.callback, name="callback"),
    path("settings/single-sign-on/", settings_views.index, name="settings"),
    path(
        "settings/single-sign-on/<uuid:public_id>/delete/",
        settings_views.delete,
        name="delete",
    ),
    path(
        "settings/single-sign-on/links/<uuid:public_id>/unlink/",
        settings_views.unlink,
        name="unlink",
    ),
]
