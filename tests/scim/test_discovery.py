"""`/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`. RFC 7644 section 4."""

from __future__ import annotations

from typing import Any

import pytest

from scim.protocol.schema import MAX_RESULTS
from tests.conftest import ScimClient
from tests.scim.urns import ENTERPRISE, GROUP, LIST, USER


def test_service_provider_config_says_what_is_served(scim: ScimClient) -> None:
    body = scim.get("/ServiceProviderConfig").body

    assert body["patch"]["supported"] is True
    assert body["filter"] == {"supported": True, "maxResults": MAX_RESULTS}
    assert body["sort"]["supported"] is True
    assert body["etag"]["supported"] is True
    assert body["changePassword"]["supported"] is False
    assert [s["type"] for s in body["authenticationSchemes"]] == ["oauthbearertoken"]


def test_bulk_is_offered_or_not_as_the_config_says(scim: ScimClient) -> None:
    supported = scim.get("/ServiceProviderConfig").body["bulk"]["supported"]

    answer = scim.post("/Bulk", {"Operations": []})

    assert (answer.status != 501) == supported


@pytest.mark.parametrize("endpoint", ["ResourceTypes", "Schemas"])
def test_list_of_documents_is_a_list_response(endpoint: str, scim: ScimClient) -> None:
    body = scim.get(f"/{endpoint}").body

    assert body["schemas"] == [LIST]
    assert body["totalResults"] == body["itemsPerPage"] == len(body["Resources"])


@pytest.mark.parametrize("endpoint", ["ResourceTypes", "Schemas"])
def test_each_document_is_at_its_location(endpoint: str, scim: ScimClient) -> None:
    for document in scim.get(f"/{endpoint}").resources:
        location = document["meta"]["location"]
        assert location == f"{scim.directory.base_url}/{endpoint}/{document['id']}"
        path = location.removeprefix(scim.directory.base_url)
        assert scim.get(path).body == document


def test_resource_types_name_endpoint_and_extension(scim: ScimClient) -> None:
    types = {t["name"]: t for t in scim.get("/ResourceTypes").resources}

    assert (types["User"]["endpoint"], types["User"]["schema"]) == ("/Users", USER)
    assert (types["Group"]["endpoint"], types["Group"]["schema"]) == ("/Groups", GROUP)
    [extension] = types["User"]["schemaExtensions"]
    assert extension == {"schema": ENTERPRISE, "required": False}


def attributes(scim: ScimClient, urn: str) -> dict[str, dict[str, Any]]:
    """Return the attributes of a schema by name."""
    return {a["name"]: a for a in scim.get(f"/Schemas/{urn}").body["attributes"]}


@pytest.mark.parametrize(
    ("urn", "names"),
    [
        (
            USER,
            "userName name displayName nickName profileUrl title userType "
            "preferredLanguage locale timezone active password emails phoneNumbers "
            "ims photos addresses groups entitlements roles x509Certificates",
        ),
        (GROUP, "displayName members"),
        (
            ENTERPRISE,
            "employeeNumber costCenter organization division department manager",
        ),
    ],
    ids=["User", "Group", "EnterpriseUser"],
)
def test_schema_lists_every_attribute_of_the_rfc(
    urn: str, names: str, scim: ScimClient
) -> None:
    assert set(attributes(scim, urn)) == set(names.split())


def test_schema_says_how_user_name_behaves(scim: ScimClient) -> None:
    user_name = attributes(scim, USER)["userName"]

    assert user_name["required"] is True
    assert user_name["caseExact"] is False
    assert user_name["uniqueness"] == "server"


def test_schema_says_that_a_password_is_never_returned(scim: ScimClient) -> None:
    password = attributes(scim, USER)["password"]

    assert (password["mutability"], password["returned"]) == ("writeOnly", "never")


def test_schema_says_that_groups_are_read_only(scim: ScimClient) -> None:
    assert attributes(scim, USER)["groups"]["mutability"] == "readOnly"


@pytest.mark.parametrize(
    "path",
    [
        "/Schemas/urn:example:nope",
        "/ResourceTypes/Nope",
        "/ServiceProviderConfig/x",
        "/Schema",
    ],
)
def test_document_that_does_not_exist_is_404(path: str, scim: ScimClient) -> None:
    assert scim.get(path).status == 404


@pytest.mark.parametrize(
    "endpoint", ["ServiceProviderConfig", "ResourceTypes", "Schemas"]
)
def test_filter_on_discovery_is_403(endpoint: str, scim: ScimClient) -> None:
    assert scim.get(f"/{endpoint}", filter='id eq "x"').status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", f"/Schemas/{USER}"]
)
def test_discovery_cannot_be_changed(path: str, method: str, scim: ScimClient) -> None:
    assert scim.request(method, path, {}).status == 405


@pytest.mark.parametrize("endpoint", ["Users", "ServiceProviderConfig", "Schemas"])
def test_trailing_slash_makes_no_difference(endpoint: str, scim: ScimClient) -> None:
    assert scim.get(f"/{endpoint}/").text == scim.get(f"/{endpoint}").text
