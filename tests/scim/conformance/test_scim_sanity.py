"""scim-sanity, a second published judge, over HTTP, in its strict mode."""

from __future__ import annotations

import pytest
from pytest_django.live_server_helper import LiveServer
from scim_sanity.probe.runner import run_probe_api

from tests import factories
from workspaces.models import Directory


@pytest.mark.django_db(transaction=True)
def test_no_check_of_the_published_probe_fails(
    directory: Directory, live_server: LiveServer
) -> None:
    token = factories.issue_token(directory).plaintext

    found = run_probe_api(f"{live_server.url}{directory.path}", token, strict=True)

    results = found["results"]
    failing = {
        r["name"]: r.get("message")
        for r in results
        if r["status"] not in {"pass", "skip"}
    }
    assert failing == {}
    assert sum(r["status"] == "pass" for r in results) > 20
