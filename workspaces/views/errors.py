"""Pages for what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from workspaces.permissions import Permission, roles_with


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say which roles may."""
    try:
        roles = roles_with(Permission(str(exception)))
    except ValueError:
        roles = []
    return render(request, "403.html", {"roles": roles}, status=403)
