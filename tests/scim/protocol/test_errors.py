"""The body of an error. RFC 7644 section 3.12."""

from __future__ import annotations

import pytest

from scim.protocol import errors
from scim.protocol.errors import ScimError, error_document

TABLE_9 = {
    "invalidFilter": 400,
    "tooMany": 400,
    "uniqueness": 409,
    "mutability": 400,
    "invalidSyntax": 400,
    "invalidPath": 400,
    "noTarget": 400,
    "invalidValue": 400,
    "invalidVers": 400,
    "sensitive": 403,
    "invalidCursor": 400,  # RFC 9865
    "expiredCursor": 400,
    "invalidCount": 400,
}


def test_every_scim_type_of_the_rfc_is_an_error() -> None:
    kinds = {kind.scim_type: kind.status for kind in ScimError.__subclasses__()}
    kinds.pop(None, None)

    assert kinds == TABLE_9


def test_status_is_a_string_in_the_body() -> None:
    assert error_document(404, "Gone.")["status"] == "404"


def test_scim_type_is_left_out_where_there_is_none() -> None:
    assert "scimType" not in error_document(404, "Gone.")


def test_body_names_its_schema_and_scim_type() -> None:
    assert error_document(409, "Taken.", "uniqueness") == {
        "schemas": [errors.ERROR_URN],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "Taken.",
    }


@pytest.mark.parametrize("kind", ScimError.__subclasses__())
def test_error_carries_its_detail(kind: type[ScimError]) -> None:
    assert kind("Because.").detail == str(kind("Because.")) == "Because."
