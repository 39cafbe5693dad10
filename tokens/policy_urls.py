"""The token policy, among the pages of **Workspace Configuration**."""

from __future__ import annotations

from django.urls import path

from tokens import policy_views

app_name = "token_policy"
urlpatterns = [path("token-policy/", policy_views.index, name="index")]
