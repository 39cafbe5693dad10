"""Tokens for superusers: read-only, with the action **Revoke**."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from tokens import services
from tokens.errors import TokenNotActive
from tokens.models import ApiToken, ClientSecret, IdpTrust, OAuthClient, ScimToken
from workspaces.admin import ReadOnlyAdmin
from workspaces.clock import database_now


@admin.register(ScimToken)
class ScimTokenAdmin(ReadOnlyAdmin):
    """What opens directories. Digests and sealed values are not shown."""

    list_display = (
        "name",
        "hint",
        "directory",
        "created_at",
        "expires_at",
        "current_state",
    )
    list_select_related = ("directory", "owner__user")
    search_fields = ("name", "key", "directory__key", "directory__workspace__name")
    exclude = ("digest", "digest_key", "sealed_value")
    actions = ("revoke",)

    @admin.display(description="state")
    def current_state(self, token: ScimToken) -> str:
        """Show what the token is worth now."""
        return token.state(database_now()).label

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ScimToken]) -> None:
        """End the chosen tokens for good."""
        for token in queryset:
            try:
                services.revoke(token, actor=request.user, now=database_now())  # type: ignore[arg-type]
            except TokenNotActive:
                self.message_user(
                    request, f"{token} was revoked before.", messages.INFO
                )
            else:
                self.message_user(request, f"{token} is revoked.", messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """What opens the management API. Digests are not shown."""

    list_display = ("name", "hint", "membership", "expires_at", "last_used_at")
    list_select_related = ("membership__user", "membership__workspace")
    search_fields = ("name", "key", "workspace__name")
    exclude = ("digest", "digest_key")


@admin.register(OAuthClient)
class OAuthClientAdmin(ReadOnlyAdmin):
    """What fetches access tokens for directories."""

    list_display = ("name", "key", "directory", "method", "last_used_at", "revoked_at")
    list_select_related = ("directory",)
    search_fields = ("name", "key", "directory__key", "directory__workspace__name")


@admin.register(ClientSecret)
class ClientSecretAdmin(ReadOnlyAdmin):
    """By what OAuth clients prove themselves. Digests are not shown."""

    list_display = ("client", "hint", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("client",)
    search_fields = ("key", "client__key", "directory__workspace__name")
    exclude = ("digest", "digest_key")


@admin.register(IdpTrust)
class IdpTrustAdmin(ReadOnlyAdmin):
    """IdPs whose own JWTs open directories."""

    list_display = ("name", "issuer", "directory", "keys_fetched_at", "revoked_at")
    list_select_related = ("directory",)
    search_fields = ("name", "issuer", "directory__key", "directory__workspace__name")
