"""Catalog and integrations for superusers. Secrets are never shown."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations import job_acts
from integrations.audit import Action
from integrations.catalog import entries
from integrations.models import (
    AccountList,
    App,
    AppAccount,
    AppCall,
    AppEntitlement,
    AssignmentExport,
    AuditStream,
    ConnectionWatch,
    IdempotencyRecord,
    Integration,
    IntegrationDraft,
    Provisioning,
    RestorePoint,
    Screenshot,
    SeenPlace,
    ServiceAccount,
    Task,
    TaskAssignee,
    WebhookDelivery,
    WebhookEndpoint,
)
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


@admin.register(IntegrationDraft)
class IntegrationDraftAdmin(ReadOnlyAdmin):
    """Integrations that are being made. They hold no secret."""

    list_display = ("__str__", "workspace", "created_by", "updated_at")
    list_select_related = ("workspace", "created_by")
    search_fields = ("workspace__name",)


@admin.register(AppAccount)
class AppAccountAdmin(ReadOnlyAdmin):
    """Accounts as the apps were last seen to hold them."""

    list_display = ("username", "integration", "external_id", "is_active", "seen_at")
    list_filter = ("is_active", ("exempted_at", admin.EmptyFieldListFilter))
    list_select_related = ("integration",)
    search_fields = ("username", "email", "external_id")


@admin.register(AppEntitlement)
class AppEntitlementAdmin(ReadOnlyAdmin):
    """Groups and roles of apps."""

    list_display = ("name", "kind", "integration", "seen_at")
    list_filter = (
        given("kind", "kind", lambda: [("group", "group"), ("role", "role")]),
    )
    list_select_related = ("integration",)
    search_fields = ("name", "external_id")


@admin.register(Provisioning)
class ProvisioningAdmin(ReadOnlyAdmin):
    """How far each user has come."""

    list_display = (
        "user_name",
        "integration",
        "state",
        "attempts",
        "last_error",
        "changed_at",
    )
    list_filter = ("state",)
    list_select_related = ("integration",)
    search_fields = ("user_name", "resource_id_public")


@admin.register(AppCall)
class AppCallAdmin(ReadOnlyAdmin):
    """Calls to outside apps, as they were made fit to be shown."""

    list_display = ("at", "integration", "method", "path", "status", "milliseconds")
    list_filter = ("is_change",)
    list_select_related = ("integration",)
    search_fields = ("resource_id", "path")


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """What people do in apps by hand."""

    list_display = ("user_name", "integration", "state", "created_at", "closed_at")
    list_filter = ("state",)
    list_select_related = ("integration",)
    search_fields = ("user_name",)


@admin.register(TaskAssignee)
class TaskAssigneeAdmin(ReadOnlyAdmin):
    """Who does the tasks of which integration."""

    list_display = ("user", "integration")
    list_select_related = ("user", "integration")
    search_fields = ("user__email_key", "integration__name")


@admin.register(AccountList)
class AccountListAdmin(ReadOnlyAdmin):
    """The lists that people brought, without the accounts in them."""

    list_display = ("file_name", "integration", "uploaded_at", "imported_at")
    list_filter = (("imported_at", admin.EmptyFieldListFilter),)
    list_select_related = ("integration",)
    search_fields = ("file_name", "integration__name")
    exclude = ("rows",)


@admin.register(Screenshot)
class ScreenshotAdmin(ReadOnlyAdmin):
    """That there is a picture of a call; the portal shows it to the workspace."""

    list_display = ("call", "workspace")
    list_select_related = ("call__integration", "workspace")
    search_fields = ("workspace__name",)
    exclude = ("image",)


@admin.register(RestorePoint)
class RestorePointAdmin(ReadOnlyAdmin):
    """Accounts as they were before Keyway changed them."""

    list_display = ("user_name", "integration", "at", "undone_at", "undone_by")
    list_filter = ("is_removal", "is_undo")
    list_select_related = ("integration", "undone_by")
    search_fields = ("user_name", "resource_id", "external_id")


@admin.register(AssignmentExport)
class AssignmentExportAdmin(ReadOnlyAdmin):
    """That there is a file of assignments; the portal sends it to the workspace."""

    list_display = ("integration", "asked_at", "ready_at", "count", "error")
    list_select_related = ("integration",)
    search_fields = ("integration__name",)
    exclude = ("content",)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Answers that a repeated call of the API gets again."""

    list_display = ("key", "workspace", "status", "created_at")
    list_select_related = ("workspace",)
    search_fields = ("key", "workspace__name")
    exclude = ("request_digest", "body")


@admin.register(AuditStream)
class AuditStreamAdmin(ReadOnlyAdmin):
    """Where audit logs are streamed to, without the header's value."""

    list_display = ("workspace", "transport", "format", "sequence", "last_error")
    list_filter = ("transport", "format")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name", "address")
    exclude = ("sealed_header",)


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


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Where workspaces hear of events. Secrets are not shown, nor the address's path."""

    list_display = ("origin", "workspace", "failing_since", "turned_off_at")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)
    exclude = ("url", "sealed_secret", "sealed_former_secret")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent to endpoints, and how that went."""

    list_display = ("event", "endpoint", "state", "status", "attempts", "created_at")
    list_filter = ("state",)
    list_select_related = ("endpoint",)
    search_fields = ("message_id", "event")
    exclude = ("body",)
    show_full_result_count = False


@admin.register(ConnectionWatch)
class ConnectionWatchAdmin(ReadOnlyAdmin):
    """The rhythm of each connection."""

    list_display = ("directory", "tells_silence", "usual_gap", "silent_since")
    list_select_related = ("directory",)
    search_fields = ("directory__key", "directory__workspace__name")


@admin.register(SeenPlace)
class SeenPlaceAdmin(ReadOnlyAdmin):
    """From where, and by what, each token, OAuth client and trust was used."""

    list_display = ("opener", "kind", "value", "last_seen_at")
    list_filter = ("kind",)
    list_select_related = ("token", "oauth_client", "trust")
    search_fields = ("token__key", "oauth_client__key", "trust__key", "value")
    show_full_result_count = False
