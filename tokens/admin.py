"""Tokens for superusers: read-only, with actions that the portal has too."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import DateTimeField, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from tokens import services
from tokens.errors import TokenError, TokenNotActive
from tokens.models import (
    AccessToken,
    ApiToken,
    ClientSecret,
    IdpTrust,
    OAuthClient,
    ScimToken,
    UsedAssertion,
)
from tokens.policy_models import CalendarFeed, RotationSchedule, TokenPolicy
from tokens.services import Overlap
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import superuser
from workspaces.clock import database_now

EXTENSION = timedelta(days=90)


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
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        ("leaked_at", admin.EmptyFieldListFilter),
        "is_read_only",
    )
    exclude = ("digest", "digest_key", "sealed_value")
    actions = ("revoke", "extend", "regenerate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScimToken]:
        """Return tokens with the time, which is asked for once."""
        now = Value(database_now(), output_field=DateTimeField())
        return super().get_queryset(request).annotate(now=now)

    @admin.display(description="state")
    def current_state(self, token: ScimToken) -> str:
        """Show what the token is worth now."""
        return token.state(token.now).label  # type: ignore[attr-defined]

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

    @admin.action(description="Extend by 90 days", permissions=["view"])
    def extend(self, request: HttpRequest, queryset: QuerySet[ScimToken]) -> None:
        """Let the chosen tokens end later than they would."""
        for token in queryset:
            if token.expires_at is None:
                self.message_user(request, f"{token} has no end.", messages.INFO)
                continue
            try:
                changed = services.change(
                    token,
                    name=token.name,
                    lifetime=token.expires_at - token.created_at + EXTENSION,
                    actor=superuser(request),
                    now=database_now(),
                )
            except TokenError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                text = f"{token} ends on {changed.expires_at:%d %b %Y}."
                self.message_user(request, text, messages.SUCCESS)

    @admin.action(
        description="Regenerate: show a new value once, the old one works for 24 h",
        permissions=["view"],
    )
    def regenerate(
        self, request: HttpRequest, queryset: QuerySet[ScimToken]
    ) -> HttpResponse | None:
        """Replace one token, and show the new value in this answer alone."""
        tokens = list(queryset[:2])
        if len(tokens) != 1:
            self.message_user(request, "Choose one token.", messages.ERROR)
            return None
        (old,) = tokens
        try:
            issued = services.rotate(
                old.directory,
                old,
                overlap=Overlap.DAY,
                actor=superuser(request),
                now=database_now(),
            )
        except TokenError as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        response = render(
            request,
            "tokens/regenerated.html",
            {
                "token": issued.token,
                "token_value": issued.plaintext,
                "scim_url": old.directory.base_url,
                "done_url": reverse("admin:tokens_scimtoken_changelist"),
            },
        )
        add_never_cache_headers(response)
        return response


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """What opens the management API. Digests are not shown."""

    list_display = ("name", "hint", "membership", "expires_at", "last_used_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("membership__user", "membership__workspace")
    search_fields = ("name", "key", "workspace__name")
    exclude = ("digest", "digest_key")


@admin.register(TokenPolicy)
class TokenPolicyAdmin(ReadOnlyAdmin):
    """How long the tokens of each workspace live. Owners set it in the portal."""

    list_display = ("workspace", "default_days", "longest_days", "remind_days")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)


@admin.register(RotationSchedule)
class RotationScheduleAdmin(ReadOnlyAdmin):
    """Every how many days the tokens of a directory are to be replaced."""

    list_display = ("directory", "every_days", "lead_days")
    list_select_related = ("directory",)
    search_fields = ("directory__key", "directory__workspace__name")


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    """Which workspaces have a calendar. Digests are not shown."""

    list_display = ("workspace", "key", "created_by", "created_at", "last_read_at")
    list_select_related = ("workspace", "created_by")
    search_fields = ("workspace__name", "key")
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


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """What OAuth clients fetched. Digests are not shown."""

    list_display = ("hint", "client", "created_at", "expires_at", "revoked_at")
    list_select_related = ("client",)
    search_fields = ("key", "client__key", "directory__workspace__name")
    exclude = ("digest", "digest_key")


@admin.register(UsedAssertion)
class UsedAssertionAdmin(ReadOnlyAdmin):
    """JWTs by which clients proved themselves, which no one can use again."""

    list_display = ("client", "expires_at")
    list_select_related = ("client",)
    search_fields = ("client__key", "directory__workspace__name")
    exclude = ("digest",)


@admin.register(IdpTrust)
class IdpTrustAdmin(ReadOnlyAdmin):
    """IdPs whose own JWTs open directories."""

    list_display = ("name", "issuer", "directory", "keys_fetched_at", "revoked_at")
    list_select_related = ("directory",)
    search_fields = ("name", "issuer", "directory__key", "directory__workspace__name")
