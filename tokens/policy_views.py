"""**Workspace Configuration**: the tab **Token policy**."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from tokens import policy
from tokens.policy_forms import TokenPolicyForm
from workspaces import configuration
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.permissions import Permission, WorkspaceRequest, requires

TAB = configuration.Tab(
    40, "Token policy", "token_policy:index", Permission.MANAGE_POLICY
)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show and change how long the tokens of the workspace live."""
    present = policy.policy_of(request.workspace)
    form = TokenPolicyForm(
        request.POST if request.method == "POST" else None, policy=present
    )
    if form.is_valid():
        try:
            policy.change(**form.cleaned_data, by=request.membership)
        except MemberError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The token policy is saved.")
        return redirect(TAB.url_name)
    context = {
        "tabs": configuration.tabs_for(request, current=TAB.label),
        "form": form,
        "longest": policy.in_words(present.longest_days),
        "outliving": policy.outliving(present, now=database_now()).count(),
    }
    status = 422 if form.errors else 200
    return render(request, "tokens/token_policy.html", context, status=status)
