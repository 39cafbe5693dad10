"""The **User schema** drawer, of a draft and of an integration (S0-32 to S0-34).

One address each: GET shows the schema, POST adds or drops a row, previews or
saves. Only **Save** changes anything; all else answers with the form as it is.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from integrations import drafts, schema_preview
from integrations import user_schema_form as rows_form
from integrations.models import App, IntegrationDraft
from integrations.user_schema_form import Row
from integrations.views.frame import get_integration
from scim import schema_changes
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.user_schema import InvalidUserSchema
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires

_USERS_OFFERED = 50
_CORE = (
    ("username", "userName"),
    ("email", "emails"),
    ("given_name", "name.givenName"),
    ("family_name", "name.familyName"),
    ("display_name", "displayName"),
    ("active", "active"),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the schema is kept, and how it is saved."""

    app: App
    name: str
    back_url: str
    save: Callable[[dict[str, Any]], str]
    """Saves a definition and returns what to tell. Raises InvalidUserSchema."""

    directory: Directory | None = None
    version: str = ""


@dataclass(slots=True)
class _Shown:
    """What the form shows besides its rows."""

    problems: list[str] = field(default_factory=list)
    preview: dict[str, Any] | None = None
    lost: list[dict[str, Any]] = field(default_factory=list)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def of_draft(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Edit the user schema of an integration that is being made."""
    draft = get_object_or_404(
        IntegrationDraft, workspace=request.workspace, public_id=draft_id
    )
    app = drafts.app_of(draft)
    if app is None or drafts.is_done(draft):
        return redirect("integrations:draft_app", draft.public_id)

    def save(definition: dict[str, Any]) -> str:
        drafts.save_user_schema(draft, definition)
        return "The user schema is saved in the draft."

    place = _Place(
        app=app,
        name=str(draft),
        back_url=reverse("integrations:draft_advanced", args=[draft.public_id]),
        save=save,
    )
    if request.method == "POST":
        return _act(request, place)
    return _show(request, place, rows_form.rows_of(drafts.schema_of(draft, app)))


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def of_integration(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Edit the user schema of an integration."""
    integration = get_integration(request, key)
    directory = integration.directory
    version = request.POST.get("version") or schema_changes.version_of(directory)

    def save(definition: dict[str, Any]) -> str:
        change = schema_changes.change_user_schema(
            directory,
            definition,
            expected_version=version,
            actor=request.user,
            now=database_now(),
        )
        return "The user schema is saved." if change else "Nothing was changed."

    place = _Place(
        app=integration.app,
        name=integration.name,
        back_url=reverse("integrations:connected_services", args=[key]),
        save=save,
        directory=directory,
        version=version,
    )
    if request.method == "POST":
        return _act(request, place)
    attributes = schema_changes.attributes_of(directory)
    return _show(request, place, rows_form.rows_of(attributes))


def _act(request: WorkspaceRequest, place: _Place) -> HttpResponse:
    """Do what the pressed button says."""
    rows = rows_form.rows_from(request.POST.dict())
    action = request.POST.get("action", "save")
    if action == "add":
        return _show(request, place, rows_form.with_another(rows))
    if match := re.fullmatch(r"drop-([0-9]{1,3})", action):
        rows = rows_form.without(rows, int(match[1]))
        return _show(request, place, rows, _Shown(lost=_lost(place, rows)))
    try:
        attributes = user_schema.parse(rows_form.definition_of(rows))
        if action == "preview":
            preview = _preview(request, place, attributes)
            return _show(request, place, rows, _Shown(preview=preview))
        lost = _lost(place, rows)
        if lost and "confirmed" not in request.POST:
            return _show(request, place, rows, _Shown(lost=lost), status=422)
        told = place.save(rows_form.definition_of(rows))
    except InvalidUserSchema as error:
        problems = rows_form.place_problems(rows, error.problems)
        return _show(request, place, rows, _Shown(problems=problems), status=422)
    except schema_changes.StaleUserSchema as error:
        return _show(request, place, rows, _Shown(problems=[str(error)]), status=409)
    messages.success(request, told)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(place.back_url)
    return redirect(place.back_url)


def _show(
    request: WorkspaceRequest,
    place: _Place,
    rows: list[Row],
    shown: _Shown | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Render the page, the drawer (htmx GET) or its form (htmx POST)."""
    shown = shown or _Shown()
    part = ""
    if request.htmx:  # type: ignore[attr-defined]
        part = "#drawer" if request.method == "GET" else "#form"
    own = {a.name for a in user_schema.read(place.app.manifest.get("user_schema"))}
    return render(
        request,
        f"integrations/user_schema.html{part}",
        {
            "app": place.app,
            "name": place.name,
            "back_url": place.back_url,
            "version": place.version,
            "rows": rows,
            "own": own,
            "core": _core(place.app),
            "types": rows_form.TYPES.items(),
            "mutabilities": rows_form.MUTABILITIES.items(),
            "has_errors": bool(shown.problems or any(row.errors for row in rows)),
            "shown": shown,
            "users": _users(place.directory),
            "preview_user": request.POST.get("user", ""),
            "is_dirty": request.method == "POST",
            "focus": _focus(rows, shown),
        },
        status=status,
    )


def _focus(rows: list[Row], shown: _Shown) -> str:
    """Return the button to go on from, where no field or error is the place."""
    if shown.preview is not None:
        return "preview"
    has_place = shown.problems or any(row.errors or row.is_new for row in rows)
    return "" if has_place else "add"


def _core(app: App) -> list[tuple[str, str]]:
    """Return (SCIM attribute, the app's own) of what every user has."""
    known = app.manifest.get("http", {}).get("account", {})
    return [(scim, known[name]) for name, scim in _CORE if name in known]


def _users(directory: Directory | None) -> list[Resource]:
    """Return some users to preview with, as many as a list can show."""
    if directory is None:
        return []
    found = Resource.objects.filter(directory=directory, resource_type="User")
    return list(
        found.only("public_id", "label").order_by("label", "id")[:_USERS_OFFERED]
    )


def _lost(place: _Place, rows: list[Row]) -> list[dict[str, Any]]:
    """Return the attributes that go, and how many users lose a value with each."""
    if place.directory is None:
        return []
    kept = {row.values["name"] for row in rows}
    gone = [
        attribute.name
        for attribute in schema_changes.attributes_of(place.directory)
        if attribute.name not in kept
    ]
    counted = [(n, schema_changes.holders(place.directory, n)) for n in gone]
    return [{"name": name, "users": users} for name, users in counted if users]


def _preview(
    request: WorkspaceRequest,
    place: _Place,
    attributes: tuple[user_schema.UserAttribute, ...],
) -> dict[str, Any]:
    """Return one user of the directory under these attributes."""
    user = None
    if place.directory is not None:
        users = Resource.objects.filter(directory=place.directory, resource_type="User")
        user = get_object_or_404(users, public_id=request.POST.get("user", "")[:36])
    if user is None:
        return {}
    found = schema_preview.preview(user, attributes)
    return {
        "label": user.label,
        "lost": found.lost,
        "extension": json.dumps(found.extension, indent=2, ensure_ascii=False),
        "account": json.dumps(asdict(found.account), indent=2, ensure_ascii=False),
    }
