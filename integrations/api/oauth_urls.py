"""Calls of a directory's OAuth clients and trusts, below `v1/directories/<key>/oauth/`."""

from __future__ import annotations

from django.urls import path

from integrations.api import oauth_calls, oauth_limit_calls

urlpatterns = [
    path("clients", oauth_calls.Clients.as_view(), name="clients"),
    path(
        "clients/<slug:clientId>",
        oauth_calls.ClientById.as_view(),
        name="client",
    ),
    path(
        "clients/<slug:clientId>/secrets",
        oauth_calls.Secrets.as_view(),
        name="client_secrets",
    ),
    path(
        "clients/<slug:clientId>/secrets/<slug:secretId>",
        oauth_calls.SecretById.as_view(),
        name="client_secret",
    ),
    path(
        "clients/<slug:clientId>/keys",
        oauth_calls.Keys.as_view(),
        name="client_keys",
    ),
    path(
        "clients/<slug:clientId>/limits",
        oauth_limit_calls.ClientLimits.as_view(),
        name="client_limits",
    ),
    path("trusts", oauth_calls.Trusts.as_view(), name="trusts"),
    path(
        "trusts/<slug:trustId>",
        oauth_calls.TrustById.as_view(),
        name="trust",
    ),
    path(
        "trusts/<slug:trustId>/keys",
        oauth_calls.TrustKeys.as_view(),
        name="trust_keys",
    ),
    path(
        "trusts/<slug:trustId>/limits",
        oauth_limit_calls.TrustLimits.as_view(),
        name="trust_limits",
    ),
]
