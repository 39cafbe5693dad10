"""Pages of OAuth clients and trust. The panel itself is part of other pages."""

from __future__ import annotations

from django.urls import path

from tokens.oauth import trust_views, views

app_name = "oauth"
_CLIENT = "<slug:directory_key>/clients/<slug:client_key>"
_TRUST = "<slug:directory_key>/trust/<slug:trust_key>"
urlpatterns = [
    path("<slug:directory_key>/new-client/", views.new_client, name="new_client"),
    path("<slug:directory_key>/new-trust/", trust_views.new_trust, name="new_trust"),
    path(f"{_CLIENT}/", views.client, name="client"),
    path(f"{_CLIENT}/secret/", views.new_secret, name="new_secret"),
    path(f"{_CLIENT}/keys/", views.keys, name="keys"),
    path(f"{_CLIENT}/revoke/", views.revoke, name="revoke"),
    path(
        f"{_CLIENT}/secrets/<slug:secret_key>/revoke/",
        views.revoke_secret,
        name="revoke_secret",
    ),
    path(f"{_TRUST}/", trust_views.trust, name="trust"),
    path(f"{_TRUST}/keys/", trust_views.fetch_keys, name="fetch_keys"),
    path(f"{_TRUST}/revoke/", trust_views.revoke, name="revoke_trust"),
]
