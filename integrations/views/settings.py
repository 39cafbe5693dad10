"""The left tabs of **Settings**, but for **Connected services**."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from integrations import configuration, deleting
from integrations.configuration import NameTaken
from integrations.forms.settings import (
    GeneralForm,
    MatchingForm,
    ServiceAccountForm,
    ThresholdForm,
)
from integrations.models import Integration
from integrations.outside import origins
from integrations.outside.origins import PasswordNeeded, WrongPassword
from integrations.views.frame import frame, get_integration, left_tabs
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_KEPT = "Nothing was changed."


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def general(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show and change name, address, imports and what an unassigned user means."""
    integration = get_integration(request, key)
    is_post = request.method == "POST"
    form = GeneralForm(request.POST if is_post else None, integration=integration)
    if is_post and form.is_valid():
        try:
            changed = configuration.change_general(
                integration,
                form.wish(),
                password=form.cleaned_data["password"],
                actor=request.user,
                now=database_now(),
            )
        except NameTaken as error:
            form.add_error("name", str(error))
        except (PasswordNeeded, WrongPassword) as error:
            form.ask_for_password(integration.service_account, str(error))
        else:
            messages.success(request, "Saved." if changed else _KEPT)
            return redirect("integrations:general", key=key)
    elif not origins.is_allowed(integration.service_account, integration.base_url):
        form.ask_for_password(integration.service_account)
    return _page(request, integration, "General", form)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def security(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show and change from how many users gone a sync is held."""
    integration = get_integration(request, key)
    is_post = request.method == "POST"
    form = ThresholdForm(
        request.POST if is_post else None,
        initial={
            "threshold": integration.threshold_percent,
            "minimum": integration.threshold_minimum,
        },
    )
    if is_post and form.is_valid():
        percent = form.cleaned_data["threshold"]
        changed = configuration.change_threshold(
            integration,
            percent=percent,
            minimum=form.cleaned_data["minimum"],
            actor=request.user,
        )
        messages.success(
            request, f"The threshold is {percent} %." if changed else _KEPT
        )
        return redirect("integrations:security", key=key)
    extra = {
        "percent": form["threshold"].value(),
        "known": _known(integration),
        "observe_url": reverse("integrations:observe", args=[key]),
    }
    return _page(request, integration, "Security settings", form, **extra)


def _known(integration: Integration) -> int:
    return integration.accounts.count()


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def matching(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show and change by which rules a sync finds whose an account is."""
    integration = get_integration(request, key)
    is_post = request.method == "POST"
    form = MatchingForm(request.POST if is_post else None, integration=integration)
    if is_post and form.is_valid():
        changed = configuration.change_matching(
            integration, rules=form.rules(), actor=request.user
        )
        messages.success(request, "Saved." if changed else _KEPT)
        return redirect("integrations:matching", key=key)
    return _page(request, integration, "Matching", form)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def service_account(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show the account that Keyway works with, and let another be chosen."""
    integration = get_integration(request, key)
    if integration.service_account is None:
        raise Http404
    accounts = configuration.accounts_to_choose(integration)
    is_post = request.method == "POST"
    form = ServiceAccountForm(
        request.POST if is_post else None,
        accounts=accounts,
        initial={"account": integration.service_account.public_id},
    )
    if is_post and form.is_valid():
        chosen = form.cleaned_data["account"]
        try:
            changed = configuration.choose_service_account(
                integration,
                chosen,
                password=form.cleaned_data["password"],
                actor=request.user,
                now=database_now(),
            )
        except (PasswordNeeded, WrongPassword) as error:
            form.ask_for_password(chosen, str(error))
        else:
            text = (
                f"Keyway works with {chosen.name} now. Sync to see that it can log in."
            )
            messages.success(request, text if changed else _KEPT)
            return redirect("integrations:service_account", key=key)
    return _page(
        request,
        integration,
        "Service account",
        form,
        account=integration.service_account,
        state=_login_state(integration),
        has_others=accounts.count() > 1,
        accounts_url=_accounts_url(),
    )


def _login_state(integration: Integration) -> dict[str, Any]:
    """Return what the last contact with the app says of the login."""
    if integration.status == Integration.Status.NEEDS_ATTENTION:
        return {
            "label": "Needs attention",
            "tone": "warning",
            "at": integration.status_at,
            "reason": integration.status_reason,
        }
    if integration.last_synced_at is None and integration.status_at is None:
        return {"label": "Unknown", "tone": "neutral", "at": None, "reason": ""}
    seen = [at for at in (integration.last_synced_at, integration.status_at) if at]
    return {"label": "Active", "tone": "success", "at": max(seen), "reason": ""}


def _accounts_url() -> str | None:
    """Return where service accounts are kept, None if there is no such page."""
    try:
        return reverse("integrations:service_accounts")
    except NoReverseMatch:
        return None


@require_GET
@requires(Permission.MANAGE_INTEGRATIONS)
def danger_zone(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Offer to pause and to delete, with what that would mean."""
    integration = get_integration(request, key)
    effect = deleting.effect_of(integration, now=database_now())
    return _page(request, integration, "Danger zone", None, effect=effect)


def _page(
    request: WorkspaceRequest,
    integration: Integration,
    current: str,
    form: Form | None,
    **extra: Any,
) -> HttpResponse:
    context = frame(request, integration, current="Settings") | {
        "left_tabs": left_tabs(integration, current=current),
        "form": form,
        "can_manage": can(request.membership, Permission.MANAGE_INTEGRATIONS),
        "paused_at": integration.paused_at,
        **extra,
    }
    name = current.lower().replace(" ", "_")
    status = 422 if form is not None and form.errors else 200
    return render(request, f"integrations/settings_{name}.html", context, status=status)
