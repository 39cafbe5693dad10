"""Catalog, integrations and jobs for superusers. Secrets are never shown."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations import admin_records, job_acts
from integrations.audit import Action
from integrations.catalog import entries
from integrations.models import App, Integration, ServiceAccount
from workspaces import audit, jobs
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import LinkedAdmin, given, superuser
from workspaces.clock import database_now
from workspaces.models import Job, User


class ManifestField(forms.JSONField):
    """A manifest, a line for each of its parts."""

    widget = forms.Textarea(attrs={"rows": 40, "cols": 120, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """Return the manifest. Refuses what cannot be read or kept."""
        try:
            manifest = super().to_python(value)
        except RecursionError:
            raise ValidationError("This is nested too deeply.") from None
        if "\\u0000" in json.dumps(manifest):
            raise ValidationError("This holds a null character. Remove it.")
        return manifest

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show again what was typed, as it was typed."""
        return data

    def prepare_value(self, value: Any) -> Any:
        """Return the text that is edited; what is no JSON stays as it was typed."""
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class ManifestForm(forms.ModelForm):
    """An entry of the catalog is its manifest; the rest is read from there."""

    manifest = ManifestField(
        help_text="What is wrong with it is said when you save, and where."
    )

    class Meta:
        model = App
        fields = ("manifest", "is_offered")

    def clean_manifest(self) -> dict[str, Any]:
        """Refuse the slug of another entry, and another slug for an app in use."""
        manifest: dict[str, Any] = self.cleaned_data["manifest"]
        slug = manifest.get("slug") if isinstance(manifest, dict) else None
        if not isinstance(slug, str):
            return manifest
        if self.instance.pk and slug != self.instance.slug:
            raise ValidationError(f"slug: This must stay {self.instance.slug}.")
        if not self.instance.pk and App.objects.filter(slug=slug).exists():
            raise ValidationError(f"slug: Another app has {slug}. Edit that one.")
        return manifest


@admin.register(App)
class AppAdmin(LinkedAdmin):
    """The catalog. A manifest is checked when it is saved."""

    form = ManifestForm
    readonly_fields = ("edited_at",)
    list_display = (
        "name",
        "slug",
        "category",
        "connector",
        "is_offered",
        "edited_at",
    )
    list_filter = ("connector", "is_offered")
    search_fields = ("name", "slug", "category")

    def save_model(
        self, request: HttpRequest, obj: App, form: forms.ModelForm, change: Any
    ) -> None:
        """Save it by the service, which audits it and keeps it from releases."""
        actor: User = request.user  # type: ignore[assignment]
        entries.save(obj, actor=actor, now=database_now())


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ReadOnlyAdmin):
    """Accounts in apps, without their secrets."""

    list_display = ("name", "app", "workspace", "username", "secret_set_at")
    list_filter = ("login_workflow",)
    list_select_related = ("app", "workspace")
    search_fields = ("name", "username", "workspace__name")
    exclude = ("sealed_secret",)


class IntegrationForm(forms.ModelForm):
    """The form has no workspace, so the form alone must ask who has the name."""

    def clean_name(self) -> str:
        """Refuse a name that another integration of the workspace has."""
        name: str = self.cleaned_data["name"]
        others = Integration.objects.in_workspace(self.instance.workspace)
        if others.exclude(pk=self.instance.pk).filter(name=name).exists():
            raise ValidationError("Another integration of this workspace has it.")
        return name


@admin.register(Integration)
class IntegrationAdmin(LinkedAdmin):
    """Integrations. A new one is made in the portal or by a command."""

    form = IntegrationForm
    list_display = ("name", "app", "workspace", "status", "last_synced_at")
    list_filter = ("status", "app")
    list_select_related = ("app", "workspace")
    search_fields = ("name", "workspace__name", "directory__key")
    fields = (
        "workspace",
        "app",
        "service_account",
        "directory",
        "name",
        "identifier",
        "base_url",
        "status",
        "status_reason",
        "status_at",
        "last_synced_at",
        "related",
    )
    readonly_fields = (
        "workspace",
        "app",
        "service_account",
        "directory",
        "base_url",
        "status",
        "status_reason",
        "status_at",
        "last_synced_at",
    )

    def save_model(
        self, request: HttpRequest, obj: Integration, form: forms.ModelForm, change: Any
    ) -> None:
        """Save it, and write down what was changed."""
        super().save_model(request, obj, form, change)
        audit.record(
            Action.SETTINGS_CHANGED,
            workspace=obj.workspace,
            actor=superuser(request),
            target=obj,
            data={"changed": ", ".join(sorted(form.changed_data))},
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: it needs a directory and a checked service account."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: it would lose what was provisioned."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Background work. Its actions are what the portal offers, for the same jobs."""

    list_display = (
        "public_id",
        "kind",
        "state",
        "workspace",
        "attempt",
        "due_at",
        "error",
    )
    list_filter = (
        "state",
        given("kind", "kind", lambda: [(kind, kind) for kind in jobs.kinds()]),
    )
    list_select_related = ("workspace",)
    search_fields = ("subject", "public_id", "workspace__name")
    actions = ("retry", "cancel")

    @admin.action(description="Retry", permissions=["view"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Try failed provisionings and syncs again."""
        self._each(request, queryset, job_acts.retry, "is tried again")

    @admin.action(description="Cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """End syncs that wait or run."""
        self._each(request, queryset, job_acts.cancel, "is cancelled")

    def _each(
        self, request: HttpRequest, chosen: QuerySet[Job], act: Any, done: str
    ) -> None:
        for job in chosen.select_related("workspace"):
            try:
                act(job, actor=request.user, now=database_now())
            except job_acts.Refused as error:
                self.message_user(request, f"{job}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{job} {done}.", messages.SUCCESS)


for model, page in admin_records.PAGES.items():
    admin.site.register(model, page)
