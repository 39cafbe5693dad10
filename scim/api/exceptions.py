"""Turn any error under /scim/ into a SCIM Error: RFC 7644 section 3.12."""

from __future__ import annotations

import orjson
import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException

from scim.protocol.errors import ScimError, error_document

MEDIA_TYPE = "application/scim+json"
log = structlog.get_logger(__name__)


class Quarantined(APIException):
    """Somebody lets the writes of this connection wait."""

    status_code = 503
    default_detail = (
        "This connection is in quarantine: reads go on, writes wait. Send this again "
        "later. An administrator can end the quarantine in Keyway."
    )
    wait = 300
    """Seconds."""


def error_response(
    status: int, detail: str, scim_type: str | None = None
) -> HttpResponse:
    """Return a SCIM Error."""
    body = orjson.dumps(error_document(status, detail, scim_type))
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE)


def response_for(error: Exception, request: HttpRequest) -> HttpResponse:
    """Return the answer to an error that a view raised.

    The unexpected says nothing of what lies below; the log has the traceback.
    """
    if isinstance(error, ScimError):
        error.note()
        return error_response(error.status, error.detail, error.scim_type)
    if isinstance(error, APIException):
        return _framework_error(error)
    if isinstance(error, SuspiciousOperation):
        return error_response(400, "The request has too many query parameters.")
    if isinstance(error, DatabaseError | InterfaceError):
        log.error("scim_database_unavailable", exc_info=error)
        response = error_response(503, "The database is busy. Try again shortly.")
        response["Retry-After"] = "5"
        return response
    log.error("scim_unexpected_error", exc_info=error)
    return error_response(
        500, "Keyway failed in an unexpected way. The request was not carried out."
    )


def _framework_error(error: APIException) -> HttpResponse:
    detail = (
        error.detail if isinstance(error.detail, str) else str(error.default_detail)
    )
    response = error_response(error.status_code, detail)
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(wait)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response
