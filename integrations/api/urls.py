"""The management API."""

from __future__ import annotations

from django.urls import include, path, re_path

from integrations.api import (
    account_calls,
    activity_calls,
    api_token_calls,
    app_calls,
    audit_calls,
    dashboard_calls,
    file_calls,
    integration_calls,
    openapi,
    people_calls,
    resolver,
    task_calls,
    token_life_calls,
    work_calls,
)

app_name = "api"
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
    path("v1/activity", activity_calls.Activity.as_view(), name="activity"),
    path("v1/members", people_calls.Members.as_view(), name="members"),
    path(
        "v1/members/<int:membershipId>",
        people_calls.MemberById.as_view(),
        name="member",
    ),
    path(
        "v1/members/<int:membershipId>/invite",
        people_calls.WayIn.as_view(),
        name="invite_provisioned_member",
    ),
    path("v1/api-tokens", api_token_calls.ApiTokens.as_view(), name="api_tokens"),
    path(
        "v1/api-tokens/<slug:tokenId>",
        api_token_calls.ApiTokenById.as_view(),
        name="api_token",
    ),
    path("v1/invitations", people_calls.Invitations.as_view(), name="invitations"),
    path(
        "v1/invitations/<uuid:invitationId>",
        people_calls.InvitationById.as_view(),
        name="invitation",
    ),
    path("v1/token-policy", token_life_calls.TokenPolicy.as_view(), name="policy"),
    path("v1/calendar-feed", token_life_calls.Feed.as_view(), name="calendar_feed"),
    path("v1/audit-stream", audit_calls.Stream.as_view(), name="audit_stream"),
    path(
        "v1/audit-stream/test",
        audit_calls.Trial.as_view(),
        name="test_audit_stream",
    ),
    path(
        "v1/jobs/<uuid:jobId>/approve",
        work_calls.Approval.as_view(),
        name="approve_sync",
    ),
    path(
        "v1/jobs/<uuid:jobId>/discard",
        work_calls.Discard.as_view(),
        name="discard_sync",
    ),
    path("v1/tasks", task_calls.Tasks.as_view(), name="tasks"),
    path("v1/tasks/<uuid:taskId>/done", task_calls.Done.as_view(), name="task_done"),
    path(
        "v1/tasks/<uuid:taskId>/cannot-be-done",
        task_calls.NotPossible.as_view(),
        name="task_not_possible",
    ),
    path("v1/audit-retention", audit_calls.Retention.as_view(), name="audit_retention"),
    path("v1/audit-events", people_calls.Audit.as_view(), name="audit_events"),
    path(
        "v1/activity/requests/<uuid:requestId>",
        activity_calls.RequestById.as_view(),
        name="request",
    ),
    path(
        "v1/activity/users/<uuid:userId>",
        activity_calls.OfUser.as_view(),
        name="activity_of_user",
    ),
    path("v1/activity.csv", file_calls.ActivityTable.as_view(), name="activity_csv"),
    path("v1/audit-log.csv", file_calls.AuditTable.as_view(), name="audit_csv"),
    path("v1/audit-log.jsonl", file_calls.AuditLines.as_view(), name="audit_lines"),
    path(
        "v1/audit-checkpoint",
        file_calls.AuditCheckpoint.as_view(),
        name="audit_checkpoint",
    ),
    path("v1/dashboard", dashboard_calls.Dashboard.as_view(), name="dashboard"),
    path("v1/jobs/<uuid:jobId>/gone", work_calls.Gone.as_view(), name="job_gone"),
    path("v1/jobs/<uuid:jobId>/calls", app_calls.Calls.as_view(), name="job_calls"),
    path(
        "v1/app-calls/<int:callId>/screenshot",
        app_calls.Screenshot.as_view(),
        name="screenshot",
    ),
    path("v1/integrations/<slug:key>/", include("integrations.api.integration_urls")),
    path("v1/directories/<slug:key>/oauth/", include("integrations.api.oauth_urls")),
    path("v1/", include("integrations.api.directory_sync_urls")),
    path("v1/", include("integrations.api.webhook_urls")),
    re_path("", openapi.Nothing.as_view(), name="nothing"),
]
