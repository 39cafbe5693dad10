"""Pages of tokens. The panel itself is part of other pages."""

from __future__ import annotations

from django.urls import path

from tokens import (
    limit_views,
    list_views,
    quarantine_views,
    reveal_pages,
    rotation_views,
    views,
)
from tokens.models import ScimToken

app_name = "tokens"
urlpatterns = [
    path("<slug:directory_key>/all/", list_views.tokens, name="all"),
    path("<slug:directory_key>/generate/", views.generate, name="generate"),
    path("<slug:directory_key>/quarantine/", quarantine_views.begin, name="quarantine"),
    path(
        "<slug:directory_key>/quarantine/end/",
        quarantine_views.end,
        name="end_quarantine",
    ),
    path("<slug:directory_key>/rotation/", rotation_views.schedule, name="schedule"),
    path("<slug:directory_key>/reveal-rule/", reveal_pages.rule, name="reveal_rule"),
    path("<slug:directory_key>/<str:token_key>/view/", reveal_pages.view, name="view"),
    path("<slug:directory_key>/<str:token_key>/show/", reveal_pages.show, name="show"),
    path("<slug:directory_key>/<str:token_key>/new/", views.rotate, name="rotate"),
    path("<slug:directory_key>/<str:token_key>/edit/", views.edit, name="edit"),
    path(
        "<slug:directory_key>/<str:key>/limit/",
        limit_views.limit,
        {"kind": ScimToken},
        name="limit",
    ),
    path("<slug:directory_key>/<str:token_key>/retire/", views.retire, name="retire"),
    path("<slug:directory_key>/<str:token_key>/revoke/", views.revoke, name="revoke"),
]
