"""Nothing that fits the schemas, and nothing near it, makes an endpoint fail.

Requests are made from the server's own discovery, so a new attribute or resource
type is covered without a change here. The directory has a user schema of its own.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim import services
from scim.models import Resource
from scim.protocol.user_schema import TYPES
from scim.served import provider_of
from tests.conftest import Answer, ScimClient
from tests.scim.fuzz import strategies
from tests.scim.fuzz.strategies import Endpoint
from workspaces.clock import database_now

EXAMPLES = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
KINDS = ["/Users", "/Groups", "/Roles", "/Entitlements"]
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture(autouse=True)
def own_user_schema(scim: ScimClient) -> None:
    """Give the directory an attribute of each type, one value and several."""
    scim.directory.user_schema = {
        "attributes": [
            {"name": f"{kind}{'s' * many}", "type": kind, "multiValued": bool(many)}
            for kind in TYPES
            for many in (0, 1)
        ]
    }
    scim.directory.save()


@pytest.fixture
def endpoints(scim: ScimClient) -> dict[str, Endpoint]:
    return {e.path: e for e in strategies.endpoints(lambda path: scim.get(path).body)}


@pytest.fixture
def stored(scim: ScimClient) -> dict[str, str]:
    """Store something of each kind; return the ids. Roles come from the app."""
    user = scim.add_user(
        "ann",
        name={"familyName": "Z", "formatted": "Ann Z"},
        emails=[{"value": "a@x.test", "type": "work", "primary": True}],
        phoneNumbers=[{"value": "1", "type": "work"}],
        title="t",
    )
    group = scim.add_group("one", user["id"])
    ids = {"/Users": user["id"], "/Groups": group["id"]}
    for name, schema in provider_of(scim.directory).resource_types.items():
        if schema.read_only:
            made = services.create(
                scim.directory,
                schema,
                {"displayName": name, "type": name},
                origin=services.Origin(source=Resource.Source.APP),
                now=database_now(),
            )
            ids[f"/{schema.endpoint}"] = made.public_id
    return ids


def check(answer: Answer, request: Any) -> None:
    """Refuse what is no answer of a SCIM server."""
    # 501 is what /Me says, always.
    assert answer.status < 500 or answer.status == 501, (request, answer.text)
    if answer.status >= 400:
        assert answer.body["schemas"] == [ERROR], request
        assert answer.body["status"] == str(answer.status), request
        assert answer.body["detail"], request
        assert answer.headers["Content-Type"] == "application/scim+json", request


def sent(scim: ScimClient, method: str, path: str, body: Any, **headers: str) -> Answer:
    """Send a request and take back what it did."""
    with transaction.atomic():
        answer = scim.request(method, path, body, **headers)
        check(answer, (method, path, body, headers))
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
        if replaces:
            statuses.add(sent(scim, "PUT", f"{kind}/{stored[kind]}", body).status)
        else:
            statuses.add(sent(scim, "POST", kind, body).status)

    each()

    assert statuses & ({403} if endpoint.read_only else {200, 201})


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
        path = f"{kind}/{stored[kind]}"
        statuses.add(sent(scim, "PATCH", path, body).status)

    each()

    assert statuses & ({403} if endpoint.read_only else {200, 204})


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


@pytest.mark.parametrize("kind", KINDS)
def test_any_header_and_parameter_of_a_resource_is_taken_or_refused(
    kind: str,
    scim: ScimClient,
    endpoints: dict[str, Endpoint],
    stored: dict[str, str],
) -> None:
    endpoint = of(endpoints, kind)
    statuses = set()
    body = {"userName": "ann", "displayName": "one"}
    change = {"Operations": [{"op": "replace", "value": {"displayName": "two"}}]}
    bodies = {"PUT": body, "PATCH": change, "POST": body}
    current = scim.get(f"{kind}/{stored[kind]}").headers["ETag"]

    @settings(EXAMPLES, max_examples=300)
    @given(
        st.sampled_from(["GET", "GET", "PUT", "PATCH", "DELETE", "POST"]),
        strategies.parameters(endpoint),
        strategies.headers(current),
    )
    def each(method: str, query: Any, headers: Any) -> None:
        path = kind if method == "POST" else f"{kind}/{stored[kind]}"
        answer = sent(
            scim, method, f"{path}?{urlencode(query)}", bodies.get(method), **headers
        )
        statuses.add(answer.status)

    each()

    assert statuses >= ({200, 304, 403} if endpoint.read_only else {200, 304, 412})


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_any_query_with_the_cursor_of_another_is_answered_or_refused(
    kind: str,
    scim: ScimClient,
    endpoints: dict[str, Endpoint],
    stored: dict[str, str],
) -> None:
    endpoint = of(endpoints, kind or "/Users")
    scim.add_user("bob")
    first = scim.get("/Users", cursor="", count=1).body["nextCursor"]
    scim_types = set()

    @EXAMPLES
    @given(strategies.search(endpoint), st.integers(0, len(first)), strategies.TEXTS)
    def each(query: Any, place: int, text: str) -> None:
        cursor = first[:place] + text[:1] + first[place:]
        for given_cursor in (first, cursor):
            answer = sent(
                scim, "POST", f"{kind}/.search", {**query, "cursor": given_cursor}
            )
            scim_types.add(answer.body.get("scimType"))

    each()

    assert "invalidCursor" in scim_types


@pytest.mark.parametrize("path", ["ServiceProviderConfig", "ResourceTypes", "Schemas"])
def test_any_document_and_parameter_of_discovery(
    path: str, scim: ScimClient, endpoints: dict[str, Endpoint]
) -> None:
    user = endpoints["/Users"]
    names = st.sampled_from(["", "User", user.urn, *user.extensions]) | strategies.TEXTS

    @EXAMPLES
    @given(names, strategies.parameters(user), strategies.headers('"1"'))
    def each(name: str, query: Any, headers: Any) -> None:
        place = f"/{path}/{quote(name.encode(errors='surrogatepass'))}"
        sent(scim, "GET", f"{place}?{urlencode(query)}", None, **headers)

    each()


def test_any_bulk_request_is_answered_or_refused(
    scim: ScimClient, endpoints: dict[str, Endpoint], stored: dict[str, str]
) -> None:
    user = endpoints["/Users"]
    group = endpoints["/Groups"]
    paths = ["/Users/bulkId:a", "/x", *KINDS]
    paths += [f"{kind}/{public_id}" for kind, public_id in stored.items()]
    operation = st.fixed_dictionaries(
        {"method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET", 5])},
        optional={
            "path": st.sampled_from(paths) | strategies.ANYTHING,
            "bulkId": st.sampled_from(["a", "b"]) | strategies.ANYTHING,
            "data": strategies.body(user)
            | strategies.body(group)
            | strategies.patch(user)
            | strategies.patch(group)
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
