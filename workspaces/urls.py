"""Pages of people and their accounts."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspaces.views.account import SignIn

app_name = "workspaces"
urlpatterns = [
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
