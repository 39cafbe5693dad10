"""What integrations leave behind, for superusers to look at. Secrets are never shown."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model

from integrations.models import (
    AccountList,
    AppAccount,
    AppCall,
    AppEntitlement,
    AssignmentExport,
    AuditStream,
    ConnectionWatch,
    IdempotencyRecord,
    IntegrationDraft,
    Provisioning,
    RestorePoint,
    Screenshot,
    SeenPlace,
    Task,
    TaskAssignee,
    WebhookDelivery,
    WebhookEndpoint,
)
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import given


class IntegrationDraftAdmin(ReadOnlyAdmin):
    """Integrations that are being made. They hold no secret."""

    list_display = ("__str__", "workspace", "created_by", "updated_at")
    list_select_related = ("workspace", "created_by")
    search_fields = ("workspace__name",)


class AppAccountAdmin(ReadOnlyAdmin):
    """Accounts as the apps were last seen to hold them."""

    list_display = ("username", "integration", "external_id", "is_active", "seen_at")
    list_filter = ("is_active", ("exempted_at", admin.EmptyFieldListFilter))
    list_select_related = ("integration",)
    search_fields = ("username", "email", "external_id")


class AppEntitlementAdmin(ReadOnlyAdmin):
    """Groups and roles of apps."""

    list_display = ("name", "kind", "integration", "seen_at")
    list_filter = (
        given("kind", "kind", lambda: [("group", "group"), ("role", "role")]),
    )
    list_select_related = ("integration",)
    search_fields = ("name", "external_id")


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


class AppCallAdmin(ReadOnlyAdmin):
    """Calls to outside apps, as they were made fit to be shown."""

    list_display = ("at", "integration", "method", "path", "status", "milliseconds")
    list_filter = ("is_change",)
    list_select_related = ("integration",)
    search_fields = ("resource_id", "path")
    json_texts = ("request_body", "answer_body")


class TaskAdmin(ReadOnlyAdmin):
    """What people do in apps by hand."""

    list_display = ("user_name", "integration", "state", "created_at", "closed_at")
    list_filter = ("state",)
    list_select_related = ("integration",)
    search_fields = ("user_name",)


class TaskAssigneeAdmin(ReadOnlyAdmin):
    """Who does the tasks of which integration."""

    list_display = ("user", "integration")
    list_select_related = ("user", "integration")
    search_fields = ("user__email_key", "integration__name")


class AccountListAdmin(ReadOnlyAdmin):
    """The lists that people brought, without the accounts in them."""

    list_display = ("file_name", "integration", "uploaded_at", "imported_at")
    list_filter = (("imported_at", admin.EmptyFieldListFilter),)
    list_select_related = ("integration",)
    search_fields = ("file_name", "integration__name")
    exclude = ("rows",)


class ScreenshotAdmin(ReadOnlyAdmin):
    """That there is a picture of a call; the portal shows it to the workspace."""

    list_display = ("call", "workspace")
    list_select_related = ("call__integration", "workspace")
    search_fields = ("workspace__name",)
    exclude = ("image",)


class RestorePointAdmin(ReadOnlyAdmin):
    """Accounts as they were before Keyway changed them."""

    list_display = ("user_name", "integration", "at", "undone_at", "undone_by")
    list_filter = ("is_removal", "is_undo")
    list_select_related = ("integration", "undone_by")
    search_fields = ("user_name", "resource_id", "external_id")


class AssignmentExportAdmin(ReadOnlyAdmin):
    """That there is a file of assignments; the portal sends it to the workspace."""

    list_display = ("integration", "asked_at", "ready_at", "count", "error")
    list_select_related = ("integration",)
    search_fields = ("integration__name",)
    exclude = ("content",)


class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Answers that a repeated call of the API gets again."""

    list_display = ("key", "workspace", "status", "created_at")
    list_select_related = ("workspace",)
    search_fields = ("key", "workspace__name")
    exclude = ("request_digest", "body")


class AuditStreamAdmin(ReadOnlyAdmin):
    """Where audit logs are streamed to, without the header's value."""

    list_display = ("workspace", "transport", "format", "sequence", "last_error")
    list_filter = ("transport", "format")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name", "address")
    exclude = ("sealed_header",)


class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Where workspaces hear of events. Secrets are not shown, nor the address's path."""

    list_display = ("origin", "workspace", "failing_since", "turned_off_at")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)
    exclude = ("url", "sealed_secret", "sealed_former_secret")


class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent to endpoints, and how that went."""

    list_display = ("event", "endpoint", "state", "status", "attempts", "created_at")
    list_filter = ("state",)
    list_select_related = ("endpoint",)
    search_fields = ("message_id", "event")
    exclude = ("body",)
    show_full_result_count = False


class ConnectionWatchAdmin(ReadOnlyAdmin):
    """The rhythm of each connection."""

    list_display = ("directory", "tells_silence", "usual_gap", "silent_since")
    list_select_related = ("directory",)
    search_fields = ("directory__key", "directory__workspace__name")


class SeenPlaceAdmin(ReadOnlyAdmin):
    """From where, and by what, each token, OAuth client and trust was used."""

    list_display = ("opener", "kind", "value", "last_seen_at")
    list_filter = ("kind",)
    list_select_related = ("token", "oauth_client", "trust")
    search_fields = ("token__key", "oauth_client__key", "trust__key", "value")
    show_full_result_count = False


PAGES: dict[type[Model], type[ReadOnlyAdmin]] = {
    IntegrationDraft: IntegrationDraftAdmin,
    AppAccount: AppAccountAdmin,
    AppEntitlement: AppEntitlementAdmin,
    Provisioning: ProvisioningAdmin,
    AppCall: AppCallAdmin,
    Task: TaskAdmin,
    TaskAssignee: TaskAssigneeAdmin,
    AccountList: AccountListAdmin,
    Screenshot: ScreenshotAdmin,
    RestorePoint: RestorePointAdmin,
    AssignmentExport: AssignmentExportAdmin,
    IdempotencyRecord: IdempotencyRecordAdmin,
    AuditStream: AuditStreamAdmin,
    WebhookEndpoint: WebhookEndpointAdmin,
    WebhookDelivery: WebhookDeliveryAdmin,
    ConnectionWatch: ConnectionWatchAdmin,
    SeenPlace: SeenPlaceAdmin,
}
"""Each record with its page; `integrations.admin` registers them."""
