"""The management API."""

from __future__ import annotations

from django.urls import path, re_path

from integrations.api import openapi, resolver

app_name = "api"
urlpatterns = [
    path("openapi.json", openapi.Document.as_view(), name="openapi"),
    path("user/users/me", resolver.Me.as_view(), name="me"),
    path(
        "user/org/<int:orgId>/user/<int:userId>",
        resolver.OrgMembership.as_view(),
        name="org_membership",
    ),
    path("user/scimTokens", resolver.ScimTokens.as_view(), name="scim_tokens"),
    path(
        "user/scimTokens/<int:tokenId>",
        resolver.ScimTokenById.as_view(),
        name="scim_token",
    ),
    re_path("", openapi.Nothing.as_view(), name="nothing"),
]
