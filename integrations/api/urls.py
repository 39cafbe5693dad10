"""The management API."""

from __future__ import annotations

from django.urls import path, re_path

from integrations.api import (
    account_calls,
    audit_calls,
    change_calls,
    connection_calls,
    directory_sync_calls,
    integration_calls,
    matching_calls,
    oauth_calls,
    openapi,
    people_calls,
    plan_calls,
    removal_calls,
    resolver,
    settings_calls,
    task_calls,
    token_calls,
    token_life_calls,
    user_calls,
    webhook_calls,
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
    path(
        f"{_OAUTH}/trusts/<slug:trustId>/keys",
        oauth_calls.TrustKeys.as_view(),
        name="trust_keys",
    ),
    path(
        "v1/integrations/<slug:key>/rotation-schedule",
        token_life_calls.Schedule.as_view(),
        name="rotation_schedule",
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
    path(
        "v1/directory-sync/rotation-schedule",
        token_life_calls.DirectorySyncSchedule.as_view(),
        name="directory_sync_rotation_schedule",
    ),
    path("v1/token-policy", token_life_calls.TokenPolicy.as_view(), name="policy"),
    path("v1/calendar-feed", token_life_calls.Feed.as_view(), name="calendar_feed"),
    path("v1/webhooks", webhook_calls.Webhooks.as_view(), name="webhooks"),
    path(
        "v1/webhooks/<uuid:webhookId>",
        webhook_calls.WebhookById.as_view(),
        name="webhook",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/secret",
        webhook_calls.Secret.as_view(),
        name="webhook_secret",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/turn-off",
        webhook_calls.TurnOff.as_view(),
        name="turn_off_webhook",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/turn-on",
        webhook_calls.TurnOn.as_view(),
        name="turn_on_webhook",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/test",
        webhook_calls.Trial.as_view(),
        name="test_webhook",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/deliveries",
        webhook_calls.Deliveries.as_view(),
        name="webhook_deliveries",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/deliveries/<uuid:deliveryId>",
        webhook_calls.DeliveryById.as_view(),
        name="webhook_delivery",
    ),
    path(
        "v1/webhooks/<uuid:webhookId>/deliveries/<uuid:deliveryId>/send",
        webhook_calls.Redelivery.as_view(),
        name="redeliver_webhook",
    ),
    path("v1/audit-stream", audit_calls.Stream.as_view(), name="audit_stream"),
    path(
        "v1/audit-stream/test",
        audit_calls.Trial.as_view(),
        name="test_audit_stream",
    ),
    path(
        "v1/integrations/<slug:key>/quarantine",
        connection_calls.Quarantine.as_view(),
        name="quarantine",
    ),
    path(
        "v1/integrations/<slug:key>/silence-alarm",
        connection_calls.SilenceAlarm.as_view(),
        name="silence_alarm",
    ),
    path(
        "v1/integrations/<slug:key>/tokens/<slug:tokenId>/limits",
        token_calls.TokenLimits.as_view(),
        name="token_limits",
    ),
    path(
        "v1/integrations/<slug:key>/tokens/<slug:tokenId>/retire",
        token_calls.Retirement.as_view(),
        name="retire_token",
    ),
    path("v1/integrations/<slug:key>/users", user_calls.Users.as_view(), name="users"),
    path(
        "v1/integrations/<slug:key>/users/<uuid:userId>/retry",
        user_calls.Retry.as_view(),
        name="retry_user",
    ),
    path(
        "v1/integrations/<slug:key>/users/<uuid:userId>/sync",
        user_calls.Sync.as_view(),
        name="sync_user",
    ),
    path(
        "v1/integrations/<slug:key>/users/<uuid:userId>/put-right",
        user_calls.PutRight.as_view(),
        name="put_user_right",
    ),
    path("v1/integrations/<slug:key>/plan", plan_calls.Plan.as_view(), name="plan"),
    path(
        "v1/integrations/<slug:key>/plan/put-right",
        plan_calls.PutRight.as_view(),
        name="put_right",
    ),
    path(
        "v1/integrations/<slug:key>/observe",
        plan_calls.Observe.as_view(),
        name="observe",
    ),
    path(
        "v1/integrations/<slug:key>/let-loose",
        plan_calls.LetLoose.as_view(),
        name="let_loose",
    ),
    path(
        "v1/integrations/<slug:key>/try-now",
        plan_calls.TryNow.as_view(),
        name="try_now",
    ),
    path(
        "v1/integrations/<slug:key>/changes",
        change_calls.Changes.as_view(),
        name="changes",
    ),
    path(
        "v1/integrations/<slug:key>/changes/<uuid:changeId>/undo",
        change_calls.Undo.as_view(),
        name="undo_change",
    ),
    path(
        "v1/integrations/<slug:key>/changes/runs/<uuid:runId>/undo",
        change_calls.UndoRun.as_view(),
        name="undo_run",
    ),
    path(
        "v1/integrations/<slug:key>/unmatched/<uuid:userId>",
        matching_calls.UnmatchedById.as_view(),
        name="unmatched_account",
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
    path(
        "v1/directory-sync",
        directory_sync_calls.DirectorySync.as_view(),
        name="directory_sync",
    ),
    path(
        "v1/directory-sync/domains",
        directory_sync_calls.Domains.as_view(),
        name="domains",
    ),
    path(
        "v1/directory-sync/domains/<uuid:domainId>",
        directory_sync_calls.DomainById.as_view(),
        name="domain",
    ),
    path(
        "v1/directory-sync/domains/<uuid:domainId>/check",
        directory_sync_calls.DomainCheck.as_view(),
        name="check_domain",
    ),
    path("v1/directory-sync/teams", directory_sync_calls.Teams.as_view(), name="teams"),
    path(
        "v1/directory-sync/teams/<uuid:teamId>",
        directory_sync_calls.TeamById.as_view(),
        name="team",
    ),
    path(
        "v1/directory-sync/quarantine",
        connection_calls.DirectorySyncQuarantine.as_view(),
        name="directory_sync_quarantine",
    ),
    path(
        "v1/directory-sync/silence-alarm",
        connection_calls.DirectorySyncSilenceAlarm.as_view(),
        name="directory_sync_silence_alarm",
    ),
    path("v1/audit-retention", audit_calls.Retention.as_view(), name="audit_retention"),
    path(
        "v1/integrations/<slug:key>/safety",
        settings_calls.Safety.as_view(),
        name="safety",
    ),
    path(
        "v1/integrations/<slug:key>/matching",
        settings_calls.Matching.as_view(),
        name="matching",
    ),
    path(
        "v1/integrations/<slug:key>/service-account",
        settings_calls.ChosenAccount.as_view(),
        name="chosen_account",
    ),
    path("v1/audit-events", people_calls.Audit.as_view(), name="audit_events"),
    re_path("", openapi.Nothing.as_view(), name="nothing"),
]
