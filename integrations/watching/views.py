"""The switch of the silence alarm."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from integrations.watching import silence
from tokens.holders import holder_of
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_POST
@requires(Permission.MANAGE_TOKENS)
def silence_alarm(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Turn the silence alarm of a connection on or off."""
    directory = get_object_or_404(
        Directory.objects.in_workspace(request.workspace).select_related("workspace"),
        key=key,
    )
    on = request.POST.get("on") == "yes"
    if silence.switch(directory, on=on, actor=request.user, now=database_now()):
        words = "on" if on else "off"
        messages.success(request, f"The silence alarm is {words}.")
    return redirect(holder_of(directory).url)
