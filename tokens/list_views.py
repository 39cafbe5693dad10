"""All tokens, OAuth clients or trusts of a directory, page by page: also those that ended."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tokens import panel
from tokens.holders import holder_of
from tokens.oauth import panel as oauth_panel
from tokens.policy import policy_of
from tokens.views import directory_or_404
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.pages import page_of
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.MANAGE_TOKENS)
def tokens(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """List the tokens of a directory, newest first."""
    directory = directory_or_404(request, directory_key)
    page = page_of(request, panel.of_directory(directory))
    shown = panel.rows(
        page,
        directory,
        policy_of(request.workspace),
        can_manage=True,
        now=database_now(),
    )
    return _page(request, directory, "Tokens", page, tokens=shown)


@require_GET
@requires(Permission.MANAGE_TOKENS)
def clients(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """List the OAuth clients of a directory, live ones first."""
    directory, now = directory_or_404(request, directory_key), database_now()
    page = page_of(request, oauth_panel.clients_of(directory, now))
    shown = oauth_panel.rows(page, can_manage=True, now=now)
    return _page(request, directory, "OAuth clients", page, openers=shown)


@require_GET
@requires(Permission.MANAGE_TOKENS)
def trusts(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """List the IdPs that a directory trusts or did, the live one first."""
    directory = directory_or_404(request, directory_key)
    page = page_of(request, oauth_panel.trusts_of(directory))
    shown = oauth_panel.rows(page, can_manage=True, now=database_now())
    return _page(request, directory, "Trusted IdPs", page, openers=shown)


def _page(
    request: WorkspaceRequest,
    directory: Directory,
    title: str,
    page: Page,
    **rows: list[dict[str, Any]],
) -> HttpResponse:
    context = {"title": title, "page_obj": page, "holder": holder_of(directory)}
    return render(request, "tokens/all.html", context | rows)
