"""The Django admin, for superusers only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from workspaces import factors, superusers
from workspaces.admin_base import superuser
from workspaces.clock import database_now
from workspaces.models import User
from workspaces.pages import own_path


class KeywayAdminSite(AdminSite):
    """Superusers only, after two steps, and no second login form."""

    site_header = "Keyway administration"
    site_title = "Keyway administration"
    index_title = "Everything in this installation"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active superusers in who proved a second factor, nobody else."""
        return _is_superuser(request) and factors.is_verified(request)

    @transaction.atomic
    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Change one's own password; once it is changed, write that down and mail it."""
        person = superuser(request)
        before = person.password
        response = super().password_change(request, extra_context)
        if person.password != before:
            superusers.tell_of_password(person, actor=person, now=database_now())
        return response

    @login_not_required
    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send people to the portal's pages for it, one step after the other."""
        go_to = request.GET.get("next", request.get_full_path())
        query = urlencode({"next": own_path(go_to, "/")}, safe="/")
        return HttpResponseRedirect(f"{reverse(_next_step(request))}?{query}")


def _next_step(request: HttpRequest) -> str:
    """Return the page that is missing: the log-in, the second step, or to set one up.

    Raises PermissionDenied for who is no superuser.
    """
    user = request.user
    if not isinstance(user, User):
        return "workspaces:login"
    if not _is_superuser(request):
        raise PermissionDenied
    has_factor = bool(factors.usable(user))
    return "workspaces:second_step" if has_factor else "workspaces:security"


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser
