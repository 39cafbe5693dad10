"""**API tokens**: list them, generate one that is shown this once, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from tokens import api_tokens, confirmed
from tokens.api_tokens import SCOPES, IssuedApiToken
from tokens.errors import LivesTooLong, TokenNotActive
from tokens.models import ApiToken
from tokens.policy import choices, policy_of
from tokens.state import TokenState
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Membership
from workspaces.pages import Pill, page_of
from workspaces.permissions import Permission, WorkspaceRequest, can, requires
from workspaces.shown_once import ShownOnce, show
from workspaces.step_up import recent_confirmation

LIFETIMES = (30, 90, 365)
"""Days."""

_PAGE = "api_tokens:list"
_TONES = {TokenState.ACTIVE: "success", TokenState.EXPIRING: "warning"}


class ApiTokenForm(forms.Form):
    """What a new API token is called, may do, and how long it lives."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="What uses it, such as terraform or nightly-report.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Enter a name for the token.",
            "max_length": "Use at most 100 characters for the name.",
        },
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        help_text="What it may do. Your role is the limit, also when it changes.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one scope.",
            "invalid_choice": "Choose from the scopes that are listed.",
        },
    )
    lifetime = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        error_messages={
            "required": "Choose when the token expires.",
            "invalid_choice": "Choose one of the times that are listed.",
        },
    )

    def __init__(self, *args: Any, of: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)  # noqa: S101  as above
        scopes.choices = [
            (str(scope), label) for scope, label in SCOPES.items() if can(of, scope)
        ]
        preset = choices(policy_of(of.workspace), LIFETIMES)
        lifetime = self.fields["lifetime"]
        assert isinstance(lifetime, forms.TypedChoiceField)  # noqa: S101  as above
        lifetime.choices = [(days, f"After {words}") for days, words in preset]
        self.initial.setdefault("lifetime", min(90, preset[-1][0]))


@require_GET
@requires(Permission.MANAGE_TOKENS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the API tokens of the workspace, newest first, without values."""
    page = page_of(request, ApiToken.objects.in_workspace(request.workspace))
    now = database_now()
    return render(
        request,
        "tokens/api_tokens.html",
        {"tokens": [_row(token, now) for token in page], "page_obj": page},
    )


def _row(token: ApiToken, now: datetime) -> dict[str, Any]:
    state = token.state(now)
    return {
        "name": token.name,
        "hint": token.hint,
        "owner": str(token.membership.user),
        "scopes": token.scopes,
        "state": Pill(state.label, _TONES.get(state, "neutral")),
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoke_url": reverse("api_tokens:revoke", args=[token.key])
        if token.revoked_at is None
        else "",
    }


def _shown(request: WorkspaceRequest, issued: IssuedApiToken) -> HttpResponse:
    """Show a token that was made just now: the only answer that holds its value."""
    return show(
        request,
        ShownOnce(
            title="API token",
            noun="token",
            value=issued.plaintext,
            advice="Copy the token now. Nobody can see it again: a lost token must be "
            "replaced by a new one.",
            if_lost="If nobody has it, generate a new one and revoke this one.",
            done_url=reverse(_PAGE),
            where="API tokens",
            hint=issued.token.hint,
            until_words="It expires on",
            until=issued.token.expires_at,
        ),
    )


def _new_subject(request: WorkspaceRequest) -> Subject:
    return Subject(str(request.workspace.public_id), request.workspace.name)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
@recent_confirmation(confirmed.GENERATE_API.name, _new_subject)
def new(request: WorkspaceRequest) -> HttpResponse:
    """Ask for name, scopes and lifetime, then show the new token, this once."""
    posted = request.POST if request.method == "POST" else None
    form = ApiTokenForm(posted, of=request.membership)
    if form.is_valid():
        request.membership.user = request.user
        try:
            issued = api_tokens.issue(
                request.membership,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                lifetime=timedelta(days=form.cleaned_data["lifetime"]),
                now=database_now(),
            )
        except LivesTooLong as error:
            form.add_error("lifetime", str(error))
        else:
            return _shown(request, issued)
    context = {"form": form, "cancel_url": reverse(_PAGE)}
    status = 422 if form.errors else 200
    return render(request, "tokens/api_token_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def revoke(request: WorkspaceRequest, token_key: str) -> HttpResponse:
    """Ask, then end a token for good."""
    token = get_object_or_404(
        ApiToken.objects.in_workspace(request.workspace).select_related("workspace"),
        key=token_key.replace("\x00", ""),
    )
    if request.method == "POST":
        try:
            api_tokens.revoke(token, actor=request.user, now=database_now())
        except TokenNotActive as error:
            messages.info(request, str(error))
        else:
            messages.success(request, f"{token.name} is revoked. It opens nothing now.")
        return redirect(_PAGE)
    part = "#dialog" if request.htmx else ""
    context = {"token": token, "cancel_url": reverse(_PAGE)}
    return render(request, f"tokens/api_token_revoke.html{part}", context)
