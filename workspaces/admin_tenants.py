"""People, workspaces and memberships: what superusers add and change, by the services."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from workspaces import factor_reset, superusers
from workspaces.admin_base import LinkedAdmin, superuser
from workspaces.admin_confirm import asks_first
from workspaces.clock import database_now
from workspaces.errors import LastOwner
from workspaces.members import has_other_owner
from workspaces.models import Membership, Role, User, Workspace


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
    actions = ("reset_second_factors",)

    def save_model(
        self, request: HttpRequest, obj: User, form: Any, change: Any
    ) -> None:
        """Save a person by the service, which names the fields; never a password."""
        save = superusers.change_person if change else superusers.add_person
        save(obj, actor=superuser(request), changed=form.changed_data)

    @transaction.atomic
    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  Django gives it by this name
        form_url: str = "",
    ) -> HttpResponse:
        """Set a password; once it is set, write that down and mail it."""
        person = self.get_object(request, unquote(id))
        before = person.password if person else ""
        response = super().user_change_password(request, id, form_url)
        if person is not None:
            person.refresh_from_db()
            if person.password != before:
                superusers.tell_of_password(
                    person, actor=superuser(request), now=database_now()
                )
        return response

    @admin.action(description="Reset second factors", permissions=["change"])
    @asks_first(
        "Every second factor of these people is deleted and every session of theirs is "
        "ended. A password stays; who has none gets a link by email. They and the "
        "administrators of their workspaces are told.",
    )
    def reset_second_factors(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> None:
        """Let people in again who lost every second factor."""

        def reset(person: User) -> str:
            count = factor_reset.reset_by_operator(
                person, actor=superuser(request), now=database_now()
            )
            return f"{person}: {count} second factors deleted, all sessions ended."

        self.act_on_each(request, queryset, reset)

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
        """Save it by the service, with all that belongs to a new one."""
        save = superusers.change_workspace if change else superusers.create_workspace
        save(obj, actor=superuser(request), changed=form.changed_data)
        obj._state.adding = False

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


class FoundByTyping(AutocompleteSelect):
    """A person or workspace. Django's own fails to show a key again that is none."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return what is chosen, as far as it can be a key."""
        keys = [key for key in value if str(key).isdecimal() and len(str(key)) < 19]
        return super().optgroups(name, keys, attrs)


class MembershipAdmin(LinkedAdmin):
    """Who is what, where. What the IdP says of them is left to the IdP."""

    form = MembershipForm
    _shown = ("is_active", "is_break_glass", "related")
    list_display = ("user", "workspace", "role", "is_active", "created_at")
    list_filter = ("role", "is_active", "is_break_glass")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email_key", "workspace__name")

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **options: Any
    ) -> Any:
        """Let people and workspaces be found by typing: there may be many."""
        options["widget"] = FoundByTyping(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Ask for what is needed; show the rest once there is a membership."""
        asked = ["user", "workspace", "role"]
        return asked if obj is None else [*asked, *self._shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Let only the role be changed; person and workspace are chosen once."""
        fixed = ("user", "workspace") if obj is not None else ()
        return [*fixed, *self._shown]

    def save_model(
        self, request: HttpRequest, obj: Membership, form: Any, change: Any
    ) -> None:
        """Save it by the service, which keeps the last Owner and audits it."""
        if change:
            superusers.change_role(obj, role=Role(obj.role), actor=superuser(request))
        else:
            superusers.add_member(obj, actor=superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse the last Owner, and who would come back from the IdP."""
        return obj is None or superusers.can_be_removed(obj)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """End it by the service."""
        superusers.remove_member(obj, actor=superuser(request))


PAGES: dict[type[Model], type[LinkedAdmin]] = {
    User: PersonAdmin,
    Workspace: WorkspaceAdmin,
    Membership: MembershipAdmin,
}
"""Each model with its page; `workspaces.admin` registers them."""
