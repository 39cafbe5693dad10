"""Limits before anything of a request is read."""

from __future__ import annotations

import gzip
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


@pytest.mark.parametrize("path", ["/Users", "/Nope", "/Users/x"])
def test_answer_is_not_sniffed_not_stored_and_sets_no_cookie(
    path: str, scim: ScimClient
) -> None:  # SCI-27
    headers = scim.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not {"Set-Cookie", "Access-Control-Allow-Origin"} & headers.keys()


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


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("18", 400),
        ("1000", 400),
        ("-1", 400),
        ("x", 400),
        ("1e3", 400),
        ("+17", 400),
        ("9" * 5_000, 400),
    ],
)
def test_length_that_is_not_the_bodys_is_refused(
    length: str, status: int, scim: ScimClient
) -> None:  # SCI-30
    answer = call(scim, b'{"userName":"a"}x', CONTENT_LENGTH=length)

    assert answer.status_code == status
    assert scim.get("/Users").body["totalResults"] == 0


def test_body_without_a_length_is_411(scim: ScimClient) -> None:
    answer = call(
        scim,
        b'{"userName":"a"}',
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
    )

    assert answer.status_code == 411


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_encoded_body_is_415(encoding: str, scim: ScimClient) -> None:
    body = gzip.compress(b'{"userName":"ann"}' + b" " * 1_000_000)

    answer = scim.request("POST", "/Users", raw=body, content_encoding=encoding)

    assert answer.status == 415
    assert_is_scim_error(answer)


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


@pytest.mark.parametrize(
    "path", ["/SCIM/{key}/v2/Users", "//scim/{key}/v2/Users", "/scim;x/{key}/v2/Users"]
)
@pytest.mark.django_db
def test_spelling_around_the_gate_reaches_no_data(
    path: str, scim: ScimClient
) -> None:  # SCI-01
    scim.add_user("ann.needle")
    url = path.format(key=scim.directory.key)

    answer = scim.client.get(url, headers={"authorization": f"Bearer {scim.token}"})

    assert answer.status_code in {301, 302, 401, 404}
    assert b"needle" not in answer.content


def test_limit_above_djangos_own_is_a_limit_too(
    scim: ScimClient, settings: Any
) -> None:
    settings.KEYWAY_SCIM_MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 2
    body = b'{"userName":"ann"}' + b" " * settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    assert scim.request("POST", "/Users", raw=body).status in {201, 413}


@pytest.mark.django_db
def test_other_paths_pass_the_gate(client: Client) -> None:
    assert client.get("/login/").status_code == 200
