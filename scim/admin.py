"""Resources for superusers: read-only, the IdP is their source."""

from __future__ import annotations

from django.contrib import admin

from scim.models import (
    Change,
    GroupMember,
    RequestRecord,
    Resource,
    ResourceCount,
)
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import given


def _same(*values: str) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


_TYPES = given(
    "resource_type",
    "resource type",
    lambda: _same("User", "Group", "Role", "Entitlement"),
)
_METHODS = given(
    "method", "method", lambda: _same("GET", "POST", "PUT", "PATCH", "DELETE")
)
_STATUS = given(
    "status",
    "status",
    lambda: _same("200", "201", "204", "400", "401", "404", "409", "429", "503"),
)


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    """Users and groups of directories."""

    list_display = (
        "label",
        "resource_type",
        "directory",
        "version",
        "source",
        "public_id",
    )
    list_filter = (_TYPES, "source")
    list_select_related = ("directory",)
    search_fields = ("public_id", "label", "user_name_key", "external_id")
    exclude = ("comparable",)
    json_texts = ("document",)


@admin.register(GroupMember)
class GroupMemberAdmin(ReadOnlyAdmin):
    """Who is in which group."""

    list_display = ("id", "group", "member", "created_at")
    list_select_related = ("group", "member")
    search_fields = ("group__public_id", "member__public_id")


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """What changed, by which token."""

    list_display = (
        "at",
        "resource_type",
        "resource_id",
        "kind",
        "version",
        "token_key",
    )
    list_filter = ("kind", _TYPES)
    search_fields = ("resource_id", "token_key", "request_id")


@admin.register(RequestRecord)
class RequestRecordAdmin(ReadOnlyAdmin):
    """What IdPs asked and what they were answered. Bodies are masked."""

    list_display = ("at", "method", "path", "status", "milliseconds", "dialect")
    list_filter = (_STATUS, _METHODS)
    search_fields = ("request_id", "resource_id", "token_key", "path")
    json_texts = ("body",)


@admin.register(ResourceCount)
class ResourceCountAdmin(ReadOnlyAdmin):
    """Totals by block of ids, which lists are paged by."""

    list_display = ("id", "directory", "resource_type", "block", "total")
    list_filter = (_TYPES,)
    list_select_related = ("directory",)
    search_fields = ("directory__key",)
