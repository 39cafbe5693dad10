"""SCIM errors: RFC 7644 section 3.12, tables 8 and 9, and RFC 9865.

    ScimError
    ├── InvalidFilter  TooMany  Uniqueness  Mutability  InvalidSyntax  InvalidPath
    ├── NoTarget  InvalidValue  InvalidVersion  Sensitive  InvalidCursor  ExpiredCursor
    └── NotFound  PreconditionFailed  PayloadTooLarge  NotImplementedHere  Forbidden
        TookTooLong  RefusedByApp

`detail` names the attribute or the place and says what would be accepted. It
never quotes a stored value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pydantic import ValidationError
from scim2_models import Error, SCIMException

from scim.protocol.types import Document

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """An answer that is an error. Subclasses are the rows of the tables.

    A receiver of `resource_changed` raises one to refuse the write. `afterwards` is
    called when the write is undone: what is to be remembered of the refusal.
    """

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    def __init__(
        self, detail: str, *, afterwards: Callable[[], None] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.afterwards = afterwards

    def note(self) -> None:
        """Remember the refusal, once its write is undone."""
        if self.afterwards is not None:
            self.afterwards()


class RefusedByApp(ScimError):
    """The change is stored, and the app behind the directory does not take it."""


class InvalidFilter(ScimError):
    """The filter is malformed, or compares what cannot be compared."""

    scim_type = "invalidFilter"


class TooMany(ScimError):
    """The filter yields more than the server is willing to work through."""

    scim_type = "tooMany"


class Uniqueness(ScimError):
    """A value that must be unique in the directory is taken."""

    status = 409
    scim_type = "uniqueness"


class Mutability(ScimError):
    """The attribute cannot be changed in this way."""

    scim_type = "mutability"


class InvalidSyntax(ScimError):
    """The body is not what the operation takes."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """The path of a PATCH operation is malformed or names nothing."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """The path of a PATCH operation selects no value."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing, or does not fit its attribute."""

    scim_type = "invalidValue"


class InvalidVersion(ScimError):
    """The protocol version is not supported."""

    scim_type = "invalidVers"


class InvalidCursor(ScimError):
    """The cursor is none of this query's. RFC 9865 section 2.1."""

    scim_type = "invalidCursor"


class InvalidCount(ScimError):
    """The `count` is no integer. RFC 9865 section 2.1."""

    scim_type = "invalidCount"


class ExpiredCursor(ScimError):
    """The cursor was good, and is too old now."""

    scim_type = "expiredCursor"


class Sensitive(ScimError):
    """The request would put personal data into the URI."""

    status = 403
    scim_type = "sensitive"


class NotFound(ScimError):
    """There is no such resource or endpoint in this directory."""

    status = 404


class PreconditionFailed(ScimError):
    """The resource has another version than the request expects."""

    status = 412


class PayloadTooLarge(ScimError):
    """The body is longer than the server accepts."""

    status = 413


class TookTooLong(ScimError):
    """An operation of a bulk request whose time is up."""

    status = 503


class NotImplementedHere(ScimError):
    """The operation is part of SCIM, but not of this service provider."""

    status = 501


class Forbidden(ScimError):
    """The operation is known and not allowed here."""

    status = 403


_BY_TYPE: dict[str, type[ScimError]] = {
    error.scim_type: error
    for error in ScimError.__subclasses__()
    if error.scim_type is not None
}
_BY_STATUS: dict[int, type[ScimError]] = {
    error.status: error
    for error in ScimError.__subclasses__()
    if error.scim_type is None
}


def from_library(error: SCIMException | ValidationError) -> ScimError:
    """Return the library's error as ours. Of several, the first tells."""
    if isinstance(error.__cause__, ValidationError):
        # The library would quote the other library's text, address and all.
        error = error.__cause__
    if isinstance(error, ValidationError):
        described = Error.from_validation_errors(error)[0]
    else:
        described = error.to_error()
    kind = _BY_TYPE.get(described.scim_type or "") or _BY_STATUS.get(
        described.status or 400, InvalidValue
    )
    return kind(described.detail or "The value does not fit its attribute.")


def error_document(status: int, detail: str, scim_type: str | None = None) -> Document:
    """Return the body of an error. Its status is a JSON string, as the RFC asks."""
    document: Document = {"schemas": [ERROR_URN], "status": str(status)}
    if scim_type:
        document["scimType"] = scim_type
    document["detail"] = detail
    return document
