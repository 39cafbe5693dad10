"""**View Token** and **Show Token**, and the rule for them.

The value is in the answer to one POST, which used a confirmation up, and in no other.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tokens import reveal
from tokens.confirmed import VIEW, subject_of
from tokens.errors import NotRevealable, OnlyOwners
from tokens.forms import RevealRuleForm
from tokens.holders import has_holder, holder_of
from tokens.models import ScimToken
from workspaces import step_up
from workspaces.clock import database_now
from workspaces.confirmation_errors import NotConfirmed
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.secrets import UnreadableSecret


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def view(request: WorkspaceRequest, directory_key: str, token_key: str) -> HttpResponse:
    """Ask for a confirmation; **View Token** posts here."""
    token = _token(request, directory_key, token_key)
    if request.method == "GET":
        return step_up.ask(request, VIEW, subject_of(token), is_step=False)
    return _ask(request, token, status=200)


@never_cache
@require_POST
@requires(Permission.MANAGE_TOKENS)
def show(request: WorkspaceRequest, directory_key: str, token_key: str) -> HttpResponse:
    """Show the value to whoever confirmed; 403 with the ways to confirm if not."""
    token = _token(request, directory_key, token_key)
    by = step_up.asker(request)
    try:
        value = reveal.reveal(
            token,
            by=by,
            confirmation_id=step_up.confirmation_id(request),
            now=database_now(),
        )
    except NotConfirmed as error:
        return step_up.refuse(
            request,
            VIEW,
            subject_of(token),
            reason=error.reason,
            reopen=lambda: _ask(request, token, status=403),
        )
    except NotRevealable:
        raise Http404 from None
    except UnreadableSecret:
        return _page(request, "unreadable", token, status=409)
    return _page(request, "shown", token, token_value=value)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
def rule(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Ask when tokens can be seen, and keep it. Owners only."""
    directory = get_object_or_404(
        Directory.objects.in_workspace(request.workspace), key=directory_key
    )
    form = RevealRuleForm(
        request.POST if request.method == "POST" else None,
        initial={"rule": directory.reveal_rule},
    )
    if form.is_valid():
        try:
            reveal.set_rule(directory, form.chosen(), by=request.membership)
        except OnlyOwners as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "When tokens can be seen is saved.")
        return _leave(request, _back(directory))
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"tokens/reveal_rule.html{part}",
        {
            "form": form,
            "cancel_url": _back(directory),
            "kept": ScimToken.objects.filter(directory=directory)
            .exclude(sealed_value="")
            .count(),
        },
        status=422 if form.errors else 200,
    )


def _ask(request: WorkspaceRequest, token: ScimToken, *, status: int) -> HttpResponse:
    args = [token.directory.key, token.key]
    return step_up.open_(
        request,
        VIEW,
        subject_of(token),
        is_step=False,
        path=reverse("tokens:show", args=args),
        status=status,
    )


def _page(
    request: WorkspaceRequest,
    name: str,
    token: ScimToken,
    *,
    status: int = 200,
    **context: str,
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    context |= {
        "scim_url": token.directory.base_url,
        "done_url": _back(token.directory),
    }
    return render(
        request,
        f"tokens/{name}.html{part}",
        {"token": token, **context},
        status=status,
    )


def _token(request: WorkspaceRequest, directory_key: str, key: str) -> ScimToken:
    """Return a token of the workspace whose value can be shown, or answer 404."""
    token = get_object_or_404(
        ScimToken.objects.in_workspace(request.workspace).select_related(
            "directory__workspace", "owner__user"
        ),
        directory__key=directory_key,
        key=key,
    )
    if not reveal.can_reveal(token, database_now()):
        raise Http404
    return token


def _back(directory: Directory) -> str:
    return holder_of(directory).url if has_holder(directory) else "/"


def _leave(request: WorkspaceRequest, url: str) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
