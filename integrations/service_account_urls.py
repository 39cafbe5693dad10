"""Pages of service accounts."""

from __future__ import annotations

from django.urls import path

from integrations.views import service_accounts

app_name = "service_accounts"
urlpatterns = [
    path("", service_accounts.index, name="list"),
    path("new/", service_accounts.add, name="add"),
    path("<uuid:account_id>/", service_accounts.detail, name="detail"),
    path(
        "<uuid:account_id>/password/",
        service_accounts.replace_password,
        name="replace_password",
    ),
    path("<uuid:account_id>/check/", service_accounts.check, name="check"),
    path("<uuid:account_id>/delete/", service_accounts.delete, name="delete"),
]
