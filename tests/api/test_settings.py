"""Safety, matching and the service account of an integration by API."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Integration
from tests import factories
from tests.api.conftest import ApiClient


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


def test_threshold_is_set(api: ApiClient, integration: Integration, one: str) -> None:
    wish = {"thresholdPercent": 10, "minimum": 3}

    kept = api.call("PUT", f"{one}/safety", wish)
    odd = api.call("PUT", f"{one}/safety", {"thresholdPercent": 101, "minimum": 0})

    assert kept.body == wish == api.get(f"{one}/safety").body
    assert [row["pointer"] for row in odd.body["errors"]] == [
        "#/thresholdPercent",
        "#/minimum",
    ]
    integration.refresh_from_db()
    assert integration.threshold_percent == 10


def test_rules_are_set_in_their_order(api: ApiClient, one: str) -> None:
    kept = api.call("PUT", f"{one}/matching", {"rules": ["email", "userName"]})

    assert kept.body == {"rules": ["email", "userName"]}
    assert api.get(f"{one}/matching").body == kept.body


@pytest.mark.parametrize(
    "rules", [[], ["email", "email"], ["nonsense"], ["email"] * 5], ids=str
)
def test_what_are_no_rules_is_refused(api: ApiClient, one: str, rules: Any) -> None:
    answer = api.call("PUT", f"{one}/matching", {"rules": rules})

    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"].startswith("#/rules")


def test_another_account_needs_its_password(
    api: ApiClient, integration: Integration, one: str
) -> None:
    other = factories.ServiceAccountFactory(
        workspace=integration.workspace,
        app=integration.app,
        base_url="http://127.0.0.1:11",
    )
    path, wish = f"{one}/service-account", {"serviceAccountId": str(other.public_id)}

    without = api.call("PUT", path, wish)
    wrong = api.call("PUT", path, wish | {"password": "guess"})
    right = api.call("PUT", path, wish | {"password": factories.SERVICE_PASSWORD})

    assert (without.status, wrong.status, right.status) == (409, 422, 200)
    assert right.body["serviceAccountId"] == str(other.public_id)


def test_account_of_another_tenant_is_unknown(
    api: ApiClient, other_integration: Integration, one: str
) -> None:
    account = other_integration.service_account
    assert account is not None

    answer = api.call(
        "PUT",
        f"{one}/service-account",
        {"serviceAccountId": str(account.public_id)},
    )

    assert answer.status == 422
