"""Which actions ask members to confirm who they are. Owners say so."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from workspaces import confirmable, confirmation_policy
from workspaces.confirmation_form import ConfirmedActionsForm
from workspaces.errors import MemberError
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the actions that can be switched on, and keep the choice."""
    optional = confirmable.optional_actions()
    form = ConfirmedActionsForm(
        request.POST if request.method == "POST" else None,
        choices=[(action.name, action.setting) for action in optional],
        initial={"actions": request.workspace.confirmed_actions},
    )
    if form.is_valid():
        try:
            confirmation_policy.set_actions(
                form.cleaned_data["actions"], by=request.membership
            )
        except MemberError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "What needs a confirmation is saved.")
        return redirect("workspaces:confirmation_policy")
    return render(
        request,
        "workspaces/confirmation_policy.html",
        {"form": form, "minutes": request.workspace.confirm_minutes},
        status=422 if form.errors else 200,
    )
