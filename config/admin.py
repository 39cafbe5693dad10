"""The Django admin, for superusers only."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class KeywayAdminSite(AdminSite):
    """Superusers only, and no second login form."""

    site_header = "Keyway administration"
    site_title = "Keyway administration"
    index_title = "Everything in this installation"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active superusers in, nobody else."""
        return request.user.is_active and request.user.is_superuser

    @login_not_required
    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send people to the portal's login page, but not those who come from it."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        query = urlencode({"next": request.GET.get("next", request.get_full_path())})
        return HttpResponseRedirect(f"{reverse('workspaces:login')}?{query}")
