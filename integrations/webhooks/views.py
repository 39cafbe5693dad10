"""**Webhooks**: the endpoints of a workspace, their secrets, what was sent to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.views.calls import pretty
from integrations.webhooks import announcing, endpoints
from integrations.webhooks.endpoints import NewSecret, TooMany, TurnedOff
from integrations.webhooks.events import EVENT_TYPES
from integrations.webhooks.forms import EndpointForm, ReplaceSecretForm
from workspaces import configuration
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.pages import Pill, page_of
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.secrets import UnreadableSecret
from workspaces.shown_once import ShownOnce, show
from workspaces.step_up import recent_confirmation

TAB = "Webhooks"
MOST_SHOWN = 20_000
"""Characters of a payload on its page."""

_LIST = "webhooks:list"
_STATES = {
    WebhookDelivery.State.DELIVERED: Pill("Succeeded", "success"),
    WebhookDelivery.State.FAILED: Pill("Failed", "danger"),
}


def _new_subject(request: WorkspaceRequest) -> Subject:
    return endpoints.new_subject(request.workspace)


def _subject(request: WorkspaceRequest, public_id: UUID) -> Subject:
    """Return what a confirmation of a change is about: the endpoint."""
    return endpoints.subject_of(_get(request, public_id))


def _deleted_is_not_found(view: Callable[..., HttpResponse]) -> Any:
    """Answer 404 also where the endpoint is deleted after the view has read it."""

    @wraps(view)
    def guarded(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
        try:
            return view(request, public_id)
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None

    return guarded


@require_GET
@requires(Permission.MANAGE_WEBHOOKS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the endpoints of the workspace, the oldest first."""
    rows = WebhookEndpoint.objects.filter(workspace=request.workspace).order_by("id")
    context = {
        "tabs": configuration.tabs_for(request, current=TAB),
        "endpoints": [
            {
                "url": reverse("webhooks:endpoint", args=[each.public_id]),
                "address": each.url,
                "event_count": len(each.events),
                "state": _state_of(each),
                "created_at": each.created_at,
            }
            for each in rows
        ],
        "event_total": len(EVENT_TYPES),
    }
    return render(request, "webhooks/list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_WEBHOOKS)
@recent_confirmation(endpoints.SEND.name, _new_subject)
def new(request: WorkspaceRequest) -> HttpResponse:
    """Ask for address and events, then show the secret, this once."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = endpoints.add(
                request.workspace,
                url=form.cleaned_data["url"],
                chosen=form.cleaned_data["events"],
                actor=request.user,
                now=database_now(),
            )
        except TooMany as error:
            form.add_error(None, str(error))
        else:
            return _shown(request, made)
    return _asked(request, form, None)


@require_GET
@requires(Permission.MANAGE_WEBHOOKS)
def endpoint(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Show an endpoint, and what was sent to it, newest first."""
    found = _get(request, public_id)
    page = page_of(request, found.deliveries.order_by("-id").defer("body"))
    urls = {
        f"{name}_url": reverse(f"webhooks:{name}", args=[public_id])
        for name in ("edit", "replace_secret", "test", "turn_off", "turn_on", "delete")
    }
    context = {
        "endpoint": found,
        "state": _state_of(found),
        "former_ends_at": found.former_ends_at if _has_two(found) else None,
        "deliveries": [_row(each, found) for each in page],
        "page_obj": page,
        **urls,
    }
    return render(request, "webhooks/endpoint.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_WEBHOOKS)
@recent_confirmation(endpoints.SEND.name, _subject)
@_deleted_is_not_found
def edit(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Change the address or the events of an endpoint."""
    found = _get(request, public_id)
    form = EndpointForm(
        request.POST if request.method == "POST" else None,
        initial={"url": found.url, "events": found.events},
    )
    if form.is_valid():
        changed = endpoints.change(
            found,
            url=form.cleaned_data["url"],
            chosen=form.cleaned_data["events"],
            actor=request.user,
        )
        messages.success(request, "Saved." if changed else "Nothing was changed.")
        return redirect(_page_of(found))
    return _asked(request, form, found)


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_WEBHOOKS)
@_deleted_is_not_found
def replace_secret(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Ask what becomes of the old secret, then show the new one, this once."""
    found = _get(request, public_id)
    form = ReplaceSecretForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = endpoints.replace_secret(
                found, overlap=form.chosen(), actor=request.user, now=database_now()
            )
        except UnreadableSecret:
            form.add_error(
                "overlap",
                "The old secret cannot be read with the present encryption keys, so "
                "it cannot sign. Choose Immediately.",
            )
        else:
            return _shown(request, made)
    context = {"endpoint": found, "form": form, "cancel_url": _page_of(found)}
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"webhooks/replace_secret.html{part}",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.MANAGE_WEBHOOKS)
def test(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Put a message that is about nothing off."""
    found = _get(request, public_id)
    try:
        announcing.send_test(found)
    except TurnedOff as error:
        messages.info(request, str(error))
    else:
        messages.success(request, "A test is on its way. Its row shows how it went.")
    return redirect(_page_of(found))


@require_GET
@requires(Permission.MANAGE_WEBHOOKS)
def delivery(
    request: WorkspaceRequest, public_id: UUID, delivery_id: UUID
) -> HttpResponse:
    """Show a message: how its last attempt went, and its payload."""
    found = _get(request, public_id)
    sent = _sent(found, delivery_id)
    payload = pretty(sent.body)
    context = {
        "endpoint": found,
        "row": _row(sent, found),
        "url": _page_of(found),
        "payload": payload[:MOST_SHOWN],
        "is_cut": len(payload) > MOST_SHOWN,
    }
    part = "#dialog" if request.htmx else ""
    return render(request, f"webhooks/delivery.html{part}", context)


@require_POST
@requires(Permission.MANAGE_WEBHOOKS)
def send_again(
    request: WorkspaceRequest, public_id: UUID, delivery_id: UUID
) -> HttpResponse:
    """Put a message off that was sent before."""
    found = _get(request, public_id)
    sent = _sent(found, delivery_id)
    try:
        announcing.send_again(sent)
    except TurnedOff as error:
        messages.info(request, str(error))
    else:
        messages.success(request, f"{sent.event} is sent again.")
    return redirect(_page_of(found))


@require_POST
@requires(Permission.MANAGE_WEBHOOKS)
@_deleted_is_not_found
def turn_off(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Send nothing more to an endpoint, until somebody turns it on."""
    found = _get(request, public_id)
    reason = f"{request.user} turned it off."
    endpoints.turn_off(found, reason, actor=request.user, now=database_now())
    messages.success(request, "The endpoint is off. Nothing is sent to it.")
    return redirect(_page_of(found))


@require_POST
@requires(Permission.MANAGE_WEBHOOKS)
@_deleted_is_not_found
def turn_on(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Send to an endpoint again, from the next event on."""
    found = _get(request, public_id)
    endpoints.turn_on(found, actor=request.user)
    messages.success(request, "The endpoint is on. It gets what happens from now on.")
    return redirect(_page_of(found))


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_WEBHOOKS)
def delete(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Ask, then delete an endpoint with its deliveries."""
    found = _get(request, public_id)
    if request.method == "POST":
        endpoints.delete(found, actor=request.user, now=database_now())
        messages.success(request, f"The endpoint at {found.origin} is deleted.")
        return redirect(_LIST)
    part = "#dialog" if request.htmx else ""
    context = {"endpoint": found, "cancel_url": _page_of(found)}
    return render(request, f"webhooks/delete.html{part}", context)


def _get(request: WorkspaceRequest, public_id: UUID) -> WebhookEndpoint:
    return get_object_or_404(
        WebhookEndpoint.objects.select_related("workspace", "created_by"),
        workspace=request.workspace,
        public_id=public_id,
    )


def _sent(endpoint: WebhookEndpoint, delivery_id: UUID) -> WebhookDelivery:
    """Return what was sent to an endpoint, or answer 404."""
    sent = endpoint.deliveries.select_related("endpoint")
    return get_object_or_404(sent, public_id=delivery_id)


def _page_of(endpoint: WebhookEndpoint) -> str:
    return reverse("webhooks:endpoint", args=[endpoint.public_id])


def _asked(
    request: WorkspaceRequest, form: EndpointForm, endpoint: WebhookEndpoint | None
) -> HttpResponse:
    context = {
        "form": form,
        "endpoint": endpoint,
        "title": "Edit endpoint" if endpoint else "Add endpoint",
        "cancel_url": _page_of(endpoint) if endpoint else reverse(_LIST),
    }
    status = 422 if form.errors else 200
    return render(request, "webhooks/form.html", context, status=status)


def _shown(request: WorkspaceRequest, made: NewSecret) -> HttpResponse:
    """Answer with the secret: the only place where it is ever shown."""
    return show(
        request,
        ShownOnce(
            title="Signing secret",
            noun="secret",
            value=made.secret,
            advice="Copy the secret into the receiver now. Nobody can see it again: a "
            "lost secret must be replaced.",
            if_lost="If nobody has it, replace it by another one.",
            done_url=_page_of(made.endpoint),
            where=TAB,
            until_words="Each message has both signatures until",
            until=made.endpoint.former_ends_at,
        ),
    )


def _has_two(endpoint: WebhookEndpoint) -> bool:
    ends_at = endpoint.former_ends_at
    return ends_at is not None and ends_at > database_now()


def _state_of(endpoint: WebhookEndpoint) -> Pill:
    if endpoint.turned_off_at is not None:
        return Pill("Off", "neutral", since=endpoint.turned_off_at)
    if endpoint.failing_since is not None:
        return Pill("Failing", "warning", since=endpoint.failing_since)
    return Pill("Active", "success")


def _row(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> dict[str, Any]:
    state = WebhookDelivery.State(delivery.state)
    waiting = (
        Pill("Retrying", "warning") if delivery.attempts else Pill("Queued", "info")
    )
    can_send = endpoint.turned_off_at is None
    args = [endpoint.public_id, delivery.public_id]
    return {
        "event": delivery.event,
        "url": reverse("webhooks:delivery", args=args),
        "message_id": delivery.message_id,
        "state": _STATES.get(state, waiting),
        "status": delivery.status,
        "milliseconds": delivery.milliseconds,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "at": delivery.attempted_at or delivery.created_at,
        "send_url": reverse("webhooks:send_again", args=args) if can_send else None,
    }
