"""Pages for what went wrong: what, why, the way back, and the id of the request."""

from __future__ import annotations

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template

from workspaces.audit import origin
from workspaces.errors import ReachesTooHigh
from workspaces.middleware import page_of_form
from workspaces.models import Role
from workspaces.permissions import Permission, note_refusal, roles_with


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say which roles may."""
    try:
        roles = roles_with(Permission(str(exception)))
    except ValueError:
        roles = []
    membership = getattr(request, "membership", None)
    context = {
        "roles": roles,
        "role": Role(membership.role).label if membership else "",
        "request_id": origin.get().request_id,
        "why": exception.message if isinstance(exception, ReachesTooHigh) else "",
    }
    if isinstance(exception, ReachesTooHigh) and membership is not None:
        note_refusal(
            Permission.MANAGE_DIRECTORY_SYNC,
            workspace=membership.workspace,
            actor=membership.user,
            path=request.path,
        )
    return render(request, "403.html", context, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing at the address."""
    context = {"request_id": origin.get().request_id}
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that Keyway, or its database, failed. Asks neither session nor database."""
    status = 500
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        status = 503
    theme = request.COOKIES.get("theme", "system")
    context = {"request_id": origin.get().request_id, "theme": theme}
    page = get_template(f"{status}.html").render(context)
    headers = {"Retry-After": "5"} if status == 503 else None
    return HttpResponse(page, status=status, headers=headers)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form was too old, and lead back to it."""
    context = {
        "request_id": origin.get().request_id,
        "form_url": page_of_form(request),
    }
    return render(request, "403_csrf.html", context, status=403)
