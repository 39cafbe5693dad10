"""What the last requests say: who calls, how often, with which token."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from scim import recent, records
from scim.models import RequestRecord
from tests.conftest import ScimClient
from workspaces.models import Directory

NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """Forget what the requests of other tests left to be written."""
    records._waiting.clear()


def times(*minutes: float) -> list[datetime]:
    return [NOW - m * MINUTE for m in minutes]


@pytest.mark.parametrize(
    ("at", "gap"),
    [
        pytest.param(times(), None, id="nothing"),
        pytest.param(times(0, 40, 80), None, id="two gaps say too little"),
        pytest.param(times(0, 40, 80, 120), 40 * MINUTE, id="every 40 minutes"),
        pytest.param(
            times(0, 0.1, 0.2, 40, 40.1, 80, 80.3, 120), 39.8 * MINUTE, id="bursts"
        ),
        pytest.param(times(0, 5, 65, 70, 3000), 32.5 * MINUTE, id="one long pause"),
    ],
)
def test_usual_interval_is_the_median_between_bursts(
    at: list[datetime], gap: timedelta | None
) -> None:
    found = recent.median_gap(at)

    if gap is None:
        assert found is None
    else:
        assert found == pytest.approx(gap, abs=timedelta(seconds=1))


def test_calls_are_those_of_the_directory_newest_first(
    scim: ScimClient, other_scim: ScimClient, directory: Directory
) -> None:
    scim.get("/Users")
    other_scim.get("/Users")
    scim.request("GET", "/Users/unknown", user_agent="curl/8.5 libcurl")
    records.flush()

    newest, oldest = recent.calls(directory, limit=10)

    assert (newest.path, newest.status, newest.caller) == (
        "/Users/unknown",
        404,
        "curl",
    )
    assert newest.is_refused
    assert (oldest.path, oldest.status) == ("/Users", 200)
    assert not oldest.is_refused


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Okta SCIM Client 1.0.0", "Okta"),
        ("Microsoft-AzureAD-Provisioning", "Microsoft Entra ID"),
        ("Google-Auto-Provisioning", "Google Workspace"),
        ("curl/8.5", ""),
    ],
)
def test_idp_is_known_by_its_last_request(
    scim: ScimClient, directory: Directory, agent: str, name: str
) -> None:
    scim.request("GET", "/Users", user_agent=agent)
    records.flush()

    assert recent.idp_of(directory) == name


def test_idp_that_was_set_needs_no_request(directory: Directory) -> None:
    directory.dialect = Directory.Dialect.ENTRA

    assert recent.idp_of(directory) == "Microsoft Entra ID"
    assert not RequestRecord.objects.exists()
