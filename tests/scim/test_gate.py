"""Limits before anything of a request is read."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client

from scim.api import gate
from scim.api.gate import ScimGate
from tests.conftest import ScimClient
from tests.scim.test_errors import assert_is_scim_error


def call(scim: ScimClient, body: bytes, **environ: Any) -> Any:
    """Send a request whose environment a test client would not make."""
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"{scim.directory.path}/Users",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {scim.token}",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            **environ,
        }
    )
    return ScimGate(lambda _: pytest.fail("left the gate"))(request)


def test_every_answer_has_a_request_id_of_its_own(scim: ScimClient) -> None:
    ids = {
        scim.get(path).headers["X-Request-Id"] for path in ("/Users", "/Nope", "/Me")
    }

    assert len(ids) == 3


def test_body_at_the_limit_is_read(scim: ScimClient, settings: Any) -> None:
    body = b'{"userName":"ann"}'
    settings.KEYWAY_SCIM_MAX_BODY_BYTES = len(body)

    assert scim.request("POST", "/Users", raw=body).status == 201


def test_body_over_the_limit_is_413(scim: ScimClient, settings: Any) -> None:
    body = b'{"userName":"ann"}'
    settings.KEYWAY_SCIM_MAX_BODY_BYTES = len(body) - 1

    answer = scim.request("POST", "/Users", raw=body)

    assert answer.status == 413
    assert_is_scim_error(answer)


def test_body_over_the_limit_costs_no_reading(scim: ScimClient) -> None:  # AVL-01
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            pytest.fail("the body was read")

    answer = call(scim, b"", CONTENT_LENGTH="10000000000", **{"wsgi.input": Unread()})

    assert answer.status_code == 413


def test_long_query_is_414_and_points_to_search(scim: ScimClient) -> None:
    query = "x" * (gate.MAX_QUERY_LENGTH + 1)

    answer = scim.request("GET", f"/Users?filter={query}")

    assert answer.status == 414
    assert ".search" in answer.body["detail"]


def test_long_path_is_404(scim: ScimClient) -> None:
    assert scim.get("/Users/" + "x" * gate.MAX_PATH_LENGTH).status == 404


def test_plain_http_is_refused_and_not_redirected(
    scim: ScimClient, settings: Any
) -> None:  # CRY-09
    settings.HTTPS = True

    answer = scim.get("/Users")

    assert answer.status == 403
    assert_is_scim_error(answer)


@pytest.mark.parametrize("path", ["/scim/", "/scim/x", "/scim//v2/Users", "/scim/_/v2"])
def test_path_below_scim_without_a_directory_is_a_scim_404(path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code in {401, 404}
    assert answer["Content-Type"] == "application/scim+json"


def test_limit_above_djangos_own_is_a_limit_too(
    scim: ScimClient, settings: Any
) -> None:
    settings.KEYWAY_SCIM_MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 2
    body = b'{"userName":"ann"}' + b" " * settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    assert scim.request("POST", "/Users", raw=body).status in {201, 413}


@pytest.mark.django_db
def test_other_paths_pass_the_gate(client: Client) -> None:
    assert client.get("/login/").status_code == 200
