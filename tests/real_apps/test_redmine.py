"""Redmine as a real app of the tests."""

from __future__ import annotations

import httpx2
import pytest

from tests.real_apps.fixtures import OutsideApp

pytestmark = pytest.mark.real_app


def test_redmine_is_there_with_its_seeds(redmine: OutsideApp) -> None:
    with httpx2.Client(auth=(redmine.username, redmine.password)) as client:
        me = client.get(f"{redmine.base_url}/users/current.json").json()["user"]
        groups = client.get(f"{redmine.base_url}/groups.json").json()["groups"]

    assert me["admin"] is True
    assert [group["name"] for group in groups] == ["Editors", "Viewers"]
