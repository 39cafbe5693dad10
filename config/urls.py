"""Where everything is."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from integrations.calendar import views as calendar_views
from tokens import public_views
from tokens.oauth import endpoint
from workspaces.views.account import home
from workspaces.views.styleguide import styleguide

handler403 = "workspaces.views.errors.permission_denied"
handler404 = "workspaces.views.errors.page_not_found"
handler500 = "workspaces.views.errors.server_error"

# Lazy: the name with its hash is known only once the static files are collected.
favicon = login_not_required(
    RedirectView.as_view(url=lazy(static, str)("img/favicon.svg"))
)

urlpatterns = [
    path("", home, name="home"),
    path("favicon.ico", favicon),
    path("token-format", public_views.format_page, name="token_format"),
    path("leaked-token", public_views.leaked, name="leaked_token"),
    path(
        ".well-known/oauth-authorization-server/scim/<slug:directory_key>/v2",
        endpoint.metadata,
        name="oauth_metadata",
    ),
    path("scim/", include("scim.api.urls")),
    path("", include("integrations.urls")),
    path("", include("integrations.single_sign_on.urls")),
    path("settings/webhooks/", include("integrations.webhooks.urls")),
    path("settings/", include("integrations.directory_sync.urls")),
    path("settings/", include("tokens.policy_urls")),
    path("settings/", include("integrations.calendar.urls")),
    path("calendar/<slug:key>.ics", calendar_views.feed, name="calendar_feed"),
    path("connections/", include("integrations.watching.urls")),
    path("service-accounts/", include("integrations.service_account_urls")),
    path("tasks/", include("integrations.task_urls")),
    path("tokens/oauth/", include("tokens.oauth.urls")),
    path("tokens/", include("tokens.urls")),
    path("administration/api-tokens/", include("tokens.api_token_urls")),
    path("administration/", include("integrations.api.page_urls")),
    path("api/", include("integrations.api.urls")),
    path("admin/", admin.site.urls),
    path("audit/streaming/", include("integrations.audit_stream.urls")),
    path("device/", include("workspaces.device_urls")),
    path("", include("workspaces.urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
