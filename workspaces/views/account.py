"""Sign in and out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse

from workspaces.demo import demo_login
from workspaces.forms import LoginForm


class SignIn(LoginView):
    """The login page. In development it shows the demo login."""

    template_name = "workspaces/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the demo login, where there is one."""
        login = demo_login() if settings.DEVELOPMENT else None
        return super().get_context_data(demo_login=login, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Answer 422, so that scripts and people see that it failed."""
        response = super().form_invalid(form)
        response.status_code = 422
        return response
