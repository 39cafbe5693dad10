"""What every call of the management API shares: who asks, how often, what they may."""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.api.problems import Problem, response_for
from tokens.api_authentication import (
    ApiTokenAuthentication,
    Caller,
    SessionAuthentication,
)
from workspaces import confirmable
from workspaces.confirmable import Action, Subject
from workspaces.models import User, Workspace
from workspaces.permissions import Permission, note_refusal
from workspaces.rate_limits import RateLimit

RATE_LIMIT = RateLimit("api")
LARGEST_ID = 2**63 - 1
"""What a key of the database can be."""


class OnlyJson(BaseContentNegotiation):
    """Read and answer JSON, whatever the client says that it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser of JSON, None for another media type."""
        given = (request.content_type or "").split(";")[0].strip().lower()
        return parsers[0] if given == "application/json" else None

    def select_renderer(
        self, request: Request, renderers: Any, suffix: Any = None
    ) -> Any:
        """Return the one renderer."""
        return renderers[0], renderers[0].media_type


class StrictJson(JSONParser):
    """Reads JSON, but not what no answer and no database can hold."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body. Raises ParseError."""
        try:
            found = super().parse(*args, **kwargs)
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ParseError("The JSON holds half of a surrogate pair.") from None
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        return found


class ApiView(APIView):
    """A token or a session in, JSON out, within the workspace of the caller."""

    authentication_classes = [ApiTokenAuthentication, SessionAuthentication]
    permission_classes: list[Any] = []
    parser_classes = [StrictJson]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = OnlyJson
    permissions: ClassVar[dict[str, Permission | None]] = {}
    """What each method needs; None is open to every member and token."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view. It answers 401 itself instead of a log-in page."""
        return login_not_required(super().as_view(**initkwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may call. Raises Problem or what authentication raises."""
        if settings.HTTPS and not request.is_secure():
            raise Problem(403, "Use https. A token sent over http is not safe.")
        # Read now: it is kept, so that Idempotency-Key can compare it later.
        _ = request._request.body
        caller = cast("Caller | None", request.user)
        if caller is None:
            raise NotAuthenticated(
                "Send an API token as Authorization: Bearer kwa_… Generate one under "
                "Administration, API tokens."
            )
        self.caller = caller
        self._count()
        method = cast("str", request.method)
        if method not in self.permissions:
            self.http_method_not_allowed(request)
        needed = self.permissions[method]
        if needed is not None:
            self.require(needed, request)

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that the answer to another one names."""
        return sorted(self.permissions)

    @property
    def workspace(self) -> Workspace:
        """The tenant of the request."""
        return self.caller.workspace

    @property
    def person(self) -> User:
        """In whose name things are done."""
        return self.caller.user

    def refuse_unconfirmed(self, action: Action, subject: Subject) -> None:
        """Refuse a browser what the portal does only after a confirmation.

        A token was confirmed when it was made. Raises Problem.
        """
        is_session = self.caller.token is None
        if is_session and confirmable.is_needed(self.workspace, action, subject):
            raise Problem(
                403,
                "This needs you to confirm your identity. Do it on its page in the "
                "portal, or call with an API token.",
            )

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an error as a problem, with the challenge of a 401."""
        response = response_for(exc)
        if response.status_code == 401:
            response["WWW-Authenticate"] = 'Bearer realm="api"'
        if isinstance(exc, Problem) and exc.retry_after:
            response["Retry-After"] = str(exc.retry_after)
        response.exception = True
        return response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Add what every answer carries."""
        caller = getattr(self, "caller", None)
        if caller is not None:
            # The middleware knows people, not callers.
            request._request.user = caller.user
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        for name, value in getattr(self, "limit_headers", {}).items():
            answer[name] = value
        return answer

    def require(self, permission: Permission, request: Request) -> None:
        """Refuse who may not, and write that down. Raises Problem."""
        if self.caller.may(permission):
            return
        note_refusal(
            permission, workspace=self.workspace, actor=self.person, path=request.path
        )
        raise Problem(
            403, f"This needs {permission}, of the role and of the token's scopes."
        )

    def _count(self) -> None:
        """Take one request of the caller. Raises Problem 429."""
        rate, burst = settings.KEYWAY_API_RATE, settings.KEYWAY_API_BURST
        if not rate:
            return
        allowance = RATE_LIMIT.take(self.caller.key, rate=rate, burst=burst)
        window = -(-burst // rate)
        self.limit_headers = {
            "RateLimit-Policy": f'"default";q={burst};w={window}',
            "RateLimit": f'"default";r={allowance.left};t={allowance.full_in}',
        }
        if allowance.wait:
            raise Problem(
                429,
                f"Too many requests. Try again in {allowance.wait} s.",
                retry_after=allowance.wait,
            )
