"""What an app says holds characters that a database does not keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integrations import services
from integrations.connectors.base import PermanentFailure
from integrations.desired import Entitlement, ObservedAccount
from integrations.models import AppAccount, Integration
from integrations.outside import keepable
from tests.integrations.outside import Outside
from workspaces.clock import database_now
from workspaces.models import Job

TOMAS = "tomas.novak@example.com"


@pytest.mark.parametrize("bad", ["\x00", "\ud800"], ids=ascii)
class TestText:
    def test_is_marked_wherever_it_stands(self, bad: str) -> None:
        text, marked = f"a{bad}b", "a\ufffdb"
        account = ObservedAccount(
            external_id="1",
            username=text,
            email=text,
            given_name=text,
            family_name=text,
            display_name=text,
            attributes={text: [text, {text: text}], "number": 3},
        )

        assert keepable.account(account) == ObservedAccount(
            external_id="1",
            username=marked,
            email=marked,
            given_name=marked,
            family_name=marked,
            display_name=marked,
            attributes={marked: [marked, {marked: marked}], "number": 3},
        )
        assert keepable.entitlement(Entitlement("role", "1", text)).name == marked

    def test_key_is_an_error_of_the_app(self, bad: str) -> None:
        held = ObservedAccount("1", "ann", entitlements=frozenset({("role", bad)}))

        for refused in (ObservedAccount(bad, "ann"), held):
            with pytest.raises(PermanentFailure, match="app's side"):
                keepable.account(refused)
        with pytest.raises(PermanentFailure, match="app's side"):
            keepable.entitlement(Entitlement("role", bad, "Role"))


def test_sync_goes_on_past_a_name_that_cannot_be_kept(
    connected: Integration, outside: Outside, work: Callable[..., None]
) -> None:
    outside.add_user("a\x00b@example.com")
    outside.change_user(TOMAS, display_name="To\x00mas")
    job = services.request_sync(connected, actor=None, now=database_now())

    work()

    job.refresh_from_db()
    assert job.state == Job.State.COMPLETED
    assert AppAccount.objects.get(username=TOMAS).display_name == "To\ufffdmas"
    (skipped,) = job.result["skipped"]
    assert skipped.startswith("a\ufffdb@example.com: ")
