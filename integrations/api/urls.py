"""The management API."""

from __future__ import annotations

from django.urls import path, re_path

from integrations.api import (
    account_calls,
    integration_calls,
    matching_calls,
    oauth_calls,
    openapi,
    people_calls,
    removal_calls,
    resolver,
    token_calls,
    work_calls,
)

app_name = "api"
_OAUTH = "v1/directories/<slug:key>/oauth"
urlpatterns = [
    path("openapi.json", openapi.Document.as_view(), name="openapi"),
    path("user/users/me", resolver.Me.as_view(), name="me"),
    path(
        "user/org/<int:orgId>/user/<int:userId>",
        resolver.OrgMembership.as_view(),
        name="org_membership",
    ),
    path("user/scimTokens", resolver.ScimTokens.as_view(), name="scim_tokens"),
    path(
        "user/scimTokens/<int:tokenId>",
        resolver.ScimTokenById.as_view(),
        name="scim_token",
    ),
    path(
        "v1/integrations", integration_calls.Integrations.as_view(), name="integrations"
    ),
    path(
        "v1/integrations/<slug:key>",
        integration_calls.IntegrationByKey.as_view(),
        name="integration",
    ),
    path(
        "v1/integrations/<slug:key>/pause",
        integration_calls.Pause.as_view(),
        name="pause",
    ),
    path(
        "v1/integrations/<slug:key>/resume",
        integration_calls.Resume.as_view(),
        name="resume",
    ),
    path(
        "v1/integrations/<slug:key>/tokens", token_calls.Tokens.as_view(), name="tokens"
    ),
    path(
        "v1/integrations/<slug:key>/tokens/<slug:tokenId>",
        token_calls.TokenById.as_view(),
        name="token",
    ),
    path(
        "v1/integrations/<slug:key>/tokens/<slug:tokenId>/rotate",
        token_calls.Rotation.as_view(),
        name="rotate",
    ),
    path(f"{_OAUTH}/clients", oauth_calls.Clients.as_view(), name="clients"),
    path(
        f"{_OAUTH}/clients/<slug:clientId>",
        oauth_calls.ClientById.as_view(),
        name="client",
    ),
    path(
        f"{_OAUTH}/clients/<slug:clientId>/secrets",
        oauth_calls.Secrets.as_view(),
        name="client_secrets",
    ),
    path(
        f"{_OAUTH}/clients/<slug:clientId>/secrets/<slug:secretId>",
        oauth_calls.SecretById.as_view(),
        name="client_secret",
    ),
    path(
        f"{_OAUTH}/clients/<slug:clientId>/keys",
        oauth_calls.Keys.as_view(),
        name="client_keys",
    ),
    path(f"{_OAUTH}/trusts", oauth_calls.Trusts.as_view(), name="trusts"),
    path(
        f"{_OAUTH}/trusts/<slug:trustId>",
        oauth_calls.TrustById.as_view(),
        name="trust",
    ),
    path("v1/integrations/<slug:key>/syncs", work_calls.Syncs.as_view(), name="syncs"),
    path(
        "v1/integrations/<slug:key>/removals",
        removal_calls.Removals.as_view(),
        name="removals",
    ),
    path(
        "v1/integrations/<slug:key>/removals/approve",
        removal_calls.Approval.as_view(),
        name="approve_removals",
    ),
    path(
        "v1/integrations/<slug:key>/removals/discard",
        removal_calls.Discard.as_view(),
        name="discard_removals",
    ),
    path(
        "v1/integrations/<slug:key>/unmatched",
        matching_calls.Unmatched.as_view(),
        name="unmatched",
    ),
    path(
        "v1/integrations/<slug:key>/unmatched/<uuid:userId>/match",
        matching_calls.Match.as_view(),
        name="match",
    ),
    path(
        "v1/integrations/<slug:key>/unmatched/<uuid:userId>/exemption",
        matching_calls.Exemption.as_view(),
        name="exemption",
    ),
    path(
        "v1/service-accounts",
        account_calls.ServiceAccounts.as_view(),
        name="service_accounts",
    ),
    path(
        "v1/service-accounts/<uuid:accountId>",
        account_calls.ServiceAccountById.as_view(),
        name="service_account",
    ),
    path(
        "v1/service-accounts/<uuid:accountId>/password",
        account_calls.Password.as_view(),
        name="service_account_password",
    ),
    path(
        "v1/service-accounts/<uuid:accountId>/check",
        account_calls.Check.as_view(),
        name="check_service_account",
    ),
    path("v1/jobs", work_calls.Jobs.as_view(), name="jobs"),
    path("v1/jobs/<uuid:jobId>", work_calls.JobById.as_view(), name="job"),
    path("v1/jobs/<uuid:jobId>/cancel", work_calls.Cancelling.as_view(), name="cancel"),
    path("v1/jobs/<uuid:jobId>/retry", work_calls.Retrying.as_view(), name="retry"),
    path("v1/activity", work_calls.Activity.as_view(), name="activity"),
    path("v1/members", people_calls.Members.as_view(), name="members"),
    path(
        "v1/members/<int:membershipId>",
        people_calls.MemberById.as_view(),
        name="member",
    ),
    path("v1/invitations", people_calls.Invitations.as_view(), name="invitations"),
    path(
        "v1/invitations/<uuid:invitationId>",
        people_calls.InvitationById.as_view(),
        name="invitation",
    ),
    path("v1/audit-events", people_calls.Audit.as_view(), name="audit_events"),
    re_path("", openapi.Nothing.as_view(), name="nothing"),
]
