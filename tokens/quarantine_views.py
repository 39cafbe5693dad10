"""**Start quarantine** and **End quarantine**, on the page of a connection."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from tokens import quarantine
from tokens.holders import holder_of
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_POST
@requires(Permission.MANAGE_TOKENS)
def begin(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Let the writes of the IdP wait."""
    directory = _directory(request, directory_key)
    holder = holder_of(directory)
    if quarantine.begin(directory, actor=request.user, now=database_now()):
        messages.success(
            request,
            f"{holder.name} is in quarantine. Reads go on; writes wait until you "
            "end it.",
        )
    return redirect(holder.url)


@require_POST
@requires(Permission.MANAGE_TOKENS)
def end(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Let the writes of the IdP through again."""
    directory = _directory(request, directory_key)
    holder = holder_of(directory)
    if quarantine.end(directory, actor=request.user):
        messages.success(
            request,
            f"The quarantine of {holder.name} has ended. {holder.caller} sends what "
            "waited again by itself.",
        )
    return redirect(holder.url)


def _directory(request: WorkspaceRequest, key: str) -> Directory:
    return get_object_or_404(Directory.objects.in_workspace(request.workspace), key=key)
