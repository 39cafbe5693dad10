"""Catalog and integrations for superusers. Secrets are never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from integrations.models import (
    AccountList,
    App,
    AppAccount,
    AppCall,
    AppEntitlement,
    Integration,
    IntegrationDraft,
    Provisioning,
    ServiceAccount,
    Task,
    TaskAssignee,
)
from workspaces.admin import ReadOnlyAdmin


@admin.register(App)
class AppAdmin(admin.ModelAdmin):
    """The catalog. A manifest is checked when it is saved."""

    list_display = ("name", "slug", "category", "connector", "is_offered")
    list_filter = ("connector", "is_offered")
    search_fields = ("name", "slug", "category")


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ReadOnlyAdmin):
    """Accounts in apps, without their secrets."""

    list_display = ("name", "app", "workspace", "username", "secret_set_at")
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
class IntegrationAdmin(admin.ModelAdmin):
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
    list_select_related = ("integration",)
    search_fields = ("username", "email", "external_id")


@admin.register(AppEntitlement)
class AppEntitlementAdmin(ReadOnlyAdmin):
    """Groups and roles of apps."""

    list_display = ("name", "kind", "integration", "seen_at")
    list_filter = ("kind",)
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
    show_full_result_count = False


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


@admin.register(AccountList)
class AccountListAdmin(ReadOnlyAdmin):
    """The lists that people brought, without the accounts in them."""

    list_display = ("file_name", "integration", "uploaded_at", "imported_at")
    list_select_related = ("integration",)
    exclude = ("rows",)
