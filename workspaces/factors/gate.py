"""Where a workspace requires two steps, nothing opens after one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from workspaces.factors.kinds import usable
from workspaces.factors.vouched import passed_two_steps
from workspaces.middleware import page_of_form
from workspaces.models import User

OPEN = {
    "workspaces:logout",
    "workspaces:switch",
    "workspaces:second_step",
    "workspaces:second_step_passkey",
    "workspaces:security",
    "workspaces:confirm",
    "workspaces:confirm_passkey",
    "workspaces:start_authenticator",
    "workspaces:authenticator",
    "workspaces:passkey",
    "workspaces:passkey_begin",
    "workspaces:start_phone",
    "workspaces:phone",
}
"""What leads through the gate: to prove a factor, or to set up the first one."""


class TwoStepsFirst:
    """Lead people to the second step, or to set one up, before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_args: Any
    ) -> HttpResponse | None:
        """Answer with a redirect where a step is missing."""
        workspace = getattr(request, "workspace", None)
        if workspace is None or not workspace.require_two_steps:
            return None
        match = request.resolver_match
        is_open = match is not None and match.view_name in OPEN
        if is_open or not getattr(view, "login_required", True):
            return None
        return None if passed_two_steps(request, workspace) else _lead(request)


def _lead(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101  there is a workspace
    name = "second_step" if usable(user) else "security"
    here = request.get_full_path() if request.method == "GET" else page_of_form(request)
    query = urlencode({"next": here or "/"}, safe="/")
    return HttpResponseRedirect(f"{reverse(f'workspaces:{name}')}?{query}")
