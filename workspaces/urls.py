"""Pages of people, their accounts and what they did."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspaces.views import (
    account,
    audit_keeping,
    audit_log,
    confirmation,
    confirmation_policy,
    factor_reset,
    factor_setup,
    invitations,
    members,
    passkey_sign_in,
    phone,
    provisioned_members,
    second_step,
    security,
)

app_name = "workspaces"
urlpatterns = [
    path("login/", account.SignIn.as_view(), name="login"),
    path("login/passkey/", passkey_sign_in.sign_in, name="passkey_sign_in"),
    path("login/passkey/begin/", passkey_sign_in.begin, name="passkey_sign_in_begin"),
    path("login/second-step/", second_step.page, name="second_step"),
    path("login/second-step/passkey/", second_step.passkey, name="second_step_passkey"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("switch-workspace/", account.switch, name="switch"),
    path("members/", members.index, name="members"),
    path("members/invite/", members.invite, name="invite"),
    path("members/leave/", members.leave, name="leave"),
    path("members/<int:membership_id>/role/", members.change_role, name="change_role"),
    path("members/<int:membership_id>/remove/", members.remove, name="remove_member"),
    path(
        "members/<int:membership_id>/break-glass/",
        provisioned_members.break_glass_account,
        name="break_glass",
    ),
    path(
        "members/<int:membership_id>/second-factors/reset/",
        factor_reset.reset,
        name="reset_factors",
    ),
    path(
        "members/<int:membership_id>/invite/",
        provisioned_members.invite,
        name="invite_provisioned",
    ),
    path(
        "members/invitations/<uuid:public_id>/resend/",
        members.resend_invitation,
        name="resend_invitation",
    ),
    path(
        "members/invitations/<uuid:public_id>/revoke/",
        members.revoke_invitation,
        name="revoke_invitation",
    ),
    path("invitations/<str:token>/", invitations.accept, name="accept_invitation"),
    path(
        "invitations/<str:token>/passkey/",
        invitations.begin_passkey,
        name="accept_invitation_passkey",
    ),
    path(
        "settings/security-policy/confirmations/",
        confirmation_policy.index,
        name="confirmation_policy",
    ),
    path("confirmations/<uuid:public_id>/", confirmation.status, name="confirmation"),
    path(
        "confirmations/<uuid:public_id>/code/",
        confirmation.code,
        name="confirmation_code",
    ),
    path(
        "confirmations/<uuid:public_id>/passkey/begin/",
        confirmation.begin_passkey,
        name="confirmation_passkey_begin",
    ),
    path(
        "confirmations/<uuid:public_id>/passkey/",
        confirmation.passkey,
        name="confirmation_passkey",
    ),
    path(
        "confirmations/<uuid:public_id>/resend/",
        confirmation.resend,
        name="confirmation_resend",
    ),
    path(
        "confirmations/<uuid:public_id>/cancel/",
        confirmation.cancel,
        name="confirmation_cancel",
    ),
    path("security/", security.index, name="security"),
    path("security/confirm/", security.confirm, name="confirm"),
    path("security/confirm/passkey/", security.confirm_passkey, name="confirm_passkey"),
    path(
        "security/authenticator-app/",
        factor_setup.start_authenticator,
        name="start_authenticator",
    ),
    path(
        "security/authenticator-app/<uuid:factor_id>/",
        factor_setup.authenticator_app,
        name="authenticator",
    ),
    path("security/phones/new/", phone.start, name="start_phone"),
    path("security/phones/<uuid:enrolment_id>/", phone.enrolling, name="phone"),
    path("security/passkeys/new/", factor_setup.passkey, name="passkey"),
    path("security/passkeys/begin/", factor_setup.passkey_begin, name="passkey_begin"),
    path(
        "security/recovery-codes/", factor_setup.recovery_codes, name="recovery_codes"
    ),
    path(
        "security/recovery-codes/download/",
        factor_setup.download_recovery_codes,
        name="download_recovery_codes",
    ),
    path(
        "security/factors/<uuid:factor_id>/rename/",
        security.rename,
        name="rename_factor",
    ),
    path(
        "security/factors/<uuid:factor_id>/delete/",
        security.delete,
        name="delete_factor",
    ),
    path("settings/security-policy/", security.security_policy, name="security_policy"),
    path("audit/", audit_log.index, name="audit_log"),
    path("audit/export/", audit_log.export, name="audit_export"),
    path("audit/export.jsonl", audit_log.export_lines, name="audit_export_lines"),
    path("audit/keeping/", audit_keeping.index, name="audit_keeping"),
    path("audit/keeping/retention/", audit_keeping.retention, name="audit_retention"),
    path(
        "audit/keeping/checkpoint/", audit_keeping.checkpoint, name="audit_checkpoint"
    ),
    path("audit/<uuid:public_id>/", audit_log.event, name="audit_event"),
]
