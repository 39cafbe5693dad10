"""Tenants and people for superusers. Audit events can be read, not changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import JSONField, QuerySet
from django.http import HttpRequest

from workspaces import admin_tenants, audit_log, sign_in
from workspaces.admin_base import LinkedAdmin, given, laid_out, superuser
from workspaces.models import (
    AuditChain,
    AuditEvent,
    Confirmation,
    Directory,
    DirectorySync,
    EmailDomain,
    Invitation,
    Lane,
    SignInLink,
    SignInProvider,
    Team,
    TeamMember,
    WorkerProcess,
)


class ReadOnlyAdmin(LinkedAdmin):
    """Rows that are looked at and never changed here."""

    json_texts: Sequence[str] = ()
    """Columns of text that hold JSON."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return what is shown; JSON is laid out."""
        columns = [f.name for f in self.opts.fields if isinstance(f, JSONField)]
        json_names = {*columns, *self.json_texts}
        names = super().get_fields(request, obj)
        return [laid_out(name) if name in json_names else name for name in names]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand."""
        return False


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
        "what",
        "actor_label",
        "target_label",
        "workspace",
        "sequence",
    )
    list_filter = (given("action", "action", audit_log.actions),)
    list_select_related = ("workspace",)
    search_fields = ("actor_label", "target_label", "target_id", "workspace__name")

    @admin.display(description="what", ordering="action")
    def what(self, event: AuditEvent) -> str:
        """Say it in the words of the portal's audit log."""
        return audit_log.label_of(event.action)


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


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Log-ins that failed, and whom too many of them keep out for a while."""

    list_display = (
        "attempt_time",
        "username",
        "ip_address",
        "failures_since_start",
        "user_agent",
    )
    search_fields = ("username", "ip_address")
    fields = (*list_display, "path_info", "http_accept")
    actions = ("let_try_again",)

    @admin.action(description="Let them try again at once", permissions=["view"])
    def let_try_again(
        self, request: HttpRequest, queryset: QuerySet[AccessAttempt]
    ) -> None:
        """Forget the chosen failures, which may have locked somebody out."""

        def forget(attempt: AccessAttempt) -> str:
            sign_in.forget_failures(attempt, actor=superuser(request))
            return f"{attempt.ip_address} can try again."

        self.act_on_each(request, queryset, forget)


# Rights come from memberships; groups of Django's own would do nothing.
admin.site.unregister(Group)
for model, page in admin_tenants.PAGES.items():
    admin.site.register(model, page)
