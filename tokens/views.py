"""Generate, replace, edit, retire and revoke tokens in the browser.

A value is shown by the answer to the POST that made it and nowhere else: not in
the session, not in a message, not in a URL.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tokens import confirmed, services, ways
from tokens.errors import (
    LivesTooLong,
    OverlapTooLong,
    TokenExists,
    TokenNotActive,
    TokenReplaced,
    TooShort,
)
from tokens.forms import RotateForm, TokenForm
from tokens.holders import holder_of
from tokens.models import ScimToken
from tokens.opener import Opener
from tokens.policy import policy_of, reminders_in_words
from tokens.services import IssuedToken
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.step_up import recent_confirmation

OpenerT = TypeVar("OpenerT", bound=Opener)


def _new_subject(request: WorkspaceRequest, directory_key: str) -> Subject:
    """Return what a confirmation to generate a token is about: the directory."""
    directory = directory_or_404(request, directory_key)
    return Subject(directory.key, holder_of(directory).name)


def _replaced(request: WorkspaceRequest, directory_key: str, token_key: str) -> Subject:
    """Return what a confirmation of a new token is about: the one it replaces."""
    directory = directory_or_404(request, directory_key)
    return confirmed.replaced(_token(request, directory, token_key))


def _subject(request: WorkspaceRequest, directory_key: str, token_key: str) -> Subject:
    """Return what a confirmation of a change is about: the token."""
    directory = directory_or_404(request, directory_key)
    return confirmed.subject_of(_token(request, directory, token_key))


@never_cache
@require_POST
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.GENERATE.name, _new_subject, is_step=False)
def generate(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Make the first token of a directory and show it, this once."""
    directory = directory_or_404(request, directory_key)
    try:
        issued = services.generate_first(
            directory, actor=request.user, now=database_now()
        )
    except TokenExists as error:
        return _already_shown(request, directory, error.existing)
    return _shown(request, directory, issued)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.REPLACE.name, _replaced)
def rotate(
    request: WorkspaceRequest, directory_key: str, token_key: str
) -> HttpResponse:
    """Ask what becomes of the old token, then make and show the new one, this once."""
    directory = directory_or_404(request, directory_key)
    old = _token(request, directory, token_key)
    form = RotateForm(
        request.POST if request.method == "POST" else None,
        policy=policy_of(request.workspace),
    )
    if form.is_valid():
        try:
            issued = services.rotate(
                directory,
                old,
                overlap=form.chosen(),
                actor=request.user,
                now=database_now(),
            )
        except TokenReplaced as error:
            return _already_shown(request, directory, error.successor)
        except TokenNotActive as error:
            messages.info(request, str(error))
            return _leave(request, directory)
        except OverlapTooLong as error:
            form.add_error("overlap", str(error))
        else:
            return _shown(request, directory, issued, old=old)
    oldest = services.forerunner(old, now=database_now())
    context = {"form": form, "oldest": oldest}
    return _asked(request, directory, old, "tokens/rotate.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def edit(request: WorkspaceRequest, directory_key: str, token_key: str) -> HttpResponse:
    """Name a token and say when it ends; the dialog that showed it posts here too."""
    directory = directory_or_404(request, directory_key)
    token = _token(request, directory, token_key)
    form = TokenForm(request.POST if request.method == "POST" else None, token=token)
    if form.is_valid():
        try:
            services.change(
                token,
                name=form.cleaned_data["name"],
                lifetime=form.chosen_lifetime(),
                actor=request.user,
                now=database_now(),
            )
        except (TooShort, LivesTooLong) as error:
            form.add_error("lifetime", str(error))
        except TokenNotActive as error:
            messages.info(request, str(error))
            return _leave(request, directory)
        else:
            return _leave(request, directory)
    return _asked(request, directory, token, "tokens/edit.html", {"form": form})


@never_cache
@require_POST
@requires(Permission.MANAGE_TOKENS)
def retire(
    request: WorkspaceRequest, directory_key: str, token_key: str
) -> HttpResponse:
    """End the overlap of a token that is replaced."""
    directory = directory_or_404(request, directory_key)
    token = _token(request, directory, token_key)
    try:
        services.retire(token, actor=request.user, now=database_now())
    except TokenNotActive as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"{token.name} is retired. It opens nothing now.")
    return redirect(holder_of(directory).url)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.REVOKE.name, _subject)
def revoke(
    request: WorkspaceRequest, directory_key: str, token_key: str
) -> HttpResponse:
    """Ask, then end a token for good."""
    directory = directory_or_404(request, directory_key)
    token = _token(request, directory, token_key)
    if request.method == "POST":
        try:
            services.revoke(token, actor=request.user, now=database_now())
        except TokenNotActive as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"{token.name} is revoked.")
        return redirect(holder_of(directory).url)
    others = ScimToken.objects.of_directory(directory).live(database_now())
    return _asked(
        request,
        directory,
        token,
        "tokens/revoke.html",
        {"others": list(others.exclude(pk=token.pk))},
    )


def _shown(
    request: WorkspaceRequest,
    directory: Directory,
    issued: IssuedToken,
    *,
    old: ScimToken | None = None,
) -> HttpResponse:
    """Show a token that was made just now: the only answer that holds its value."""
    if old is not None:
        old.refresh_from_db(fields=["overlap_ends_at"])
    return render(
        request,
        f"tokens/generated.html{_part(request)}",
        {
            "token": issued.token,
            "token_value": issued.plaintext,
            "gateway_url": directory.base_url,
            "url_label": "SCIM Gateway URL"
            if directory.kind == Directory.Kind.GATEWAY
            else "SCIM URL",
            "done_url": holder_of(directory).url,
            "edit_url": reverse("tokens:edit", args=[directory.key, issued.token.key]),
            "form": TokenForm(token=issued.token),
            "reminders": reminders_in_words(policy_of(request.workspace)),
            "old": old,
        },
    )


def _already_shown(
    request: WorkspaceRequest, directory: Directory, existing: ScimToken
) -> HttpResponse:
    """Say that there is a token, whose value is gone: the form was sent again."""
    return render(
        request,
        f"tokens/already_shown.html{_part(request)}",
        {
            "existing": existing,
            "back_url": holder_of(directory).url,
            "rotate_url": reverse("tokens:rotate", args=[directory.key, existing.key]),
        },
        status=409,
    )


def _asked(
    request: WorkspaceRequest,
    directory: Directory,
    token: ScimToken,
    template: str,
    context: dict[str, Any],
) -> HttpResponse:
    """Show a page that asks about a token; 422 if its form came back with errors."""
    holder = holder_of(directory)
    form = context.get("form")
    return render(
        request,
        f"{template}{_part(request)}",
        {
            "token": token,
            "holder": holder,
            "cancel_url": holder.url,
            **context,
        },
        status=422 if form is not None and form.errors else 200,
    )


def _leave(request: WorkspaceRequest, directory: Directory) -> HttpResponse:
    """Go back to the page of the directory, out of a dialog too."""
    url = holder_of(directory).url
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _part(request: WorkspaceRequest) -> str:
    return "#dialog" if request.htmx else ""


def _token(request: WorkspaceRequest, directory: Directory, key: str) -> ScimToken:
    """Return a token of the directory, or answer 404."""
    return get_object_or_404(
        ScimToken.objects.in_workspace(request.workspace).select_related(
            "created_by", "owner__user"
        ),
        directory=directory,
        key=key,
    )


def directory_or_404(request: WorkspaceRequest, key: str) -> Directory:
    """Return a gateway of the workspace or its Directory Sync, or answer 404."""
    return get_object_or_404(ways.directories_of(request.workspace), key=key)


def opener_or_404(
    request: WorkspaceRequest, kind: type[OpenerT], directory_key: str, key: str
) -> OpenerT:
    """Return a token, an OAuth client or a trust of the workspace, or answer 404."""
    directory = directory_or_404(request, directory_key)
    return get_object_or_404(
        kind._default_manager.select_related("directory__workspace", "created_by"),  # noqa: SLF001
        directory=directory,
        key=key,
    )
