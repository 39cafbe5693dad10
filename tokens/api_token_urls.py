"""Pages of the tokens for the management API."""

from __future__ import annotations

from django.urls import path

from tokens import api_token_pages

app_name = "api_tokens"
urlpatterns = [
    path("", api_token_pages.index, name="list"),
    path("new/", api_token_pages.new, name="new"),
    path("<str:token_key>/revoke/", api_token_pages.revoke, name="revoke"),
]
