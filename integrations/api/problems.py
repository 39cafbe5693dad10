"""Errors of the management API, as problem details: RFC 9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, InterfaceError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from integrations import configuration, job_acts, service_accounts
from integrations.models import WebhookEndpoint
from integrations.outside.origins import PasswordNeeded
from integrations.provisioning import undoing
from integrations.syncing import matching
from integrations.tasks import services as task_services
from integrations.webhooks import endpoints
from scim.schema_changes import StaleUserSchema
from tokens.errors import TokenError
from workspaces.errors import (
    MemberError,
    NoLongerAllowed,
    ReachesTooHigh,
    RoleTooHigh,
)
from workspaces.jobs import AlreadyEnded

MEDIA_TYPE = "application/problem+json"
NOT_ALLOWED = (RoleTooHigh, ReachesTooHigh, NoLongerAllowed)
"""What the services refuse because of who asks: the same again would be refused too."""
RULES = (
    TokenError,
    MemberError,
    AlreadyEnded,
    PasswordNeeded,
    configuration.NameTaken,
    configuration.OtherApp,
    job_acts.Refused,
    StaleUserSchema,
    undoing.NotNow,
    task_services.NotOpen,
    matching.Refused,
    endpoints.TooMany,
    endpoints.TurnedOff,
    service_accounts.InUse,
    service_accounts.NameTaken,
    service_accounts.NothingToCheck,
)
"""What else the services refuse. The texts are for people."""
_OF_DJANGO = (
    # Deleted after the call had found it.
    (WebhookEndpoint.DoesNotExist, 404, "This endpoint is deleted."),
    (Http404, 404, "There is nothing here that this caller may see."),
    (RequestDataTooBig, 413, "The body is larger than this API accepts."),
    (SuspiciousOperation, 400, "The request cannot be read."),
    (PermissionDenied, 403, "Your role does not allow this."),
)
log = structlog.get_logger(__name__)


class Problem(Exception):
    """A refusal with its status and a sentence that says what would be right."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        fields: dict[str, str] | None = None,
        retry_after: int = 0,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields = fields or {}
        self.retry_after = retry_after


def response_for(error: Exception) -> Response:
    """Return the answer to what a view raised.

    The unexpected says nothing of what lies below; the log has the traceback.
    """
    if isinstance(error, Problem):
        errors = [
            {"pointer": f"#/{name}", "detail": text}
            for name, text in error.fields.items()
        ]
        return problem(error.status, error.detail, errors)
    if isinstance(error, exceptions.APIException):
        return _framework_error(error)
    if isinstance(error, NOT_ALLOWED):
        return problem(403, str(error))
    if isinstance(error, RULES):
        return problem(409, str(error))
    for kind, status, detail in _OF_DJANGO:
        if isinstance(error, kind):
            return problem(status, detail)
    if isinstance(error, DatabaseError | InterfaceError):
        log.error("api_database_unavailable", exc_info=error)
        response = problem(503, "The database is busy. Try again shortly.")
        response["Retry-After"] = "5"
        return response
    log.error("api_unexpected_error", exc_info=error)
    return problem(500, "Keyway failed in an unexpected way. The log has the reason.")


def problem(
    status: int, detail: str, errors: list[dict[str, str]] | None = None
) -> Response:
    """Return a problem of no type of its own: the status says what kind it is."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, content_type=MEDIA_TYPE)


def _framework_error(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flat("#", error.detail))
        return problem(422, "Some fields are not right.", errors)
    detail = error.detail if isinstance(error.detail, str) else error.default_detail
    return problem(error.status_code, str(detail))


def _flat(pointer: str, detail: Any) -> Any:
    """Yield each message with the JSON pointer of what it is about."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            is_whole = name == "non_field_errors"
            yield from _flat(pointer if is_whole else f"{pointer}/{name}", inner)
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            is_text = isinstance(inner, str)
            yield from _flat(pointer if is_text else f"{pointer}/{number}", inner)
    else:
        yield {"pointer": pointer, "detail": str(detail)}
