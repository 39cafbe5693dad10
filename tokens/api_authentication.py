"""Who calls the management API: a token of a member, or a member's own session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from tokens import api_tokens
from tokens.models import ApiToken
from workspaces.factors.vouched import passed_two_steps
from workspaces.models import Membership, User, Workspace
from workspaces.permissions import Permission, WorkspaceRequest, can

_REFUSED = "The API token is wrong, expired or revoked. Generate one under API tokens."


@dataclass(frozen=True, slots=True)
class Caller:
    """A member, and the token in their name if it is not their browser."""

    membership: Membership
    token: ApiToken | None = None

    is_authenticated = True

    @property
    def user(self) -> User:
        """The person."""
        return self.membership.user

    @property
    def workspace(self) -> Workspace:
        """The tenant: nothing outside of it exists for the caller."""
        return self.membership.workspace

    @property
    def key(self) -> str:
        """What the rate of calls is counted by."""
        return self.token.key if self.token else f"session-{self.membership.pk}"

    def may(self, permission: Permission) -> bool:
        """Say whether the role allows it and, of a token, its scopes too."""
        if self.token is None:
            return can(self.membership, permission)
        return can(self.membership, permission, scopes=self.token.scopes)


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer kwa_…`. Every refusal reads the same."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the caller; None without the header. Raises AuthenticationFailed."""
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        address = request.META.get("REMOTE_ADDR")
        is_bearer = scheme.lower() == "bearer"
        token = api_tokens.find(text.strip(), address=address) if is_bearer else None
        if token is None:
            raise AuthenticationFailed(_REFUSED)
        return Caller(token.membership, token), None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="api"'


class SessionAuthentication(BaseAuthentication):
    """Whoever is signed in to the portal, for **Admin: Help**. With CSRF as forms."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the caller; None if nobody is signed in. Raises PermissionDenied."""
        http = cast("WorkspaceRequest", request._request)
        if http.membership is None:
            return None
        if http.workspace.require_two_steps and not passed_two_steps(
            http, http.workspace
        ):
            raise PermissionDenied("Your workspace requires two steps. Log in again.")
        check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type]
        check.process_request(http)
        reason = check.process_view(http, None, (), {})  # type: ignore[arg-type]
        if reason:
            raise PermissionDenied("The CSRF token is missing or wrong.")
        http.membership.user = http.user
        return Caller(http.membership), None
