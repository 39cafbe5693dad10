"""Pages of integrations. An integration is named by its SCIM Gateway ID."""

from __future__ import annotations

from django.urls import include, path

from integrations.views import (
    activity,
    activity_export,
    by_hand,
    connected,
    dashboard,
    detail,
    entitlements,
    job,
    listing,
    matching,
    people,
    set_up,
    settings,
    syncing,
    user_schema,
    wizard,
)

app_name = "integrations"
_integrations = [
    path("", listing.index, name="list"),
    path("new/", wizard.new, name="new"),
    path("new/apps/", wizard.apps, name="new_apps"),
    path("new/app-fields/", wizard.app_fields, name="new_app_fields"),
    path("new/<uuid:draft_id>/app/", wizard.select_app, name="draft_app"),
    path(
        "new/<uuid:draft_id>/service-account/",
        wizard.service_account,
        name="draft_service_account",
    ),
    path("new/<uuid:draft_id>/settings/", wizard.settings, name="draft_settings"),
    path("new/<uuid:draft_id>/advanced/", wizard.advanced, name="draft_advanced"),
    path(
        "new/<uuid:draft_id>/user-schema/",
        user_schema.of_draft,
        name="draft_user_schema",
    ),
    path("new/<uuid:draft_id>/check/", wizard.check, name="draft_check"),
    path("new/<uuid:draft_id>/check/stop/", wizard.stop, name="draft_stop"),
    path("new/<uuid:draft_id>/delete/", wizard.delete, name="draft_delete"),
    path("<slug:key>/", detail.index, name="detail"),
    path("<slug:key>/overview/", detail.overview, name="overview"),
    path("<slug:key>/pause/", detail.pause, name="pause"),
    path("<slug:key>/resume/", detail.resume, name="resume"),
    path("<slug:key>/delete/", detail.delete, name="delete"),
    path("<slug:key>/settings/", detail.index, name="settings"),
    path("<slug:key>/settings/general/", settings.general, name="general"),
    path("<slug:key>/settings/security/", settings.security, name="security"),
    path(
        "<slug:key>/settings/service-account/",
        settings.service_account,
        name="service_account",
    ),
    path("<slug:key>/settings/people/", by_hand.people, name="people"),
    path("<slug:key>/accounts-list/", by_hand.upload, name="upload_list"),
    path(
        "<slug:key>/accounts-list/<uuid:list_id>/",
        by_hand.account_list,
        name="account_list",
    ),
    path("<slug:key>/settings/danger-zone/", settings.danger_zone, name="danger_zone"),
    path(
        "<slug:key>/settings/connected-services/",
        connected.connected_services,
        name="connected_services",
    ),
    path(
        "<slug:key>/settings/user-schema/",
        user_schema.of_integration,
        name="user_schema",
    ),
    path("<slug:key>/set-up/<slug:idp>/", set_up.set_up, name="set_up"),
    path("<slug:key>/users/", people.users, name="users"),
    path("<slug:key>/users/<uuid:resource_id>/", people.user, name="user"),
    path(
        "<slug:key>/users/<uuid:resource_id>/retry/",
        people.retry,
        name="retry",
    ),
    path("<slug:key>/users/<uuid:resource_id>/match/", matching.match, name="match"),
    path(
        "<slug:key>/users/<uuid:resource_id>/match/users/",
        matching.match_users,
        name="match_users",
    ),
    path(
        "<slug:key>/users/<uuid:resource_id>/remove/",
        matching.remove,
        name="remove_account",
    ),
    path(
        "<slug:key>/users/<uuid:resource_id>/exempt/",
        matching.exempt,
        name="exempt_account",
    ),
    path(
        "<slug:key>/users/<uuid:resource_id>/exempt/end/",
        matching.end_exemption,
        name="end_exemption",
    ),
    path("<slug:key>/groups/", people.groups, name="groups"),
    path("<slug:key>/entitlements/", entitlements.index, name="entitlements"),
    path(
        "<slug:key>/entitlements/export/",
        entitlements.export,
        name="export_assignments",
    ),
    path(
        "<slug:key>/entitlements/<slug:ref>/",
        entitlements.overview,
        name="entitlement",
    ),
    path(
        "<slug:key>/entitlements/<slug:ref>/value/",
        entitlements.value,
        name="entitlement_value",
    ),
    path("<slug:key>/sync/", syncing.sync, name="sync"),
    path("<slug:key>/sync/<uuid:job_id>/", syncing.job, name="sync_job"),
    path(
        "<slug:key>/sync/<uuid:job_id>/approve/",
        syncing.approve,
        name="approve_sync",
    ),
    path(
        "<slug:key>/sync/<uuid:job_id>/cancel/",
        syncing.cancel,
        name="cancel_sync",
    ),
    path(
        "<slug:key>/sync/<uuid:job_id>/discard/",
        syncing.discard,
        name="discard_sync",
    ),
]
urlpatterns = [
    path("dashboard/", dashboard.index, name="dashboard"),
    path("activity/", activity.index, name="activity"),
    path("activity/export/", activity_export.export, name="activity_export"),
    path("activity/jobs/<uuid:job_id>/", job.job, name="job"),
    path("activity/<uuid:request_id>/", activity.request_page, name="request"),
    path("activity/people/<uuid:resource_id>/", activity.person, name="person"),
    path(
        "activity/people/<uuid:resource_id>/retry/",
        activity.retry,
        name="retry_person",
    ),
    path("integrations/", include(_integrations)),
]
