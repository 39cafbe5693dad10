"""Sign in and out, and go from one workspace to another."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from workspaces import factors
from workspaces.clock import database_now
from workspaces.demo import demo_login
from workspaces.factors import second_step
from workspaces.forms import LoginForm
from workspaces.middleware import SESSION_KEY
from workspaces.models import Role, SignInProvider, User
from workspaces.navigation import entries_for


class SignIn(LoginView):
    """The login page. In development it shows the demo login."""

    template_name = "workspaces/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the demo login where there is one, and what an ended session lost."""
        login = demo_login() if settings.DEVELOPMENT else None
        return super().get_context_data(
            demo_login=login,
            is_unsent="unsent" in self.request.GET,
            has_provider=SignInProvider.objects.exists(),
            **kwargs,
        )

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, or ask for the second step of whoever has a factor."""
        user = form.get_user()
        now = database_now()
        if isinstance(user, User) and factors.usable(user, now):
            go_to = self.get_redirect_url()
            second_step.begin(self.request, user, go_to=go_to, now=now)
            return redirect("workspaces:second_step")
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Answer 422, so that scripts and people see that it failed."""
        response = super().form_invalid(form)
        response.status_code = 422
        return response


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Go to the first page that the person may open."""
    membership = request.membership  # type: ignore[attr-defined]
    if membership is None:
        return render(request, "workspaces/no_workspace.html", status=403)
    entries = entries_for(request)
    if entries:
        return redirect(entries[0]["url"])
    context = {"role": Role(membership.role).label}
    return render(request, "workspaces/no_pages.html", context)


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Go to another of the person's workspaces. Answers 404 for any other."""
    slug = request.POST.get("workspace", "")
    memberships = request.memberships  # type: ignore[attr-defined]
    if not memberships:
        return render(request, "workspaces/no_workspace.html", status=403)
    if slug not in {membership.workspace.slug for membership in memberships}:
        raise Http404
    request.session[SESSION_KEY] = slug
    return redirect("home")
