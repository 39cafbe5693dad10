"""Integrations and jobs for superusers. Secrets are never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations import admin_catalog, admin_records, configuration, job_acts
from integrations.configuration import General, NameTaken
from integrations.models import App, Integration, ServiceAccount
from integrations.outside.origins import PasswordNeeded
from workspaces import jobs
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import LinkedAdmin, given, superuser
from workspaces.clock import database_now
from workspaces.models import Job


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
    refusals = (NameTaken, PasswordNeeded)
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
        "identifier",
        "base_url",
        "status",
        "status_reason",
        "status_at",
        "last_synced_at",
    )

    def save_model(
        self, request: HttpRequest, obj: Integration, form: forms.ModelForm, change: Any
    ) -> None:
        """Save it by the service behind the left tab **General**."""
        present = Integration.objects.select_related(
            "directory", "service_account", "workspace"
        ).get(pk=obj.pk)
        wish = {name: getattr(present, name) for name in General.__slots__}
        configuration.change_general(
            present,
            General(**wish | form.cleaned_data),
            actor=superuser(request),
            now=database_now(),
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
        "kind",
        "subject",
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
    refusals = (job_acts.Refused,)

    @admin.action(description="Retry", permissions=["view"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Try failed provisionings and syncs again."""

        def act(job: Job) -> str:
            job_acts.retry(job, actor=superuser(request), now=database_now())
            return f"{job} is tried again."

        self.act_on_each(request, queryset, act)

    @admin.action(description="Cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """End syncs that wait or run."""

        def act(job: Job) -> str:
            job_acts.cancel(job, actor=superuser(request), now=database_now())
            return f"{job} is cancelled."

        self.act_on_each(request, queryset, act)


admin.site.register(App, admin_catalog.AppAdmin)
for model, page in admin_records.PAGES.items():
    admin.site.register(model, page)
