"""Tenants and people for superusers. Audit events can be read, not changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from workspaces import audit_log, services
from workspaces.admin_base import LinkedAdmin, given
from workspaces.models import (
    AuditChain,
    AuditEvent,
    Confirmation,
    Directory,
    DirectorySync,
    EmailDomain,
    Invitation,
    Lane,
    Membership,
    SignInLink,
    SignInProvider,
    Team,
    TeamMember,
    User,
    WorkerProcess,
    Workspace,
)


class ReadOnlyAdmin(LinkedAdmin):
    """Rows that are looked at and never changed here."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters on hidden columns, which would spell them out bit by bit."""
        is_hidden = lookup.partition("__")[0] in (self.exclude or ())
        return not is_hidden and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand."""
        return False


@admin.register(User)
class PersonAdmin(LinkedAdmin, UserAdmin):
    """People. The password is set by its own form and never shown."""

    list_display = ("email", "name", "is_active", "is_superuser", "created_at")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email_key", "name")
    ordering = ("email_key",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_superuser")}),
        ("Times", {"fields": ("last_login", "created_at")}),
        ("Links", {"fields": ("related",)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    filter_horizontal = ()


class MembershipInline(admin.TabularInline):
    """Who belongs to a workspace."""

    model = Membership
    fields = ("user", "role", "is_active", "is_break_glass")
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Workspace)
class WorkspaceAdmin(LinkedAdmin):
    """Tenants."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    readonly_fields = ("public_id", "created_at")
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def save_model(
        self,
        request: HttpRequest,
        obj: Workspace,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Make a new workspace through the service, with all that belongs to it."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            made = services.create_workspace(name=obj.name, slug=obj.slug)
            obj.pk, obj.public_id = made.pk, made.public_id
            obj._state.adding = False


@admin.register(Membership)
class MembershipAdmin(LinkedAdmin):
    """Who is what, where. What the IdP says of them is left to the IdP."""

    fields = ("user", "workspace", "role", "is_active", "is_break_glass")
    list_display = ("user", "workspace", "role", "is_active", "created_at")
    list_filter = ("role", "is_active", "is_break_glass")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email_key", "workspace__name")
    autocomplete_fields = ("user", "workspace")


@admin.register(Directory)
class DirectoryAdmin(ReadOnlyAdmin):
    """SCIM endpoints. They are made with a workspace or an integration."""

    list_display = ("key", "kind", "workspace", "dialect", "created_at")
    list_filter = ("kind", "dialect")
    list_select_related = ("workspace",)
    search_fields = ("key", "workspace__name")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was asked to join. The link is nowhere but in the e-mail."""

    exclude = ("digest",)
    list_display = ("email", "role", "workspace", "expires_at", "accepted_at")
    list_filter = ("role",)
    list_select_related = ("workspace",)
    search_fields = ("email",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = (
        "at",
        "action",
        "actor_label",
        "target_label",
        "workspace",
        "sequence",
    )
    list_filter = (given("action", "action", audit_log.actions),)
    list_select_related = ("workspace",)
    search_fields = ("actor_label", "target_label", "target_id", "workspace__name")


@admin.register(AuditChain)
class AuditChainAdmin(ReadOnlyAdmin):
    """How far each log is sealed."""

    list_display = ("workspace", "length", "digest")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin):
    """Whether work may go to an app now."""

    list_display = ("name", "workspace", "failures", "closed_until")
    list_filter = (("closed_until", admin.EmptyFieldListFilter),)
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")


@admin.register(DirectorySync)
class DirectorySyncAdmin(ReadOnlyAdmin):
    """What provisioning by the IdP may do in a workspace."""

    list_display = ("workspace", "default_role", "sends_invites", "adopts")
    list_filter = ("adopts", "allows_unproven", "owned_tokens")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)


@admin.register(EmailDomain)
class EmailDomainAdmin(ReadOnlyAdmin):
    """Whose people may be provisioned, and whether that was proven."""

    list_display = ("name", "workspace", "proven_at", "checked_at")
    list_filter = (("proven_at", admin.EmptyFieldListFilter),)
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """Groups of the IdP, and the roles that they give."""

    list_display = ("name", "workspace", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("workspace",)
    search_fields = ("name", "resource_id")


@admin.register(TeamMember)
class TeamMemberAdmin(ReadOnlyAdmin):
    """Who is in which team."""

    list_display = ("team", "membership", "workspace")
    list_filter = ("membership__role",)
    list_select_related = ("team", "membership__user", "membership__workspace")
    search_fields = ("team__name",)


@admin.register(Confirmation)
class ConfirmationAdmin(ReadOnlyAdmin):
    """Who was asked to prove who they are, for what, and how that ended."""

    list_display = ("created_at", "user", "action", "subject_label", "state", "method")
    list_filter = ("state", "method")
    list_select_related = ("user",)
    search_fields = ("user__email_key", "subject_label")
    exclude = ("session_digest", "standing", "number")


@admin.register(SignInProvider)
class SignInProviderAdmin(ReadOnlyAdmin):
    """Where members of a workspace can sign in instead of here."""

    list_display = ("name", "workspace", "issuer", "trusts_second_step", "changed_at")
    list_select_related = ("workspace",)
    search_fields = ("name", "issuer", "workspace__name")
    exclude = ("sealed_secret",)


@admin.register(SignInLink)
class SignInLinkAdmin(ReadOnlyAdmin):
    """Which identity of a provider is which person."""

    list_display = ("user", "provider", "workspace", "made_at", "last_used_at")
    list_select_related = ("user", "provider", "workspace")
    search_fields = ("user__email_key", "subject", "workspace__name")


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin):
    """Workers, and when they last said that they run."""

    list_display = ("name", "started_at", "seen_at")
    search_fields = ("name",)
