"""**Scheduled rotation** of the tokens of a connection."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tokens import scheduled_rotation
from tokens.holders import holder_of
from tokens.rotation_forms import RotationForm
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def schedule(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Show every how many days tokens are replaced, and keep what is chosen."""
    directory = get_object_or_404(
        Directory.objects.in_workspace(request.workspace), key=directory_key
    )
    holder = holder_of(directory)
    form = RotationForm(
        request.POST if request.method == "POST" else None,
        schedule=scheduled_rotation.of(directory),
    )
    if form.is_valid():
        messages.success(request, _kept(request, directory, form))
        if request.htmx:
            return HttpResponseClientRedirect(holder.url)
        return redirect(holder.url)
    part = "#dialog" if request.htmx else ""
    context = {"form": form, "holder": holder, "cancel_url": holder.url}
    status = 422 if form.errors else 200
    return render(request, f"tokens/schedule.html{part}", context, status=status)


def _kept(request: WorkspaceRequest, directory: Directory, form: RotationForm) -> str:
    """Keep the answer of a valid form and say what it was."""
    every, lead = form.cleaned_data["every_days"], form.cleaned_data["lead_days"]
    if every is None:
        scheduled_rotation.turn_off(directory, actor=request.user)
        return "Tokens are not replaced by schedule."
    scheduled_rotation.set_up(
        directory, every_days=every, lead_days=lead, actor=request.user
    )
    return f"Tokens are to be replaced every {every} days."
