"""Every address of the portal, and an example of each to open.

One table. A route that is not in it fails test_permissions, so that nothing is
open because nobody thought of it.
"""

from __future__ import annotations

import gzip
import uuid
from dataclasses import dataclass
from datetime import timedelta

from integrations import services
from integrations.connectors.exchange import Exchange
from integrations.models import (
    AccountList,
    AppAccount,
    AppCall,
    AppEntitlement,
    AssignmentExport,
    AuditStream,
    Integration,
    IntegrationDraft,
    Provisioning,
    RestorePoint,
    Task,
)
from integrations.outside.call_log import CallLog
from integrations.reports import assignments
from integrations.tasks.rows import read
from integrations.webhooks import announcing, endpoints
from scim.models import RequestRecord, Resource
from tests import factories
from tests.fakes import factors, signer
from tokens.oauth import clients, jose, trusts
from workspaces import confirmable, confirmations
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Confirmation,
    Directory,
    EmailDomain,
    Invitation,
    Job,
    Role,
    SignInLink,
    SignInProvider,
    Team,
    Workspace,
)
from workspaces.permissions import Permission


@dataclass(frozen=True)
class Route:
    """What each method of a route answers to those who have its permission.

    A method that is not named answers 405, also to those who may not see the page.
    """

    path: str
    get: int | None = None
    post: int | None = None
    is_public: bool = False
    is_own: bool = False
    """Changes what is the asker's own, a person's or a workspace's."""
    get_of_member: int | None = None
    """What the role without rights gets instead, where that differs."""

    @property
    def methods(self) -> dict[str, int]:
        given = {"GET": self.get, "POST": self.post}
        return {name: status or 405 for name, status in given.items()}


_CLIENT = "<slug:directory_key>/clients/<slug:key>"
_TRUST = "<slug:directory_key>/trust/<slug:key>"
OAUTH = {
    "<slug:directory_key>/clients/": Route("/tokens/oauth/{key}/clients/", get=200),
    "<slug:directory_key>/trust/": Route("/tokens/oauth/{key}/trust/", get=200),
    "<slug:directory_key>/new-client/": Route(
        "/tokens/oauth/{key}/new-client/", get=200, post=422
    ),
    "<slug:directory_key>/new-trust/": Route(
        "/tokens/oauth/{key}/new-trust/", get=200, post=422
    ),
    f"{_CLIENT}/": Route("/tokens/oauth/{key}/clients/{oauth_client}/", get=200),
    f"{_CLIENT}/secret/": Route(
        "/tokens/oauth/{key}/clients/{oauth_client}/secret/", post=200
    ),
    f"{_CLIENT}/keys/": Route(
        "/tokens/oauth/{key}/clients/{signing_client}/keys/", get=200, post=422
    ),
    f"{_CLIENT}/limit/": Route(
        "/tokens/oauth/{key}/clients/{oauth_client}/limit/", get=200, post=422
    ),
    f"{_TRUST}/limit/": Route(
        "/tokens/oauth/{key}/trust/{trust}/limit/", get=200, post=422
    ),
    f"{_CLIENT}/revoke/": Route(
        "/tokens/oauth/{key}/clients/{oauth_client}/revoke/", get=200, post=302
    ),
    f"{_CLIENT}/secrets/<slug:secret_key>/revoke/": Route(
        "/tokens/oauth/{key}/clients/{oauth_client}/secrets/{oauth_secret}/revoke/",
        get=200,
        post=302,
    ),
    f"{_TRUST}/": Route("/tokens/oauth/{key}/trust/{trust}/", get=200),
    f"{_TRUST}/keys/": Route("/tokens/oauth/{key}/trust/{trust}/keys/", post=302),
    f"{_TRUST}/revoke/": Route(
        "/tokens/oauth/{key}/trust/{trust}/revoke/", get=200, post=302
    ),
}
"""Of OAuth clients and trust, below `tokens/oauth/`."""

ROUTES = {
    "": Route("/", get=302, get_of_member=200),
    "dashboard/": Route("/dashboard/", get=200),
    "activity/": Route("/activity/", get=200),
    "activity/export/": Route("/activity/export/", get=200),
    "activity/jobs/<uuid:job_id>/": Route("/activity/jobs/{sync}/", get=200),
    "activity/calls/<int:call_id>/screenshot/": Route(
        "/activity/calls/{call}/screenshot/", get=200
    ),
    "activity/<uuid:request_id>/": Route("/activity/{request}/", get=200),
    "activity/people/<uuid:resource_id>/": Route(
        "/activity/people/{resource}/", get=200
    ),
    "activity/people/<uuid:resource_id>/retry/": Route(
        "/activity/people/{resource}/retry/", post=302
    ),
    "members/": Route("/members/", get=200),
    "members/invite/": Route("/members/invite/", get=200, post=422),
    "members/leave/": Route("/members/leave/", get=200, post=302),
    "members/<int:membership_id>/role/": Route(
        "/members/{member}/role/", get=200, post=422
    ),
    "members/<int:membership_id>/remove/": Route(
        "/members/{member}/remove/", get=200, post=302
    ),
    "members/invitations/<uuid:public_id>/resend/": Route(
        "/members/invitations/{invitation}/resend/", post=302
    ),
    "members/invitations/<uuid:public_id>/revoke/": Route(
        "/members/invitations/{invitation}/revoke/", post=302
    ),
    "invitations/<str:token>/": Route(
        "/invitations/unknown/", get=404, post=404, is_public=True
    ),
    "invitations/<str:token>/passkey/": Route(
        "/invitations/unknown/passkey/", post=404, is_public=True
    ),
    "login/sso/": Route("/login/sso/", get=200, post=422, is_public=True),
    "login/sso/<uuid:workspace_id>/": Route(
        f"/login/sso/{uuid.UUID(int=0)}/", get=404, is_public=True
    ),
    "login/sso/<uuid:workspace_id>/callback/": Route(
        f"/login/sso/{uuid.UUID(int=0)}/callback/", get=404, is_public=True
    ),
    "settings/single-sign-on/": Route("/settings/single-sign-on/", get=200, post=422),
    "settings/single-sign-on/<uuid:public_id>/delete/": Route(
        "/settings/single-sign-on/{sign_in_provider}/delete/", get=200, post=302
    ),
    "settings/single-sign-on/links/<uuid:public_id>/unlink/": Route(
        "/settings/single-sign-on/links/{link}/unlink/", get=200, post=302
    ),
    "switch-workspace/": Route("/switch-workspace/", post=404),
    "settings/webhooks/": Route("/settings/webhooks/", get=200),
    "settings/webhooks/new/": Route("/settings/webhooks/new/", get=200, post=422),
    "settings/webhooks/<uuid:public_id>/": Route(
        "/settings/webhooks/{endpoint}/", get=200
    ),
    "settings/webhooks/<uuid:public_id>/edit/": Route(
        "/settings/webhooks/{endpoint}/edit/", get=200, post=422
    ),
    "settings/webhooks/<uuid:public_id>/secret/": Route(
        "/settings/webhooks/{endpoint}/secret/", get=200, post=422
    ),
    "settings/webhooks/<uuid:public_id>/test/": Route(
        "/settings/webhooks/{endpoint}/test/", post=302
    ),
    "settings/webhooks/<uuid:public_id>/turn-off/": Route(
        "/settings/webhooks/{endpoint}/turn-off/", post=302
    ),
    "settings/webhooks/<uuid:public_id>/turn-on/": Route(
        "/settings/webhooks/{endpoint}/turn-on/", post=302
    ),
    "settings/webhooks/<uuid:public_id>/delete/": Route(
        "/settings/webhooks/{endpoint}/delete/", get=200, post=302
    ),
    "settings/webhooks/<uuid:public_id>/deliveries/<uuid:delivery_id>/": Route(
        "/settings/webhooks/{endpoint}/deliveries/{delivery}/", get=200
    ),
    "settings/webhooks/<uuid:public_id>/deliveries/<uuid:delivery_id>/send/": Route(
        "/settings/webhooks/{endpoint}/deliveries/{delivery}/send/", post=302
    ),
    "connections/<slug:key>/silence-alarm/": Route(
        "/connections/{key}/silence-alarm/", post=302
    ),
    "audit/": Route("/audit/", get=200),
    "audit/export/": Route("/audit/export/", get=200),
    "audit/export.jsonl": Route("/audit/export.jsonl", get=200),
    "audit/keeping/": Route("/audit/keeping/", get=200),
    "audit/keeping/retention/": Route("/audit/keeping/retention/", get=302, post=422),
    "audit/keeping/checkpoint/": Route("/audit/keeping/checkpoint/", get=200),
    "audit/<uuid:public_id>/": Route("/audit/{event}/", get=200),
    "audit/streaming/": Route("/audit/streaming/", get=200),
    "audit/streaming/save/": Route("/audit/streaming/save/", get=200, post=422),
    "audit/streaming/test/": Route("/audit/streaming/test/", post=302, is_own=True),
    "audit/streaming/stop/": Route(
        "/audit/streaming/stop/", get=200, post=302, is_own=True
    ),
    "favicon.ico": Route("/favicon.ico", get=302, post=302, is_public=True),
    "token-format": Route("/token-format", get=200, is_public=True),
    "leaked-token": Route("/leaked-token", get=200, post=422, is_public=True),
    "integrations/": Route("/integrations/", get=200),
    "integrations/<slug:key>/": Route("/integrations/{key}/", get=302),
    "integrations/<slug:key>/settings/": Route(
        "/integrations/{key}/settings/", get=302
    ),
    "integrations/<slug:key>/settings/connected-services/": Route(
        "/integrations/{key}/settings/connected-services/", get=200
    ),
    "integrations/<slug:key>/users/": Route("/integrations/{key}/users/", get=200),
    "integrations/<slug:key>/users/<uuid:resource_id>/retry/": Route(
        "/integrations/{key}/users/{resource}/retry/", post=302
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/match/": Route(
        "/integrations/{key}/users/{unmatched}/match/", get=200, post=422
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/match/users/": Route(
        "/integrations/{key}/users/{unmatched}/match/users/", get=200
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/remove/": Route(
        "/integrations/{key}/users/{unmatched}/remove/", get=200, post=422
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/exempt/": Route(
        "/integrations/{key}/users/{unmatched}/exempt/", get=200, post=422
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/exempt/end/": Route(
        "/integrations/{key}/users/{unmatched}/exempt/end/", post=302
    ),
    "integrations/<slug:key>/groups/": Route("/integrations/{key}/groups/", get=200),
    "integrations/<slug:key>/users/<uuid:resource_id>/": Route(
        "/integrations/{key}/users/{resource}/", get=200
    ),
    "integrations/<slug:key>/overview/": Route(
        "/integrations/{key}/overview/", get=200
    ),
    "integrations/<slug:key>/pause/": Route("/integrations/{key}/pause/", post=302),
    "integrations/<slug:key>/resume/": Route("/integrations/{key}/resume/", post=302),
    "integrations/<slug:key>/try-now/": Route("/integrations/{key}/try-now/", post=302),
    "integrations/<slug:key>/delete/": Route(
        "/integrations/{key}/delete/", get=200, post=422
    ),
    "integrations/<slug:key>/settings/general/": Route(
        "/integrations/{key}/settings/general/", get=200, post=422
    ),
    "integrations/<slug:key>/settings/security/": Route(
        "/integrations/{key}/settings/security/", get=200, post=422
    ),
    "integrations/<slug:key>/settings/service-account/": Route(
        "/integrations/{key}/settings/service-account/", get=200, post=422
    ),
    "integrations/<slug:key>/settings/danger-zone/": Route(
        "/integrations/{key}/settings/danger-zone/", get=200
    ),
    "integrations/<slug:key>/entitlements/": Route(
        "/integrations/{key}/entitlements/", get=200
    ),
    "integrations/<slug:key>/entitlements/export/": Route(
        "/integrations/{key}/entitlements/export/", get=302, post=302
    ),
    "integrations/<slug:key>/entitlements/export/file/": Route(
        "/integrations/{key}/entitlements/export/file/", get=200
    ),
    "integrations/<slug:key>/entitlements/<slug:ref>/": Route(
        "/integrations/{key}/entitlements/{entitlement}/", get=200
    ),
    "integrations/<slug:key>/entitlements/<slug:ref>/value/": Route(
        "/integrations/{key}/entitlements/{entitlement}/value/", get=200
    ),
    "integrations/<slug:key>/settings/matching/": Route(
        "/integrations/{key}/settings/matching/", get=200, post=422
    ),
    "integrations/<slug:key>/entitlements/entra-app-roles/": Route(
        "/integrations/{key}/entitlements/entra-app-roles/", get=200
    ),
    "integrations/<slug:key>/plan/": Route("/integrations/{key}/plan/", get=200),
    "integrations/<slug:key>/plan/export/": Route(
        "/integrations/{key}/plan/export/", get=200
    ),
    "integrations/<slug:key>/plan/put-right/": Route(
        "/integrations/{key}/plan/put-right/", get=200, post=302
    ),
    "integrations/<slug:key>/plan/observe/": Route(
        "/integrations/{key}/plan/observe/", post=302
    ),
    "integrations/<slug:key>/plan/let-loose/": Route(
        "/integrations/{key}/plan/let-loose/", get=200, post=302
    ),
    "integrations/<slug:key>/removals/": Route(
        "/integrations/{key}/removals/", get=200
    ),
    "integrations/<slug:key>/removals/decide/": Route(
        "/integrations/{key}/removals/decide/", post=422
    ),
    "integrations/<slug:key>/activity/": Route(
        "/integrations/{key}/activity/", get=200
    ),
    "integrations/<slug:key>/changes/": Route("/integrations/{key}/changes/", get=200),
    "integrations/<slug:key>/changes/<uuid:run_id>/": Route(
        "/integrations/{key}/changes/{run}/", get=200
    ),
    "integrations/<slug:key>/changes/<uuid:run_id>/undo/": Route(
        "/integrations/{key}/changes/{run}/undo/", get=200, post=302
    ),
    "integrations/<slug:key>/changes/of/<uuid:point_id>/undo/": Route(
        "/integrations/{key}/changes/of/{point}/undo/", get=200, post=302
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/put-right/": Route(
        "/integrations/{key}/users/{resource}/put-right/", post=302
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/sync/": Route(
        "/integrations/{key}/users/{resource}/sync/", post=302
    ),
    "integrations/<slug:key>/sync/": Route(
        "/integrations/{key}/sync/", get=302, post=302
    ),
    "integrations/<slug:key>/sync/<uuid:job_id>/": Route(
        "/integrations/{key}/sync/{sync}/", get=200
    ),
    "integrations/<slug:key>/sync/<uuid:job_id>/approve/": Route(
        "/integrations/{key}/sync/{sync}/approve/", post=302
    ),
    "integrations/<slug:key>/sync/<uuid:job_id>/cancel/": Route(
        "/integrations/{key}/sync/{sync}/cancel/", post=302
    ),
    "integrations/<slug:key>/sync/<uuid:job_id>/discard/": Route(
        "/integrations/{key}/sync/{sync}/discard/", post=302
    ),
    **{f"tokens/oauth/{path}": route for path, route in OAUTH.items()},
    ".well-known/oauth-authorization-server/scim/<slug:directory_key>/v2": Route(
        "/.well-known/oauth-authorization-server/scim/abcdefgh/v2",
        get=200,
        is_public=True,
    ),
    "tokens/<slug:directory_key>/all/": Route("/tokens/{key}/all/", get=200),
    "tokens/<slug:directory_key>/generate/": Route("/tokens/{key}/generate/", post=409),
    "integrations/<slug:key>/set-up/<slug:idp>/": Route(
        "/integrations/{key}/set-up/okta/", get=200
    ),
    "tokens/<slug:directory_key>/rotation/": Route(
        "/tokens/{key}/rotation/", get=200, post=422
    ),
    "tokens/<slug:directory_key>/reveal-rule/": Route(
        "/tokens/{sync_key}/reveal-rule/", get=200, post=422
    ),
    # Nobody has a factor here: they are led to set one up.
    "tokens/<slug:directory_key>/<str:token_key>/view/": Route(
        "/tokens/{sync_key}/{sync_token}/view/", get=200, post=200
    ),
    "tokens/<slug:directory_key>/<str:token_key>/show/": Route(
        "/tokens/{sync_key}/{sync_token}/show/", post=403
    ),
    "settings/security-policy/confirmations/": Route(
        "/settings/security-policy/confirmations/", get=200, post=302
    ),
    # A confirmation is there for the one session that opened it.
    "confirmations/<uuid:public_id>/": Route("/confirmations/{confirmation}/", get=404),
    "confirmations/<uuid:public_id>/code/": Route(
        "/confirmations/{confirmation}/code/", post=404
    ),
    "confirmations/<uuid:public_id>/passkey/": Route(
        "/confirmations/{confirmation}/passkey/", post=404
    ),
    "confirmations/<uuid:public_id>/passkey/begin/": Route(
        "/confirmations/{confirmation}/passkey/begin/", post=404
    ),
    "confirmations/<uuid:public_id>/resend/": Route(
        "/confirmations/{confirmation}/resend/", post=404
    ),
    "confirmations/<uuid:public_id>/cancel/": Route(
        "/confirmations/{confirmation}/cancel/", post=404
    ),
    "tokens/<slug:directory_key>/<str:token_key>/new/": Route(
        "/tokens/{key}/{token}/new/", get=200, post=422
    ),
    "tokens/<slug:directory_key>/<str:token_key>/edit/": Route(
        "/tokens/{key}/{token}/edit/", get=200, post=422
    ),
    "tokens/<slug:directory_key>/quarantine/": Route(
        "/tokens/{key}/quarantine/", post=302
    ),
    "tokens/<slug:directory_key>/quarantine/end/": Route(
        "/tokens/{key}/quarantine/end/", post=302
    ),
    "tokens/<slug:directory_key>/<str:key>/limit/": Route(
        "/tokens/{key}/{token}/limit/", get=200, post=422
    ),
    "tokens/<slug:directory_key>/<str:token_key>/retire/": Route(
        "/tokens/{key}/{token}/retire/", post=302
    ),
    "tokens/<slug:directory_key>/<str:token_key>/revoke/": Route(
        "/tokens/{key}/{token}/revoke/", get=200, post=302
    ),
    "integrations/new/": Route("/integrations/new/", get=200, post=422),
    "integrations/new/apps/": Route("/integrations/new/apps/", get=200),
    "integrations/new/app-fields/": Route("/integrations/new/app-fields/", get=200),
    "integrations/new/<uuid:draft_id>/app/": Route(
        "/integrations/new/{draft}/app/", get=200, post=422
    ),
    "integrations/new/<uuid:draft_id>/service-account/": Route(
        "/integrations/new/{draft}/service-account/", get=200, post=422
    ),
    "integrations/new/<uuid:draft_id>/settings/": Route(
        "/integrations/new/{draft}/settings/", get=200, post=302
    ),
    "integrations/new/<uuid:draft_id>/advanced/": Route(
        "/integrations/new/{draft}/advanced/", get=200
    ),
    "integrations/new/<uuid:draft_id>/user-schema/": Route(
        "/integrations/new/{draft}/user-schema/", get=200, post=302
    ),
    "integrations/new/<uuid:draft_id>/check/": Route(
        "/integrations/new/{draft}/check/", get=200, post=302
    ),
    "integrations/new/<uuid:draft_id>/check/stop/": Route(
        "/integrations/new/{draft}/check/stop/", post=302
    ),
    "integrations/new/<uuid:draft_id>/delete/": Route(
        "/integrations/new/{draft}/delete/", get=200, post=302
    ),
    "integrations/<slug:key>/settings/user-schema/": Route(
        "/integrations/{key}/settings/user-schema/", get=200, post=302
    ),
    "settings/": Route("/settings/", get=302),
    "settings/idp/": Route("/settings/idp/", get=200, post=302),
    # Directory Sync is on here or not; nobody has a factor to confirm it with.
    "settings/idp/turn-off/": Route(
        "/settings/idp/turn-off/", get=302, post=302, is_own=True
    ),
    "settings/idp/turn-on/": Route("/settings/idp/turn-on/", post=302, is_own=True),
    "settings/idp/teams/<uuid:public_id>/role/": Route(
        "/settings/idp/teams/{team}/role/", get=200, post=422
    ),
    "settings/scim-users-provisioning/": Route(
        "/settings/scim-users-provisioning/", get=200, post=422
    ),
    "settings/scim-users-provisioning/token/": Route(
        "/settings/scim-users-provisioning/token/", post=302
    ),
    "settings/scim-users-provisioning/refresh/": Route(
        "/settings/scim-users-provisioning/refresh/", get=302, post=403, is_own=True
    ),
    "settings/scim-users-provisioning/invites/": Route(
        "/settings/scim-users-provisioning/invites/", post=302
    ),
    "settings/scim-users-provisioning/domains/<uuid:public_id>/check/": Route(
        "/settings/scim-users-provisioning/domains/{domain}/check/", post=302
    ),
    "settings/scim-users-provisioning/domains/<uuid:public_id>/delete/": Route(
        "/settings/scim-users-provisioning/domains/{domain}/delete/", get=200, post=302
    ),
    "members/<int:membership_id>/break-glass/": Route(
        "/members/{member}/break-glass/", get=200, post=302
    ),
    # Nobody has a factor here: they are led to set one up.
    "members/<int:membership_id>/second-factors/reset/": Route(
        "/members/{member}/second-factors/reset/", get=200, post=403, is_own=True
    ),
    "members/<int:membership_id>/invite/": Route("/members/{member}/invite/", post=302),
    "tasks/": Route("/tasks/", get=200),
    "tasks/<uuid:task_id>/": Route("/tasks/{task}/", get=200),
    "tasks/<uuid:task_id>/done/": Route("/tasks/{task}/done/", post=302),
    "tasks/<uuid:task_id>/cannot-be-done/": Route(
        "/tasks/{task}/cannot-be-done/", get=200, post=422
    ),
    "integrations/<slug:key>/settings/people/": Route(
        "/integrations/{hand}/settings/people/", get=200, post=302
    ),
    "integrations/<slug:key>/accounts-list/": Route(
        "/integrations/{hand}/accounts-list/", get=200, post=422
    ),
    "integrations/<slug:key>/accounts-list/<uuid:list_id>/": Route(
        "/integrations/{hand}/accounts-list/{list}/", get=200, post=302
    ),
    "service-accounts/": Route("/service-accounts/", get=200),
    "service-accounts/new/": Route("/service-accounts/new/", get=200, post=422),
    "service-accounts/<uuid:account_id>/": Route(
        "/service-accounts/{account}/", get=200
    ),
    "service-accounts/<uuid:account_id>/password/": Route(
        "/service-accounts/{account}/password/", get=200, post=422
    ),
    "service-accounts/<uuid:account_id>/check/": Route(
        "/service-accounts/{account}/check/", get=302, post=302
    ),
    "service-accounts/<uuid:account_id>/delete/": Route(
        "/service-accounts/{account}/delete/", get=200, post=409
    ),
    "login/passkey/": Route("/login/passkey/", post=302, is_public=True),
    "login/passkey/begin/": Route("/login/passkey/begin/", post=200, is_public=True),
    "login/second-step/": Route(
        "/login/second-step/", get=302, post=302, is_public=True
    ),
    "login/second-step/passkey/": Route(
        "/login/second-step/passkey/", post=404, is_public=True
    ),
    "security/": Route("/security/", get=200),
    "security/confirm/": Route("/security/confirm/", get=200, post=422),
    "security/confirm/passkey/": Route("/security/confirm/passkey/", post=404),
    "security/authenticator-app/": Route(
        "/security/authenticator-app/", post=302, is_own=True
    ),
    "security/authenticator-app/<uuid:factor_id>/": Route(
        "/security/authenticator-app/{factor}/", get=404, post=404
    ),
    "security/passkeys/new/": Route("/security/passkeys/new/", get=200, post=422),
    "security/passkeys/begin/": Route(
        "/security/passkeys/begin/", post=200, is_own=True
    ),
    "security/recovery-codes/": Route("/security/recovery-codes/", get=302, post=302),
    "security/recovery-codes/download/": Route(
        "/security/recovery-codes/download/", post=302
    ),
    "security/factors/<uuid:factor_id>/rename/": Route(
        "/security/factors/{factor}/rename/", get=404, post=404
    ),
    "security/factors/<uuid:factor_id>/delete/": Route(
        "/security/factors/{factor}/delete/", get=404, post=404
    ),
    "security/phones/new/": Route("/security/phones/new/", post=200, is_own=True),
    "security/phones/<uuid:enrolment_id>/": Route(
        "/security/phones/{factor}/", get=404, post=404
    ),
    # Of the phone: signed by its key, tested in test_phones.py.
    "device/": Route("/device/", get=200, is_public=True),
    "device/app.webmanifest": Route("/device/app.webmanifest", get=200, is_public=True),
    "device/worker.js": Route("/device/worker.js", get=200, is_public=True),
    "device/enrol/": Route("/device/enrol/", post=422, is_public=True),
    "device/state/": Route("/device/state/", get=401, is_public=True),
    "device/code/": Route("/device/code/", post=401, is_public=True),
    "device/subscription/": Route("/device/subscription/", post=401, is_public=True),
    "device/requests/<uuid:public_id>/": Route(
        "/device/requests/5f0c9c0e-7d0f-4f0e-8a30-0d8a5b1c2e11/",
        post=401,
        is_public=True,
    ),
    "administration/": Route("/administration/", get=200),
    "administration/help/": Route("/administration/help/", get=200),
    "administration/api-tokens/": Route("/administration/api-tokens/", get=200),
    "administration/api-tokens/new/": Route(
        "/administration/api-tokens/new/", get=200, post=422
    ),
    "administration/api-tokens/<str:token_key>/revoke/": Route(
        "/administration/api-tokens/{api_token}/revoke/", get=200, post=302
    ),
    "settings/security-policy/": Route("/settings/security-policy/", get=200, post=422),
    "settings/token-policy/": Route("/settings/token-policy/", get=200, post=422),
    "settings/calendar-feed/": Route(
        "/settings/calendar-feed/", get=200, post=200, is_own=True
    ),
    "settings/calendar-feed/turn-off/": Route(
        "/settings/calendar-feed/turn-off/", post=302
    ),
    "calendar/<slug:key>.ics": Route("/calendar/unknown.ics", get=404, is_public=True),
    "login/": Route("/login/", get=200, post=422, is_public=True),
    "logout/": Route("/logout/", post=302, is_public=True),
}
ELSEWHERE = ("scim/", "api/", "admin/")
"""Behind a token, with tests of their own; and for superusers, in test_admin.py."""

PORTAL = {name: route for name, route in ROUTES.items() if not route.is_public}
PERMISSIONS: dict[str, Permission | None] = {
    **dict.fromkeys(
        (
            "integrations/new/",
            "integrations/new/apps/",
            "integrations/new/app-fields/",
            "integrations/new/<uuid:draft_id>/app/",
            "integrations/new/<uuid:draft_id>/service-account/",
            "integrations/new/<uuid:draft_id>/settings/",
            "integrations/new/<uuid:draft_id>/advanced/",
            "integrations/new/<uuid:draft_id>/user-schema/",
            "integrations/new/<uuid:draft_id>/check/",
            "integrations/new/<uuid:draft_id>/check/stop/",
            "integrations/new/<uuid:draft_id>/delete/",
            "integrations/<slug:key>/users/<uuid:resource_id>/match/",
            "integrations/<slug:key>/users/<uuid:resource_id>/match/users/",
            "integrations/<slug:key>/users/<uuid:resource_id>/remove/",
            "integrations/<slug:key>/users/<uuid:resource_id>/exempt/",
            "integrations/<slug:key>/users/<uuid:resource_id>/exempt/end/",
            "integrations/<slug:key>/settings/user-schema/",
            "integrations/<slug:key>/settings/people/",
            "tasks/<uuid:task_id>/done/",
            "tasks/<uuid:task_id>/cannot-be-done/",
        ),
        Permission.MANAGE_INTEGRATIONS,
    ),
    **dict.fromkeys(
        (
            "service-accounts/",
            "service-accounts/new/",
            "service-accounts/<uuid:account_id>/",
            "service-accounts/<uuid:account_id>/password/",
            "service-accounts/<uuid:account_id>/check/",
            "service-accounts/<uuid:account_id>/delete/",
        ),
        Permission.MANAGE_SERVICE_ACCOUNTS,
    ),
    **dict.fromkeys(
        (
            "settings/",
            "settings/idp/",
            "settings/idp/turn-off/",
            "settings/idp/turn-on/",
            "settings/scim-users-provisioning/",
            "settings/scim-users-provisioning/token/",
            "settings/scim-users-provisioning/refresh/",
            "settings/scim-users-provisioning/invites/",
            "settings/scim-users-provisioning/domains/<uuid:public_id>/check/",
            "settings/scim-users-provisioning/domains/<uuid:public_id>/delete/",
        ),
        Permission.MANAGE_DIRECTORY_SYNC,
    ),
    "settings/idp/teams/<uuid:public_id>/role/": Permission.MANAGE_MEMBERS,
    "members/<int:membership_id>/break-glass/": Permission.MANAGE_OWNERS,
    "members/<int:membership_id>/invite/": Permission.MANAGE_MEMBERS,
    "members/<int:membership_id>/second-factors/reset/": Permission.MANAGE_MEMBERS,
    # None: every member of a workspace, whatever the role.
    **dict.fromkeys(
        (
            "security/",
            "security/confirm/",
            "security/confirm/passkey/",
            "security/authenticator-app/",
            "security/authenticator-app/<uuid:factor_id>/",
            "security/passkeys/new/",
            "security/passkeys/begin/",
            "security/phones/new/",
            "security/phones/<uuid:enrolment_id>/",
            "security/recovery-codes/",
            "security/recovery-codes/download/",
            "security/factors/<uuid:factor_id>/rename/",
            "security/factors/<uuid:factor_id>/delete/",
        )
    ),
    "settings/security-policy/": Permission.MANAGE_POLICY,
    "settings/token-policy/": Permission.MANAGE_POLICY,
    "settings/calendar-feed/": Permission.MANAGE_TOKENS,
    "settings/calendar-feed/turn-off/": Permission.MANAGE_TOKENS,
    "settings/single-sign-on/": Permission.MANAGE_POLICY,
    "settings/single-sign-on/<uuid:public_id>/delete/": Permission.MANAGE_POLICY,
    "settings/single-sign-on/links/<uuid:public_id>/unlink/": Permission.MANAGE_POLICY,
    "": None,
    "switch-workspace/": None,
    "dashboard/": Permission.VIEW_INTEGRATIONS,
    "activity/": Permission.VIEW_ACTIVITY,
    "activity/export/": Permission.VIEW_ACTIVITY,
    "integrations/<slug:key>/activity/": Permission.VIEW_ACTIVITY,
    "activity/jobs/<uuid:job_id>/": Permission.VIEW_ACTIVITY,
    "activity/calls/<int:call_id>/screenshot/": Permission.VIEW_ACTIVITY,
    "activity/<uuid:request_id>/": Permission.VIEW_ACTIVITY,
    "activity/people/<uuid:resource_id>/": Permission.VIEW_ACTIVITY,
    "activity/people/<uuid:resource_id>/retry/": Permission.MANAGE_INTEGRATIONS,
    "members/": Permission.VIEW_MEMBERS,
    "members/invite/": Permission.MANAGE_MEMBERS,
    "members/leave/": Permission.VIEW_MEMBERS,
    "members/<int:membership_id>/role/": Permission.MANAGE_MEMBERS,
    "members/<int:membership_id>/remove/": Permission.MANAGE_MEMBERS,
    "members/invitations/<uuid:public_id>/resend/": Permission.MANAGE_MEMBERS,
    "members/invitations/<uuid:public_id>/revoke/": Permission.MANAGE_MEMBERS,
    **dict.fromkeys(
        (
            "settings/webhooks/",
            "settings/webhooks/new/",
            "settings/webhooks/<uuid:public_id>/",
            "settings/webhooks/<uuid:public_id>/edit/",
            "settings/webhooks/<uuid:public_id>/secret/",
            "settings/webhooks/<uuid:public_id>/test/",
            "settings/webhooks/<uuid:public_id>/turn-off/",
            "settings/webhooks/<uuid:public_id>/turn-on/",
            "settings/webhooks/<uuid:public_id>/delete/",
            "settings/webhooks/<uuid:public_id>/deliveries/<uuid:delivery_id>/",
            "settings/webhooks/<uuid:public_id>/deliveries/<uuid:delivery_id>/send/",
        ),
        Permission.MANAGE_WEBHOOKS,
    ),
    "connections/<slug:key>/silence-alarm/": Permission.MANAGE_TOKENS,
    "audit/": Permission.VIEW_AUDIT,
    "audit/export/": Permission.VIEW_AUDIT,
    "audit/export.jsonl": Permission.VIEW_AUDIT,
    "audit/keeping/": Permission.VIEW_AUDIT,
    "audit/keeping/retention/": Permission.MANAGE_POLICY,
    "audit/keeping/checkpoint/": Permission.VIEW_AUDIT,
    "audit/<uuid:public_id>/": Permission.VIEW_AUDIT,
    "audit/streaming/": Permission.VIEW_AUDIT,
    **dict.fromkeys(
        ("audit/streaming/save/", "audit/streaming/test/", "audit/streaming/stop/"),
        Permission.MANAGE_POLICY,
    ),
    "integrations/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/settings/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/settings/connected-services/": (
        Permission.VIEW_INTEGRATIONS
    ),
    "integrations/<slug:key>/users/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/users/<uuid:resource_id>/retry/": (
        Permission.MANAGE_INTEGRATIONS
    ),
    "integrations/<slug:key>/groups/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/users/<uuid:resource_id>/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/overview/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/pause/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/resume/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/delete/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/settings/general/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/settings/security/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/settings/service-account/": (
        Permission.MANAGE_INTEGRATIONS
    ),
    "integrations/<slug:key>/settings/danger-zone/": Permission.MANAGE_INTEGRATIONS,
    "integrations/<slug:key>/entitlements/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/entitlements/export/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/entitlements/export/file/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/entitlements/<slug:ref>/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/entitlements/<slug:ref>/value/": (
        Permission.VIEW_INTEGRATIONS
    ),
    **dict.fromkeys(
        (
            "integrations/<slug:key>/plan/",
            "integrations/<slug:key>/plan/export/",
            "integrations/<slug:key>/entitlements/entra-app-roles/",
            "integrations/<slug:key>/removals/",
            "integrations/<slug:key>/changes/",
            "integrations/<slug:key>/changes/<uuid:run_id>/",
        ),
        Permission.VIEW_INTEGRATIONS,
    ),
    **dict.fromkeys(
        (
            "integrations/<slug:key>/plan/put-right/",
            "integrations/<slug:key>/settings/matching/",
            "integrations/<slug:key>/plan/observe/",
            "integrations/<slug:key>/plan/let-loose/",
            "integrations/<slug:key>/try-now/",
            "integrations/<slug:key>/removals/decide/",
            "integrations/<slug:key>/changes/<uuid:run_id>/undo/",
            "integrations/<slug:key>/changes/of/<uuid:point_id>/undo/",
            "integrations/<slug:key>/users/<uuid:resource_id>/put-right/",
        ),
        Permission.MANAGE_INTEGRATIONS,
    ),
    "integrations/<slug:key>/users/<uuid:resource_id>/sync/": Permission.SYNC,
    "tasks/": Permission.VIEW_INTEGRATIONS,
    "tasks/<uuid:task_id>/": Permission.VIEW_INTEGRATIONS,
    "integrations/<slug:key>/accounts-list/": Permission.SYNC,
    "integrations/<slug:key>/accounts-list/<uuid:list_id>/": Permission.SYNC,
    "integrations/<slug:key>/sync/": Permission.SYNC,
    "integrations/<slug:key>/sync/<uuid:job_id>/": Permission.SYNC,
    "integrations/<slug:key>/sync/<uuid:job_id>/cancel/": Permission.SYNC,
    "integrations/<slug:key>/sync/<uuid:job_id>/approve/": (
        Permission.MANAGE_INTEGRATIONS
    ),
    "integrations/<slug:key>/sync/<uuid:job_id>/discard/": (
        Permission.MANAGE_INTEGRATIONS
    ),
    **{f"tokens/oauth/{path}": Permission.MANAGE_TOKENS for path in OAUTH},
    "tokens/<slug:directory_key>/all/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/generate/": Permission.MANAGE_TOKENS,
    "administration/": Permission.MANAGE_TOKENS,
    "administration/help/": Permission.MANAGE_TOKENS,
    "administration/api-tokens/": Permission.MANAGE_TOKENS,
    "administration/api-tokens/new/": Permission.MANAGE_TOKENS,
    "administration/api-tokens/<str:token_key>/revoke/": Permission.MANAGE_TOKENS,
    "integrations/<slug:key>/set-up/<slug:idp>/": Permission.VIEW_INTEGRATIONS,
    "tokens/<slug:directory_key>/rotation/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/reveal-rule/": Permission.MANAGE_POLICY,
    "tokens/<slug:directory_key>/<str:token_key>/view/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/<str:token_key>/show/": Permission.MANAGE_TOKENS,
    "settings/security-policy/confirmations/": Permission.MANAGE_POLICY,
    "confirmations/<uuid:public_id>/": None,
    "confirmations/<uuid:public_id>/code/": None,
    "confirmations/<uuid:public_id>/passkey/": None,
    "confirmations/<uuid:public_id>/passkey/begin/": None,
    "confirmations/<uuid:public_id>/resend/": None,
    "confirmations/<uuid:public_id>/cancel/": None,
    "tokens/<slug:directory_key>/<str:token_key>/new/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/<str:token_key>/edit/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/quarantine/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/quarantine/end/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/<str:key>/limit/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/<str:token_key>/retire/": Permission.MANAGE_TOKENS,
    "tokens/<slug:directory_key>/<str:token_key>/revoke/": Permission.MANAGE_TOKENS,
}


def unmatched_in(integration: Integration) -> Provisioning:
    """Return an account that a sync found and that belongs to nobody."""
    now = database_now()
    user = Resource.objects.create(
        directory=integration.directory,
        resource_type="User",
        document='{"userName": "svc.backup"}',
        comparable={},
        label="Backup robot",
        user_name_key="svc.backup",
        source=Resource.Source.APP,
        created_at=now,
        modified_at=now,
    )
    account = AppAccount.objects.create(
        integration=integration,
        external_id="991",
        username="svc.backup",
        display_name="Backup robot",
        resource=user,
        seen_at=now,
    )
    return Provisioning.objects.create(
        integration=integration,
        resource=user,
        resource_id_public=user.public_id,
        user_name="svc.backup",
        account=account,
        is_matched=False,
        state=Provisioning.State.ONBOARDED,
        changed_at=now,
    )


def _by_hand(workspace: Workspace) -> dict[str, object]:
    """Return an integration by hand, with a task and a list of accounts."""
    now = database_now()
    integration = services.create(
        workspace,
        app=factories.AppFactory(slug="by-hand"),
        service_account=None,
        name="Badge system",
        base_url="https://badges.acme.test",
        actor=None,
    )
    row = Provisioning.objects.create(
        integration=integration,
        resource_id_public=str(uuid.uuid4()),
        user_name="badge.lee@acme.test",
        state=Provisioning.State.PROVISIONING_AWAITING,
        changed_at=now,
    )
    entered = [
        {"label": "User name", "value": "badge.lee@acme.test"},
        {"label": "Display name", "value": "Badge Lee"},
    ]
    task = Task.objects.create(
        integration=integration,
        provisioning=row,
        user_name=row.user_name,
        steps=[
            {"words": "Create an account", "values": entered},
            {"words": "Give the group Vault", "values": []},
        ],
        account_key=row.resource_id_public,
        outcome={"exists": True, "username": row.user_name},
        created_at=now,
    )
    accounts = AccountList.objects.create(
        integration=integration,
        file_name="accounts.csv",
        rows=read(b"username,active\nbadge.lee@acme.test,yes\nsvc.backup,no"),
        uploaded_at=now,
    )
    return {
        "hand": integration.directory.key,
        "task": task.public_id,
        "list": accounts.public_id,
    }


def confirmation_of(workspace: Workspace) -> Confirmation:
    """Return a confirmation that somebody opened in their own session."""
    membership = workspace.memberships.order_by("id")[0]
    return confirmations.request_(
        confirmable.CHANGE_MEMBER,
        confirmable.Subject("1", "Acme Demo"),
        by=confirmable.Asker(membership, "f" * 64),
        path="/members/",
        back_path="/members/",
        is_step=True,
        now=database_now(),
    )


def a_step() -> Exchange:
    """Return a step of the browser with its picture, which is the smallest JPEG head."""
    return Exchange(
        at=database_now(),
        method="CLICK",
        path="a button “Save”",
        request_body="",
        status=200,
        error="",
        answer_body="",
        milliseconds=40,
        screenshot=b"\xff\xd8\xff\xd9",
    )


def stream_of(workspace: Workspace) -> None:
    """Let the audit log be streamed, without success."""
    now = database_now()
    AuditStream.objects.create(
        workspace=workspace,
        transport=AuditStream.Transport.TLS,
        address="logs.verkehrsinfrastruktur.example.com:6514",
        format=AuditStream.Format.CEF,
        sequence=3,
        last_error="The destination cannot be reached. Check its address.",
        failing_since=now,
        changed_at=now,
    )


def _oauth(directory: Directory) -> dict[str, object]:
    """Return clients of both kinds, a secret, and a trust whose keys were fetched."""
    now = database_now()
    issued = clients.add_with_secret(directory, name="entra-prod", actor=None, now=now)
    keys = jose.usable_keys(signer.jwks(signer.rsa(), signer.ec()))
    signing = clients.add_with_keys(
        directory, name="okta-prod", keys=keys, actor=None, now=now
    )
    terms = trusts.Terms(
        "https://sts.windows.net/cbb1a5ac-f33b-45fa-9bf5-f37db0fed422/",
        "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
        "cbb1a5ac-f33b-45fa-9bf5-f37db0fed422",
        "https://login.microsoftonline.com/common/discovery/keys",
    )
    trust = trusts.add(directory, terms, name="Entra", actor=None, now=now)
    trusts.keep_keys(trust, keys, now=now)
    return {
        "oauth_client": issued.secret.client.key,
        "oauth_secret": issued.secret.key,
        "signing_client": signing.key,
        "trust": trust.key,
    }


def _single_sign_on(workspace: Workspace) -> dict[str, object]:
    now = database_now()
    provider = SignInProvider.objects.create(
        workspace=workspace,
        name="Acme ID",
        issuer="https://id.acme.test",
        client_id="keyway",
        metadata={},
        changed_at=now,
    )
    link = SignInLink.objects.create(
        workspace=workspace,
        provider=provider,
        user=workspace.memberships.order_by("id")[0].user,
        subject="00u1a2b3c4d5e6f7g8h9-verkehrsinfrastruktur",
        made_at=now,
        last_used_at=now,
    )
    return {"sign_in_provider": provider.public_id, "link": link.public_id}


def values_of(integration: Integration) -> dict[str, object]:
    """Return what fills the routes: a failed user, a live token and so on."""
    now = database_now()
    user = Resource.objects.create(
        directory=integration.directory,
        resource_type="User",
        document='{"userName": "zoe@acme.test"}',
        comparable={},
        label="Zoe",
        user_name_key="zoe@acme.test",
        created_at=now,
        modified_at=now,
    )
    Provisioning.objects.create(
        integration=integration,
        resource=user,
        resource_id_public=user.public_id,
        user_name="zoe@acme.test",
        state=Provisioning.State.UPDATE_FAILED,
        last_error="x",
        changed_at=now,
    )
    token = factories.issue_token(integration.directory).token
    workspace = integration.workspace
    point = RestorePoint.objects.create(
        integration=integration,
        run=uuid.uuid4(),
        resource_id=user.public_id,
        user_name="zoe@acme.test",
        external_id="43",
        before=None,
        granted=[],
        changes=[["create", {}]],
        at=now,
    )
    api_token = factories.issue_api_token(workspace).token
    invitation = Invitation.objects.create(
        workspace=workspace,
        email="ina@acme.test",
        email_key="ina@acme.test",
        role=Role.MEMBER,
        created_at=now,
        expires_at=now + timedelta(days=7),
    )
    record = RequestRecord.objects.create(
        directory=integration.directory,
        request_id=str(uuid.uuid4()),
        method="GET",
        path=f"{integration.directory.path}/Users",
        status=200,
        milliseconds=3,
        dialect="okta",
        at=now,
    )
    entitlement = AppEntitlement.objects.create(
        integration=integration,
        kind="group",
        external_id="77",
        name="Interns",
        seen_at=now,
    )
    AssignmentExport.objects.create(
        integration=integration,
        asked_at=now,
        ready_at=now,
        content=gzip.compress(b"User\r\n"),
    )
    sync = Job.objects.create(
        workspace=workspace,
        kind="integrations.sync",
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        state=Job.State.COMPLETED,
        due_at=now,
    )
    log = CallLog(integration, job=sync, resource_id="")
    log.note(a_step())
    log.write()
    draft = IntegrationDraft.objects.create(
        workspace=workspace,
        created_by=workspace.memberships.order_by("id")[0].user,
        answers={"name": "Acme Demo two", "app": integration.app.slug},
    )
    sync_directory = Directory.objects.get(
        workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
    )
    domain = EmailDomain.objects.create(
        workspace=workspace, name="acme.example", created_at=now
    )
    team = Team.objects.create(
        workspace=workspace, resource_id=str(uuid.uuid4()), name="Ops", created_at=now
    )
    stream_of(workspace)
    endpoint = endpoints.add(
        workspace,
        url="https://hooks.acme.test/keyway",
        chosen=["token.expiring", "job.dead"],
        actor=factories.UserFactory(name="Hook"),
        now=now,
    ).endpoint
    announcing.send_test(endpoint)
    return {
        **_by_hand(workspace),
        **_oauth(integration.directory),
        "endpoint": endpoint.public_id,
        "delivery": endpoint.deliveries.get().public_id,
        "api_token": api_token.key,
        "domain": domain.public_id,
        **_single_sign_on(workspace),
        "team": team.public_id,
        "unmatched": unmatched_in(integration).resource_id_public,
        "sync_key": sync_directory.key,
        "sync_token": factories.issue_token(sync_directory).token.key,
        "confirmation": confirmation_of(workspace).public_id,
        "entitlement": assignments.reference(entitlement),
        "sync": sync.public_id,
        "call": AppCall.objects.get(job=sync).pk,
        # Somebody's, and of nobody who asks: a person's factors are theirs alone.
        "factor": factors.authenticator(
            factories.MembershipFactory(workspace=workspace).user
        ).app.public_id,
        "request": record.request_id,
        "member": factories.MembershipFactory(workspace=workspace).pk,
        "invitation": invitation.public_id,
        "event": AuditEvent.objects.filter(workspace=workspace)[0].public_id,
        "account": integration.service_account.public_id,
        "draft": draft.public_id,
        "key": integration.directory.key,
        "resource": user.public_id,
        "run": point.run,
        "point": point.public_id,
        "token": token.key,
    }
