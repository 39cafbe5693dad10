"""Pages of people, their accounts and what they did."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspaces.views import (
    account,
    audit_log,
    invitations,
    members,
    provisioned_members,
)

app_name = "workspaces"
urlpatterns = [
    path("login/", account.SignIn.as_view(), name="login"),
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
    path("audit/", audit_log.index, name="audit_log"),
    path("audit/export/", audit_log.export, name="audit_export"),
    path("audit/<uuid:public_id>/", audit_log.event, name="audit_event"),
]
