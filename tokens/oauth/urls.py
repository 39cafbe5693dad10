"""Pages of OAuth clients and trust. The panel itself is part of other pages."""

from __future__ import annotations

from django.urls import path

from tokens import list_views
from tokens.limit_views import limit
from tokens.models import IdpTrust, OAuthClient
from tokens.oauth import trust_views, views
from tokens.oauth.opener_views import revoke

app_name = "oauth"
_CLIENT = "<slug:directory_key>/clients/<slug:key>"
_TRUST = "<slug:directory_key>/trust/<slug:key>"
urlpatterns = [
    path("<slug:directory_key>/clients/", list_views.clients, name="clients"),
    path("<slug:directory_key>/trust/", list_views.trusts, name="trusts"),
    path("<slug:directory_key>/new-client/", views.new_client, name="new_client"),
    path("<slug:directory_key>/new-trust/", trust_views.new_trust, name="new_trust"),
    path(f"{_CLIENT}/", views.client, name="client"),
    path(f"{_CLIENT}/secret/", views.new_secret, name="new_secret"),
    path(f"{_CLIENT}/keys/", views.keys, name="keys"),
    path(f"{_CLIENT}/limit/", limit, {"kind": OAuthClient}, name="limit_client"),
    path(f"{_CLIENT}/revoke/", revoke, {"kind": OAuthClient}, name="revoke_client"),
    path(
        f"{_CLIENT}/secrets/<slug:secret_key>/revoke/",
        views.revoke_secret,
        name="revoke_secret",
    ),
    path(f"{_TRUST}/", trust_views.trust, name="trust"),
    path(f"{_TRUST}/keys/", trust_views.fetch_keys, name="fetch_keys"),
    path(f"{_TRUST}/limit/", limit, {"kind": IdpTrust}, name="limit_trust"),
    path(f"{_TRUST}/revoke/", revoke, {"kind": IdpTrust}, name="revoke_trust"),
]
