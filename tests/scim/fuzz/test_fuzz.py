"""Nothing that fits the schemas, and nothing near it, makes an endpoint fail.

Requests are made from the server's own discovery, so a new attribute or resource
type is covered without a change here.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Answer, ScimClient
from tests.scim.fuzz import strategies
from tests.scim.fuzz.strategies import Endpoint

EXAMPLES = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
KINDS = ["/Users", "/Groups", "/Roles", "/Entitlements"]
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture
def endpoints(scim: ScimClient) -> dict[str, Endpoint]:
    return {e.path: e for e in strategies.endpoints(lambda path: scim.get(path).body)}


@pytest.fixture
def stored(scim: ScimClient) -> dict[str, str]:
    """Store something of each kind that an IdP may create; return the ids."""
    user = scim.add_user(
        "ann",
        name={"familyName": "Z", "formatted": "Ann Z"},
        emails=[{"value": "a@x.test", "type": "work", "primary": True}],
        phoneNumbers=[{"value": "1", "type": "work"}],
        title="t",
    )
    group = scim.add_group("one", user["id"])
    return {"/Users": user["id"], "/Groups": group["id"]}


def check(answer: Answer, request: Any) -> None:
    """Refuse what is no answer of a SCIM server."""
    # 501 is what /Me says, always.
    assert answer.status < 500 or answer.status == 501, (request, answer.text)
    if answer.status >= 400:
        assert answer.body["schemas"] == [ERROR], request
        assert answer.body["status"] == str(answer.status), request
        assert answer.body["detail"], request
        assert answer.headers["Content-Type"] == "application/scim+json", request


def sent(scim: ScimClient, method: str, path: str, body: Any) -> Answer:
    """Send a request and take back what it did."""
    with transaction.atomic():
        answer = scim.request(method, path, body)
        check(answer, (method, path, body))
        if answer.status < 300 and answer.body.get("id"):
            check(scim.get(f"/{path.split('/')[1]}/{answer.body['id']}"), body)
        transaction.set_rollback(True)
    return answer


def of(endpoints: dict[str, Endpoint], kind: str) -> Endpoint:
    if kind not in endpoints:
        pytest.skip(f"{kind} is not served.")
    return endpoints[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_any_body_is_taken_or_refused(
    kind: str,
    scim: ScimClient,
    endpoints: dict[str, Endpoint],
    stored: dict[str, str],
) -> None:
    endpoint = of(endpoints, kind)
    statuses = set()

    @EXAMPLES
    @given(strategies.body(endpoint), st.booleans())
    def each(body: Any, replaces: bool) -> None:
        if replaces and kind in stored:
            statuses.add(sent(scim, "PUT", f"{kind}/{stored[kind]}", body).status)
        else:
            statuses.add(sent(scim, "POST", kind, body).status)

    each()

    assert not stored.get(kind) or statuses & {200, 201}


@pytest.mark.parametrize("kind", KINDS)
def test_any_patch_is_taken_or_refused(
    kind: str,
    scim: ScimClient,
    endpoints: dict[str, Endpoint],
    stored: dict[str, str],
) -> None:
    endpoint = of(endpoints, kind)
    statuses = set()

    @EXAMPLES
    @given(strategies.patch(endpoint))
    def each(body: Any) -> None:
        path = f"{kind}/{stored.get(kind, 'none')}"
        statuses.add(sent(scim, "PATCH", path, body).status)

    each()

    assert not stored.get(kind) or statuses & {200, 204}


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_any_search_is_answered_or_refused(
    kind: str,
    scim: ScimClient,
    endpoints: dict[str, Endpoint],
    stored: dict[str, str],
) -> None:
    endpoint = of(endpoints, kind or "/Users")
    statuses = set()

    @EXAMPLES
    @given(strategies.search(endpoint), st.booleans())
    def each(query: Any, in_body: bool) -> None:
        if in_body:
            answer = sent(scim, "POST", f"{kind}/.search", query)
        else:
            answer = sent(scim, "GET", f"{kind}?{urlencode(query)}", None)
        statuses.add(answer.status)

    each()

    assert statuses == {200, 400}


def test_any_bulk_request_is_answered_or_refused(
    scim: ScimClient, endpoints: dict[str, Endpoint], stored: dict[str, str]
) -> None:
    user = endpoints["/Users"]
    paths = ["/Users", f"/Users/{stored['/Users']}", "/Groups", "/Users/bulkId:a", "/x"]
    operation = st.fixed_dictionaries(
        {"method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET", 5])},
        optional={
            "path": st.sampled_from(paths) | strategies.ANYTHING,
            "bulkId": st.sampled_from(["a", "b"]) | strategies.ANYTHING,
            "data": strategies.body(user)
            | strategies.patch(user)
            | strategies.ANYTHING,
            "version": strategies.ANYTHING,
        },
    )

    @EXAMPLES
    @given(st.lists(operation, max_size=3), strategies.ANYTHING)
    def each(operations: Any, fail_on_errors: Any) -> None:
        body = {"Operations": operations, "failOnErrors": fail_on_errors}
        answer = sent(scim, "POST", "/Bulk", body)
        for done in answer.body.get("Operations", []):
            assert int(done["status"]) < 500, body

    each()


@pytest.mark.parametrize(
    "path",
    ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Me", "/Bulk", "/nope"],
)
def test_any_body_and_method_at_the_other_endpoints(
    path: str, scim: ScimClient, db: None
) -> None:
    @EXAMPLES
    @given(
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"]),
        st.one_of(strategies.ANYTHING.map(json.dumps), strategies.TEXTS),
    )
    def each(method: str, text: str) -> None:
        raw = text.encode(errors="surrogatepass")
        check(scim.request(method, path, raw=raw), (method, text))

    each()
