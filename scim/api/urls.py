"""Every endpoint of a directory, with and without a trailing slash."""

from __future__ import annotations

from django.urls import re_path

from scim.api import views
from tokens.oauth import endpoint

_BASE = r"^(?P<directory_key>[a-z0-9]+)/v2"
_DISCOVERY = r"(?P<endpoint>ServiceProviderConfig|ResourceTypes|Schemas)"
_TYPE = r"(?P<endpoint>[A-Za-z]+)"

urlpatterns = [
    re_path(r"^(?P<directory_key>[a-z0-9]+)/oauth/token/?$", endpoint.token),
    re_path(rf"{_BASE}/?$", views.Root.as_view()),
    re_path(rf"{_BASE}/\.search/?$", views.RootSearch.as_view()),
    re_path(rf"{_BASE}/Me/?$", views.Me.as_view()),
    re_path(rf"{_BASE}/Bulk/?$", views.Bulk.as_view()),
    re_path(rf"{_BASE}/{_DISCOVERY}/?$", views.Discovery.as_view()),
    re_path(rf"{_BASE}/{_DISCOVERY}/(?P<name>[^/]+)/?$", views.Discovery.as_view()),
    re_path(rf"{_BASE}/{_TYPE}/?$", views.Collection.as_view()),
    re_path(rf"{_BASE}/{_TYPE}/\.search/?$", views.Search.as_view()),
    re_path(rf"{_BASE}/{_TYPE}/(?P<public_id>[^/\x00]+)/?$", views.Item.as_view()),
    re_path(r"^(?P<directory_key>[a-z0-9]+)/", views.NoEndpoint.as_view()),
]
