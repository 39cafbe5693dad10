"""What opens directories and the API, for superusers: read-only, with the portal's acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import DateTimeField, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from tokens import api_tokens, services
from tokens.errors import TokenError
from tokens.models import (
    AccessToken,
    ApiToken,
    ClientSecret,
    IdpTrust,
    OAuthClient,
    ScimToken,
    UsedAssertion,
)
from tokens.oauth import clients, endings, trusts
from tokens.policy_models import CalendarFeed, RotationSchedule, TokenPolicy
from tokens.services import Overlap
from workspaces.admin import ReadOnlyAdmin
from workspaces.admin_base import superuser
from workspaces.admin_confirm import asks_first
from workspaces.clock import database_now

EXTENSION = timedelta(days=90)


class RevocableAdmin(ReadOnlyAdmin):
    """Rows that a service of the portal revokes, and that show what they are worth."""

    refusals = (TokenError,)
    actions: Sequence[str] = ("revoke",)
    revoke_one: Callable[..., object]
    """The service: `revoke_one(row, actor=…, now=…)`."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows with the time, which is asked for once."""
        now = Value(database_now(), output_field=DateTimeField())
        return super().get_queryset(request).annotate(now=now)

    @admin.display(description="state")
    def current_state(self, row: Any) -> str:
        """Show what a row is worth now."""
        return str(row.state(row.now).label)

    @admin.action(description="Revoke", permissions=["view"])
    @asks_first("Whoever uses them is refused from the next request on, for good.")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the chosen rows for good."""

        def act(row: Any) -> str:
            self.revoke_one(row, actor=superuser(request), now=database_now())
            return f"{row} is revoked."

        self.act_on_each(request, queryset, act)

    def chosen_one(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the one row that was chosen; None, and say so, if they are several."""
        rows = list(queryset[:2])
        if len(rows) == 1:
            return rows[0]
        self.message_user(request, "Choose one row.", messages.ERROR)
        return None


@admin.register(ScimToken)
class ScimTokenAdmin(RevocableAdmin):
    """What opens directories. Digests and sealed values are not shown."""

    list_display = (
        "name",
        "hint",
        "directory",
        "created_at",
        "expires_at",
        "current_state",
    )
    list_select_related = ("directory__workspace", "owner__user")
    search_fields = ("name", "key", "directory__key", "directory__workspace__name")
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        ("leaked_at", admin.EmptyFieldListFilter),
        "is_read_only",
    )
    exclude = ("digest", "digest_key", "sealed_value")
    actions = ("revoke", "extend", "regenerate")
    revoke_one = staticmethod(services.revoke)

    @admin.action(description="Extend by 90 days", permissions=["view"])
    def extend(self, request: HttpRequest, queryset: QuerySet[ScimToken]) -> None:
        """Let the chosen tokens end later than they would."""

        def act(token: ScimToken) -> str:
            if token.expires_at is None:
                return f"{token} has no end."
            changed = services.change(
                token,
                name=token.name,
                lifetime=token.expires_at - token.created_at + EXTENSION,
                actor=superuser(request),
                now=database_now(),
            )
            return f"{token} ends on {changed.expires_at:%d %b %Y}."

        self.act_on_each(request, queryset, act)

    @admin.action(description="Regenerate", permissions=["view"])
    @asks_first(
        "The new value is shown once, on the next page. The old one works for 24 h. The "
        "administrators of the workspace are told."
    )
    def regenerate(
        self, request: HttpRequest, queryset: QuerySet[ScimToken]
    ) -> HttpResponse | None:
        """Replace one token, and show the new value in this answer alone."""
        old = self.chosen_one(request, queryset)
        if old is None:
            return None
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
        return _shown(
            request,
            title="Regenerate token",
            row=issued.token,
            value=issued.plaintext,
            others=[("SCIM URL", old.directory.base_url)],
            meanwhile="The old token works for 24 h.",
        )


@admin.register(ApiToken)
class ApiTokenAdmin(RevocableAdmin):
    """What opens the management API. Digests are not shown."""

    list_display = (
        "name",
        "hint",
        "membership",
        "expires_at",
        "last_used_at",
        "current_state",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("workspace", "membership__user", "membership__workspace")
    search_fields = ("name", "key", "workspace__name")
    exclude = ("digest", "digest_key")
    revoke_one = staticmethod(api_tokens.revoke)


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
class OAuthClientAdmin(RevocableAdmin):
    """What fetches access tokens for directories."""

    list_display = (
        "name",
        "key",
        "directory",
        "method",
        "last_used_at",
        "current_state",
    )
    list_select_related = ("directory__workspace",)
    search_fields = ("name", "key", "directory__key", "directory__workspace__name")
    actions = ("revoke", "generate_secret")
    revoke_one = staticmethod(endings.revoke)

    @admin.action(description="Generate a second secret", permissions=["view"])
    @asks_first(
        "The new secret is shown once, on the next page. The present one keeps working "
        "until it is revoked. The administrators of the workspace are told."
    )
    def generate_secret(
        self, request: HttpRequest, queryset: QuerySet[OAuthClient]
    ) -> HttpResponse | None:
        """Make another secret of one client, and show it in this answer alone."""
        client = self.chosen_one(request, queryset)
        if client is None:
            return None
        try:
            issued = clients.new_secret(
                client, actor=superuser(request), now=database_now()
            )
        except TokenError as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        return _shown(
            request,
            title="Client secret",
            row=issued.secret,
            value=issued.plaintext,
            others=[("Client ID", client.key)],
            meanwhile="The other secret works until it is revoked.",
        )


@admin.register(ClientSecret)
class ClientSecretAdmin(RevocableAdmin):
    """By what OAuth clients prove themselves. Digests are not shown."""

    list_display = ("hint", "client", "expires_at", "last_used_at", "current_state")
    list_select_related = ("client", "directory__workspace")
    search_fields = ("key", "client__key", "directory__workspace__name")
    exclude = ("digest", "digest_key")
    revoke_one = staticmethod(clients.revoke_secret)


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
class IdpTrustAdmin(RevocableAdmin):
    """IdPs whose own JWTs open directories."""

    list_display = ("name", "issuer", "directory", "keys_fetched_at", "current_state")
    list_select_related = ("directory__workspace",)
    search_fields = ("name", "issuer", "directory__key", "directory__workspace__name")
    actions = ("revoke", "fetch_keys")
    revoke_one = staticmethod(endings.revoke)

    @admin.action(description="Fetch the keys now", permissions=["view"])
    def fetch_keys(self, request: HttpRequest, queryset: QuerySet[IdpTrust]) -> None:
        """Have the public keys of the chosen IdPs fetched by a worker."""

        def act(trust: IdpTrust) -> str:
            if trusts.fetch_now(trust, now=database_now()):
                return f"{trust}: a worker fetches the keys."
            return f"{trust} is revoked: there is nothing to fetch."

        self.act_on_each(request, queryset, act)


def _shown(
    request: HttpRequest,
    *,
    title: str,
    row: ScimToken | ClientSecret,
    value: str,
    others: list[tuple[str, str]],
    meanwhile: str,
) -> HttpResponse:
    """Return the only page that ever shows the value."""
    context = {
        "title": title,
        "row": row,
        "value": value,
        "others": others,
        "meanwhile": meanwhile,
        "done_url": request.get_full_path(),
    }
    response = render(request, "tokens/regenerated.html", context)
    add_never_cache_headers(response)
    return response
