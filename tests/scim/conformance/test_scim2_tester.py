"""The published SCIM test suite, in-process over WSGI: no result may fail."""

from __future__ import annotations

import pytest
from django.core.wsgi import get_wsgi_application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests import factories
from workspaces.models import Directory

# A WSGI application closes connections that are in the middle of a transaction.
pytestmark = pytest.mark.django_db(transaction=True)

FAILING = {Status.DEVIATION, Status.ERROR, Status.CRITICAL}


@pytest.fixture
def client(directory: Directory) -> WSGISCIMClient:
    token = factories.issue_token(directory).plaintext
    return WSGISCIMClient(
        get_wsgi_application(),
        base_url=directory.base_url,
        headers={"Authorization": f"Bearer {token}"},
    )


def test_no_check_of_the_published_suite_fails(client: WSGISCIMClient) -> None:
    # It can only check what it can make; roles and entitlements are the app's.
    results = check_server(client, resource_types=["User", "Group"])

    failing = [
        f"{result.status.name} {result.title}: {result.reason}"
        for result in results
        if result.status in FAILING
    ]
    assert failing == []
    done = [r for r in results if r.status is not Status.SKIPPED]
    assert {r.resource_type for r in done} >= {"User", "Group"}
    assert len(done) > 50
