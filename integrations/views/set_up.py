"""**Set up your IdP**: every value to paste, in the IdP's own field names."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.models import Integration
from integrations.set_up.attribute_table import tables
from integrations.set_up.idps import IDPS, Field, Idp
from integrations.views.frame import frame, get_integration, left_tabs
from integrations.views.live import is_stale, live
from tokens import ways
from tokens.models import ScimToken
from tokens.oauth import endpoint
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def set_up(request: WorkspaceRequest, key: str, idp: str) -> HttpResponse:
    """Show how to connect one IdP, and whether it has called yet.

    A page that polls gets the live line alone, or 204 if it shows the last call.
    """
    if idp not in IDPS:
        raise Http404
    integration = get_integration(request, key)
    directory, now = integration.directory, database_now()
    tokens = ScimToken.objects.of_directory(directory).live(now)
    token = tokens.filter(replaced_by=None).first() or tokens.first()
    found = live(
        directory,
        has_token=token is not None or ways.has_way_in(directory, now),
        seen=request.GET.get("seen"),
        now=now,
    )
    if request.htmx:
        if is_stale(request, found):
            return HttpResponse(status=204)
        return render(request, "integrations/_live.html", {"live": found})
    chosen = IDPS[idp]
    context = frame(request, integration, current="Settings")
    context |= {
        "left_tabs": left_tabs(integration, current="Connected services"),
        "services_url": reverse("integrations:connected_services", args=[key]),
        "idp": chosen,
        "idps": links(integration, current=idp),
        "steps": _steps(chosen, integration),
        "tables": tables(
            integration,
            paths=chosen.attribute_paths,
            full_names=chosen.full_names,
        ),
        "gateway_url": directory.base_url,
        "token": token,
        "live": found,
        "live_url": request.path,
    }
    return render(request, "integrations/set_up.html", context)


def links(integration: Integration, *, current: str = "") -> list[dict[str, Any]]:
    """Return a link to the page of each IdP."""
    key = integration.directory.key
    return [
        {
            "label": idp.name,
            "url": reverse("integrations:set_up", args=[key, slug]),
            "current": slug == current,
            "url_label": idp.url_label,
            "token_label": idp.token_label,
        }
        for slug, idp in IDPS.items()
    ]


def _steps(idp: Idp, integration: Integration) -> list[dict[str, Any]]:
    return [
        {
            "title": step.title,
            "text": step.text,
            "fields": [
                {
                    "id": f"set-up-{number}-{place}",
                    "label": field.label,
                    "value": _filled(field, integration),
                    "choice": field.choice,
                    "is_token": field.is_token,
                    "note": field.note,
                }
                for place, field in enumerate(step.fields, 1)
            ],
        }
        for number, step in enumerate(idp.steps, 1)
    ]


def _filled(field: Field, integration: Integration) -> str:
    places = {
        "{gateway_url}": integration.directory.base_url,
        "{token_endpoint}": endpoint.token_url(integration.directory),
        "{app_url}": integration.base_url,
        "{name}": integration.name,
    }
    value = field.value
    for place, filling in places.items():
        if place in value:
            return value.replace(place, filling)
    return value
