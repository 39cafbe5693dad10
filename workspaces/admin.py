"""Tenants and people for superusers. Audit events can be read, not changed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from workspaces import audit, audit_log, services, superusers
from workspaces.admin_base import LinkedAdmin, given
from workspaces.errors import LastOwner, MemberError
from workspaces.members import has_other_owner
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
    Role,
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


def _actor(request: HttpRequest) -> User:
    actor: User = request.user  # type: ignore[assignment]
    return actor


class PersonForm(UserChangeForm):
    """A person. A workspace keeps its last Owner."""

    def clean_is_active(self) -> bool:
        """Refuse to deactivate the last Owner of a workspace."""
        is_active: bool = self.cleaned_data["is_active"]
        if is_active or not self.initial.get("is_active"):
            return is_active
        workspace = superusers.only_owner_of(self.instance)
        if workspace is not None:
            raise ValidationError(
                f"{workspace} has no other Owner. Make another member an Owner first."
            )
        return is_active


@admin.register(User)
class PersonAdmin(LinkedAdmin, UserAdmin):
    """People. The password is set by its own form and never shown."""

    form = PersonForm
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

    def save_model(
        self, request: HttpRequest, obj: User, form: Any, change: Any
    ) -> None:
        """Save a person, and write down which fields; never a password."""
        super().save_model(request, obj, form, change)
        acts = audit.Superusers
        superusers.note_person(
            acts.PERSON_CHANGED if change else acts.PERSON_ADDED,
            obj,
            actor=_actor(request),
            changed=form.changed_data,
        )

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  Django gives it by this name
        form_url: str = "",
    ) -> HttpResponse:
        """Set a password, and write that down once it is set."""
        response = super().user_change_password(request, id, form_url)
        if response.status_code == HTTPStatus.FOUND:
            superusers.note_person(
                audit.Superusers.PERSON_CHANGED,
                User.objects.get(pk=id),
                actor=_actor(request),
                changed=["password"],
            )
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: who is deactivated opens nothing, and what they did keeps its name."""
        return False


class MembershipInline(admin.TabularInline):
    """Who belongs to a workspace. Each has a page to be changed on."""

    model = Membership
    fields = ("user", "role", "is_active", "is_break_glass")
    extra = 0
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the page of memberships, which writes it down."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the page of the membership."""
        return False


@admin.register(Workspace)
class WorkspaceAdmin(LinkedAdmin):
    """Tenants. Their security policy and retention are for their Owners to set."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    readonly_fields = (
        "public_id",
        "created_at",
        "confirmed_actions",
        "require_two_steps",
        "confirm_minutes",
        "audit_days",
    )
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def save_model(
        self, request: HttpRequest, obj: Workspace, form: Any, change: Any
    ) -> None:
        """Make a new workspace through the service, with all that belongs to it."""
        acts = audit.Superusers
        if change:
            super().save_model(request, obj, form, change)
        else:
            made = services.create_workspace(name=obj.name, slug=obj.slug)
            obj.pk, obj.public_id = made.pk, made.public_id
            obj._state.adding = False
        superusers.note_workspace(
            acts.WORKSPACE_CHANGED if change else acts.WORKSPACE_CREATED,
            obj,
            actor=_actor(request),
            changed=form.changed_data,
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: its audit log stays."""
        return False


class MembershipForm(forms.ModelForm):
    """A person's role. A workspace keeps its last Owner."""

    def clean_role(self) -> str:
        """Refuse to lower the last Owner."""
        role: str = self.cleaned_data["role"]
        before = self.initial.get("role")
        if before == Role.OWNER != role and not has_other_owner(self.instance):
            raise ValidationError(str(LastOwner()))
        return role


@admin.register(Membership)
class MembershipAdmin(LinkedAdmin):
    """Who is what, where. What the IdP says of them is left to the IdP."""

    form = MembershipForm
    fields = ("user", "workspace", "role", "is_active", "is_break_glass", "related")
    list_display = ("user", "workspace", "role", "is_active", "created_at")
    list_filter = ("role", "is_active", "is_break_glass")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email_key", "workspace__name")
    autocomplete_fields = ("user", "workspace")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Let only the role be changed; person and workspace are chosen once."""
        fixed = ("user", "workspace") if obj is not None else ()
        return [*fixed, "is_active", "is_break_glass", "related"]

    def save_model(
        self, request: HttpRequest, obj: Membership, form: Any, change: Any
    ) -> None:
        """Save it by the service, which keeps the last Owner and audits it."""
        if change:
            superusers.change_role(obj, role=Role(obj.role), actor=_actor(request))
        else:
            superusers.add_member(obj, actor=_actor(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse the last Owner, and who would come back from the IdP."""
        return obj is None or superusers.can_be_removed(obj)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """End it by the service."""
        superusers.remove_member(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """End each by the service. The last Owner of the chosen ones stays."""
        for membership in queryset:
            try:
                self.delete_model(request, membership)
            except MemberError as error:
                self.message_user(request, error.message, messages.ERROR)


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
