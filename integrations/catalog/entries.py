"""The catalog's entries: those that come with Keyway, and what superusers make of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.audit import Action
from integrations.catalog.loader import shipped_manifests
from integrations.models import App
from workspaces import audit
from workspaces.models import User


@transaction.atomic
def save(app: App, *, actor: User, now: datetime) -> App:
    """Save an entry that a superuser wrote. Its manifest says what it is called.

    The manifest has been checked. From now on no release changes it.
    """
    is_new = app.pk is None
    _take_from_manifest(app)
    app.edited_at = now
    app.save()
    audit.record(
        Action.APP_ADDED if is_new else Action.APP_CHANGED,
        workspace=None,
        actor=actor,
        target=app,
    )
    return app


@transaction.atomic
def delete(app: App, *, actor: User) -> None:
    """Delete an entry. Raises ProtectedError if anything uses it.

    One that came with Keyway comes back with the next release.
    """
    audit.record(Action.APP_DELETED, workspace=None, actor=actor, target=app)
    app.delete()


@transaction.atomic
def load_shipped(*, overwrite: bool = False) -> dict[str, str]:
    """Bring the shipped manifests into the catalog; return what came of each, by slug.

    The outcome is `added`, `updated`, or `kept` where a superuser has changed the
    entry. With `overwrite` the shipped one takes its place.
    """
    return {
        manifest["slug"]: _load(manifest, overwrite=overwrite)
        for manifest in shipped_manifests()
    }


def _load(manifest: dict[str, Any], *, overwrite: bool) -> str:
    app = App.objects.select_for_update().filter(slug=manifest["slug"]).first()
    if app is not None and app.edited_at is not None and not overwrite:
        return "updated" if app.manifest == manifest else "kept"
    outcome = "added" if app is None else "updated"
    app = app or App()
    app.manifest = manifest
    app.edited_at = None
    _take_from_manifest(app)
    app.save()
    return outcome


def _take_from_manifest(app: App) -> None:
    manifest = app.manifest
    app.slug, app.name = manifest["slug"], manifest["name"]
    app.category, app.connector = manifest["category"], manifest["connector"]
