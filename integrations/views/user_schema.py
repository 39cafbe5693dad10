"""The **User schema** drawer, of a draft and of an integration (S0-32 to S0-34).

One address each: GET shows the schema, POST adds or drops a field or a role,
previews or saves. Only **Save** changes anything; all else answers with the form as it is.
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

from integrations.forms import user_schema as rows_form
from integrations.forms.user_schema import RoleRow, Row
from integrations.models import App, AppEntitlement, Integration, IntegrationDraft
from integrations.provisioning import (
    app_schema,
    custom_roles,
    mapping,
    schema_preview,
)
from integrations.provisioning.schema_preview import RolesPreview
from integrations.set_up import drafts
from integrations.views.frame import frame, get_integration, left_tabs
from scim import schema_changes
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.custom_roles import key_of
from scim.protocol.user_schema import InvalidUserSchema, UserSchema
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires

_USERS_OFFERED = 50
_GRANTS_SHOWN = 100
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
    save: Callable[[UserSchema], str]
    """Saves a schema and returns what to tell. Raises InvalidUserSchema."""

    integration: Integration | None = None
    version: str = ""

    @property
    def directory(self) -> Directory | None:
        """What serves the schema, once there is something that does."""
        return self.integration.directory if self.integration else None


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the form holds: custom fields and custom roles."""

    fields: list[Row]
    roles: list[RoleRow]

    @property
    def have_errors(self) -> bool:
        """Say whether any part of any row is wrong."""
        return any(row.errors for row in (*self.fields, *self.roles))

    @property
    def have_new(self) -> bool:
        """Say whether a row was just added."""
        return any(row.is_new for row in (*self.fields, *self.roles))


@dataclass(slots=True)
class _Shown:
    """What the form shows besides its rows."""

    problems: list[str] = field(default_factory=list)
    preview: dict[str, Any] | None = None
    lost: list[dict[str, Any]] = field(default_factory=list)
    """Fields that go, each with how many users lose a value: {name, users}."""

    lost_roles: list[dict[str, Any]] = field(default_factory=list)
    """Likewise the roles that go."""


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

    def save(schema: UserSchema) -> str:
        drafts.save_user_schema(draft, schema)
        return "The user schema is saved in the draft."

    place = _Place(
        app=app,
        name=str(draft),
        back_url=reverse("integrations:draft_advanced", args=[draft.public_id]),
        save=save,
    )
    if request.method == "POST":
        return _act(request, place)
    return _show(request, place, _rows_of(drafts.schema_of(draft, app)))


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def of_integration(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Edit the user schema of an integration."""
    integration = get_integration(request, key)
    directory = integration.directory
    version = request.POST.get("version") or schema_changes.version_of(directory)

    def save(schema: UserSchema) -> str:
        change = schema_changes.change_user_schema(
            directory,
            user_schema.stored(schema),
            expected_version=version,
            actor=request.user,
            now=database_now(),
        )
        return "The user schema is saved." if change else "Nothing was changed."

    place = _Place(
        app=integration.app,
        name=integration.name,
        back_url=reverse("integrations:user_schema", args=[key]),
        save=save,
        integration=integration,
        version=version,
    )
    if request.method == "POST":
        return _act(request, place)
    return _show(request, place, _rows_of(schema_changes.user_schema_of(directory)))


def _rows_of(schema: UserSchema) -> _Rows:
    return _Rows(
        rows_form.rows_of(schema.attributes), rows_form.role_rows_of(schema.roles)
    )


def _act(request: WorkspaceRequest, place: _Place) -> HttpResponse:
    """Do what the pressed button says."""
    sent = request.POST.dict()
    rows = _Rows(rows_form.rows_from(sent), rows_form.role_rows_from(sent))
    action = request.POST.get("action", "save")
    changed = _with_or_without(rows, action)
    if changed is not None:
        shown = _Shown() if action.startswith("add") else _lost(place, changed)
        return _show(request, place, changed, shown)
    kinds = app_schema.kinds_of(place.app.manifest)
    definition = rows_form.definition_of(rows.fields, rows.roles, kinds)
    try:
        schema = app_schema.parse(place.app.manifest, definition)
        if action == "preview":
            preview = _preview(request, place, schema)
            return _show(request, place, rows, _Shown(preview=preview))
        lost = _lost(place, rows)
        if (lost.lost or lost.lost_roles) and "confirmed" not in request.POST:
            return _show(request, place, rows, lost, status=422)
        told = place.save(schema)
    except InvalidUserSchema as error:
        problems = rows_form.place_problems(rows.fields, rows.roles, error.problems)
        return _show(request, place, rows, _Shown(problems=problems), status=422)
    except schema_changes.StaleUserSchema as error:
        return _show(request, place, rows, _Shown(problems=[str(error)]), status=409)
    messages.success(request, told)
    if request.htmx:
        return HttpResponseClientRedirect(place.back_url)
    return redirect(place.back_url)


def _with_or_without(rows: _Rows, action: str) -> _Rows | None:
    """Return the rows with one more or one less, None if that was not the wish."""
    if action == "add":
        return _Rows(rows_form.with_another(rows.fields), rows.roles)
    if action == "add-role":
        return _Rows(rows.fields, rows_form.with_another_role(rows.roles))
    if match := re.fullmatch(r"drop-([0-9]{1,3})", action):
        return _Rows(rows_form.without(rows.fields, int(match[1])), rows.roles)
    if match := re.fullmatch(r"drop-role-([0-9]{1,3})", action):
        return _Rows(rows.fields, rows_form.without(rows.roles, int(match[1])))
    return None


def _show(
    request: WorkspaceRequest,
    place: _Place,
    rows: _Rows,
    shown: _Shown | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Render the page, the drawer (htmx GET) or its form (htmx POST)."""
    shown = shown or _Shown()
    part = ""
    if request.htmx:
        part = "#drawer" if request.method == "GET" else "#form"
    own = user_schema.read(place.app.manifest.get("user_schema"))
    _note_missing(place, rows.roles)
    context = {
        "app": place.app,
        "name": place.name,
        "back_url": place.back_url,
        "version": place.version,
        "rows": rows.fields,
        "role_rows": rows.roles,
        "own": {a.name for a in own.attributes},
        "own_roles": {role.value for role in own.roles},
        "core": _core(place.app),
        "types": rows_form.TYPES.items(),
        "mutabilities": rows_form.MUTABILITIES.items(),
        "returned": rows_form.RETURNED.items(),
        "classifications": rows_form.CLASSIFICATIONS.items(),
        "reads_fields": app_schema.reads_attributes(place.app.manifest),
        "kinds": app_schema.kinds_of(place.app.manifest),
        "grants": _grants(place),
        "has_errors": bool(shown.problems or rows.have_errors),
        "shown": shown,
        "users": _users(place.directory),
        "is_draft": place.directory is None,
        "preview_user": request.POST.get("user", ""),
        "is_dirty": request.method == "POST",
        "focus": _focus(request, rows, shown),
    }
    template = "user_schema"
    if place.integration is not None and not part:
        template = "settings_user_schema"
        context |= frame(request, place.integration, current="Settings")
        context["left_tabs"] = left_tabs(place.integration, current="User schema")
    return render(
        request, f"integrations/{template}.html{part}", context, status=status
    )


def _focus(request: WorkspaceRequest, rows: _Rows, shown: _Shown) -> str:
    """Return the button to go on from, where no field or error is the place."""
    is_page = request.method == "GET" and not request.htmx
    if is_page or shown.problems or rows.have_errors or rows.have_new:
        return ""
    if shown.preview is not None:
        return "preview"
    return "add-role" if "role" in request.POST.get("action", "") else "add"


def _note_missing(place: _Place, rows: list[RoleRow]) -> None:
    """Say in each row what it should give and the app is not known to have."""
    if place.integration is None or place.integration.last_synced_at is None:
        return
    kinds = app_schema.kinds_of(place.app.manifest)
    definition = rows_form.definition_of([], rows, kinds)
    roles = {role.value: role for role in user_schema.read(definition).roles}
    if not roles:
        return
    book = custom_roles.book_of(place.integration, tuple(roles.values()))
    for row in rows:
        role = roles.get(row.values["value"])
        if role is not None:
            row.missing = [f"{g.kind}: {g.name}" for g in book.missing(role)]


def _grants(place: _Place) -> dict[str, Any]:
    """Return what the app is known to be able to give, as the form takes it."""
    if place.integration is None:
        return {}
    kinds = app_schema.kinds_of(place.app.manifest)
    known = AppEntitlement.objects.filter(
        integration=place.integration, kind__in=kinds
    ).order_by("kind", "name", "id")
    listed = list(known.values_list("kind", "name")[: _GRANTS_SHOWN + 1])
    return {
        "lines": [f"{kind}: {name}" for kind, name in listed[:_GRANTS_SHOWN]],
        "are_more": len(listed) > _GRANTS_SHOWN,
    }


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


def _lost(place: _Place, rows: _Rows) -> _Shown:
    """Return what goes, and how many users lose something with each."""
    if place.directory is None:
        return _Shown()
    losses = schema_changes.losses(
        place.directory,
        kept={row.values["name"] for row in rows.fields},
        kept_roles={key_of(row.values["value"]) for row in rows.roles},
    )
    return _Shown(lost=_named(losses.attributes), lost_roles=_named(losses.roles))


def _named(users: dict[str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "users": count} for name, count in users.items()]


def _preview(
    request: WorkspaceRequest, place: _Place, schema: UserSchema
) -> dict[str, Any]:
    """Return one user under this schema: an invented one as long as none can be there."""
    if place.directory is None:
        label, is_active = "Ann Example", True
        found = schema_preview.example(schema)
    else:
        users = Resource.objects.filter(directory=place.directory, resource_type="User")
        user = get_object_or_404(users, public_id=request.POST.get("user", "")[:36])
        label, is_active = user.label, user.active is not False
        found = schema_preview.preview(user, schema)
    own = mapping.shown(found.account.attributes, schema.confidential)
    account = asdict(found.account) | {"attributes": own}
    extension = mapping.shown(found.extension, schema.confidential)
    return {
        "label": label,
        "lost": found.lost,
        "is_active": is_active,
        "asked": found.roles.asked,
        "roles": _preview_roles(found.roles),
        "extension": json.dumps(extension, indent=2, ensure_ascii=False),
        "account": json.dumps(account, indent=2, ensure_ascii=False),
    }


def _preview_roles(found: RolesPreview) -> list[dict[str, str]]:
    """Return what becomes of each role: {name, word, tone, reason}."""
    rows = []
    for held in found.held:
        gives = ", ".join(row.name for row in held.gives)
        missing = ", ".join(f"{g.kind}: {g.name}" for g in held.missing)
        reasons = [f"Gives {gives}."] if gives else []
        reasons += [f"Not found in the app: {missing}."] if missing else []
        word, tone = ("Granted", "success") if gives else ("Gives nothing", "warning")
        rows.append((held.role.label, word, tone, " ".join(reasons)))
    rows += [
        (row.name, "Granted", "success", "A role of the app itself.")
        for row in found.of_app
    ]
    rows += [
        (
            role.label,
            "Left out",
            "neutral",
            f"{stronger.label} is stronger, and the two exclude each other.",
        )
        for role, stronger in found.left_out
    ]
    rows += [
        (value, "Unknown", "warning", "No role has this value, id or name.")
        for value in found.unknown
    ]
    names = ("name", "word", "tone", "reason")
    return [dict(zip(names, row, strict=True)) for row in rows]
