"""Attack cases of the protocol, by id: paths, verbs, headers, lengths, failures."""

from __future__ import annotations

import gzip
import logging

import pytest
from django.db import DataError, InterfaceError, OperationalError

from scim import records
from scim.models import Change
from tests.conftest import ScimClient
from tests.scim.test_errors import assert_is_scim_error
from tests.scim.test_gate import call
from tests.scim.urns import NO_ID


@pytest.mark.parametrize(
    "path", ["/SCIM/{key}/v2/Users", "//scim/{key}/v2/Users", "/scim;x/{key}/v2/Users"]
)
@pytest.mark.django_db
def test_sci_01_spelling_around_the_gate_reaches_no_data(
    path: str, scim: ScimClient
) -> None:
    scim.add_user("ann.needle")
    url = path.format(key=scim.directory.key)

    answer = scim.client.get(url, headers={"authorization": f"Bearer {scim.token}"})

    assert answer.status_code in {301, 302, 401, 404}
    assert b"needle" not in answer.content


ENDPOINTS = [
    "",
    "/",
    "/Users",
    f"/Users/{NO_ID}",
    "/Users/.search",
    "/Groups",
    "/.search",
    "/Bulk",
    "/Me",
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/Schemas",
    "/%55sers",
    "//Users",
    "/./Users",
    "/x/../Users",
    "/Users;a=b",
    "/Users.json",
    "/Users%2F",
    "/Users/%2e",
    "/users",
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_sci_01_without_a_token_no_endpoint_answers(
    path: str, method: str, scim: ScimClient
) -> None:
    scim.add_user("ann.needle")
    before = Change.objects.count()

    for token in ("", "x", scim.token[:-1]):
        answer = scim.request(method, path, {}, authorization=f"Bearer {token}")
        assert answer.status == 401, answer.text
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "needle" not in answer.text
    assert Change.objects.count() == before


def test_sci_16_a_filter_is_in_no_record_and_no_log(
    scim: ScimClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    records._waiting.clear()
    scim.add_user("ann.needle")
    records._waiting.clear()

    found = scim.get("/Users", filter='userName eq "ann.needle"')
    scim.get("/Users", filter='nope eq "ann.needle"')
    scim.get("/Nope", filter='userName eq "ann.needle"')
    searched = scim.post("/Users/.search", {"filter": 'userName eq "ann.needle"'})

    assert found.resources == searched.resources != []
    kept = [vars_of for vars_of in records._waiting if vars_of["method"] == "GET"]
    assert len(kept) == 3
    assert "needle" not in str(kept)
    logged = [r for r in caplog.records if not r.name.startswith("django.db")]
    assert "needle" not in str([(r.getMessage(), r.args) for r in logged])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/Users"),
        ("PATCH", "/Users"),
        ("DELETE", "/Users"),
        ("DELETE", "/Groups"),
        ("POST", f"/Users/{NO_ID}"),
        ("GET", "/Users/.search"),
        ("DELETE", "/Users/.search"),
        ("GET", "/Bulk"),
        ("HEAD", "/Users"),
        ("OPTIONS", "/Users"),
        ("TRACE", "/Users"),
        ("CONNECT", "/Users"),
        ("PURGE", "/Users"),
        ("FOO", "/Users"),
    ],
)
def test_sci_24_method_that_is_not_offered_is_405_with_allow(
    method: str, path: str, scim: ScimClient
) -> None:
    user = scim.add_user()

    answer = scim.request(method, path, {} if method != "TRACE" else None)

    assert answer.status == 405
    assert answer.headers["Allow"]
    assert method not in answer.headers["Allow"].split(", ")
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
)
def test_sci_24_method_cannot_be_overridden(header: str, scim: ScimClient) -> None:
    user = scim.add_user()

    scim.request("GET", f"/Users/{user['id']}", **{header: "DELETE"})
    scim.request("GET", f"/Users/{user['id']}?_method=DELETE")

    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "path",
    [
        f"/Users/{NO_ID}",
        f"/Groups/{NO_ID}",
        "/Users/1",
        "/Users/nope",
        "/Users/%00",
        "/Users/%0A",
        "/Users/%20",
        "/Users/..%2F..%2Fadmin",
        "/Users/%2e%2e",
        "/Users/%F0%9F%92%A9",
        "/Users/%ED%A0%80",
        "/Users/" + "x" * 900,
        "/Users/" + "x" * 5_000,
        "/users",
        "/USERS",
        "/Users.json",
        "/Nope",
        "/Users/x/y",
        "//Users",
        "/../v2/Users",
        "/v2/Users",
        "/Users%0A",
        "/Users%00",
    ],
)
def test_sci_25_path_to_nothing_is_404(path: str, scim: ScimClient) -> None:
    answer = scim.get(path)

    assert answer.status == 404
    assert_is_scim_error(answer)


@pytest.mark.parametrize("ending", ["%20", "%00", "%0A", ".json", "%2Fx", "/x"])
def test_sci_25_id_has_no_alias(ending: str, scim: ScimClient) -> None:
    user = scim.add_user()

    assert scim.get(f"/Users/{user['id']}{ending}").status == 404


def test_sci_25_user_is_not_at_groups(scim: ScimClient) -> None:
    user = scim.add_user()

    assert scim.get(f"/Groups/{user['id']}").status == 404


def test_sci_26_body_of_line_breaks_splits_no_header(scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann\r\nX-Evil: 1"})

    assert answer.status == 400
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/Users/%0AInjected", "/Users/%0D%0AX-Evil:%201", "/Nope%0AInjected"]
)
def test_sci_26_line_breaks_in_a_path_make_no_second_line(
    path: str, scim: ScimClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    answer = scim.get(path)

    assert answer.status == 404
    assert "X-Evil" not in answer.headers
    lines = [r.getMessage() for r in caplog.records if "Injected" in r.getMessage()]
    assert not any("\n" in line or "\r" in line for line in lines)


def test_sci_26_line_breaks_in_a_value_are_data(scim: ScimClient) -> None:
    value = "a\r\nX-Evil: 1\r\n\r\n{}"

    answer = scim.post("/Users", {"userName": "ann", "externalId": value})

    assert (answer.status, answer.body["externalId"]) == (201, value)
    assert not any("\n" in f"{k}{v}" for k, v in answer.headers.items())


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/scim",
        "application/json-patch+json",
        "application/scim+json; charset=utf-16",
        "application/json; charset=latin-1",
        "",
        "nonsense",
    ],
)
def test_sci_27_wrong_media_type_is_415(content_type: str, scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann"}, content_type=content_type)

    assert answer.status == 415
    assert_is_scim_error(answer)
    assert scim.get("/Users").body["totalResults"] == 0


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html", "application/xml", "", "image/png;q=0.1", "nonsense"]
)
def test_sci_27_answer_is_scim_json_whatever_is_accepted(
    accept: str, scim: ScimClient
) -> None:
    answer = scim.request("GET", "/Users", accept=accept)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/scim+json"


@pytest.mark.parametrize("path", ["/Users", "/Nope", "/Users/x"])
def test_sci_27_answer_is_not_sniffed_not_stored_and_sets_no_cookie(
    path: str, scim: ScimClient
) -> None:
    headers = scim.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not {"Set-Cookie", "Access-Control-Allow-Origin"} & headers.keys()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_sci_27_encoded_body_is_415(encoding: str, scim: ScimClient) -> None:
    body = gzip.compress(b'{"userName":"ann"}' + b" " * 1_000_000)

    answer = scim.request("POST", "/Users", raw=body, content_encoding=encoding)

    assert answer.status == 415
    assert_is_scim_error(answer)


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
def test_sci_30_length_that_is_not_the_bodys_is_refused(
    length: str, status: int, scim: ScimClient
) -> None:
    answer = call(scim, b'{"userName":"a"}x', CONTENT_LENGTH=length)

    assert answer.status_code == status
    assert scim.get("/Users").body["totalResults"] == 0


def test_sci_30_body_without_a_length_is_411(scim: ScimClient) -> None:
    answer = call(
        scim,
        b'{"userName":"a"}',
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
    )

    assert answer.status_code == 411


def test_sci_36_unexpected_failure_is_a_plain_500(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("s3cret detail of a lower layer")

    monkeypatch.setattr("scim.queries.search", fail)

    answer = scim.get("/Users")

    assert answer.status == 500
    assert "s3cret" not in answer.text
    assert_is_scim_error(answer)
    assert "scim_unexpected_error" in caplog.text


def test_sci_36_busy_database_is_503_with_retry_after(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("scim.queries.search", fail)

    answer = scim.get("/Users")

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "locked" not in answer.text
    assert_is_scim_error(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyError("s3cret"), 500),
        (RecursionError("s3cret"), 500),
        (UnicodeEncodeError("utf-8", "s3cret", 0, 1, "s3cret"), 500),
        (DataError("s3cret in SELECT"), 503),
        (OperationalError("s3cret"), 503),
        (InterfaceError("s3cret"), 503),
    ],
    ids=lambda case: type(case).__name__,
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_sci_36_failure_of_a_write_is_a_scim_error_and_nothing_is_written(
    method: str,
    error: Exception,
    status: int,
    scim: ScimClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = scim.add_user("ann")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("scim.services._announce", fail)
    body = {"userName": "bob", "Operations": [{"op": "remove", "path": "userName"}]}
    body["Operations"] = [{"op": "add", "path": "title", "value": "T"}]

    path = "/Users" if method == "POST" else f"/Users/{user['id']}"
    answer = scim.request(method, path, body)

    assert answer.status == status
    assert "s3cret" not in answer.text
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]
