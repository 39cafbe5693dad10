"""The `task` connector: the same promises, kept by writing down what to do."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.catalog.loader import check_manifest, shipped_manifests
from integrations.connectors.base import Connector
from integrations.connectors.task.connector import (
    Nothing,
    Step,
    TaskConnector,
    TaskSession,
    Told,
)
from integrations.desired import Connection, Entitlement, ObservedAccount
from tests.integrations.connectors.contract import ConnectorContract, person

EDITORS = Entitlement("group", "editors", "Editors")
ANN = ObservedAccount("1", "ann@example.com", "ann@example.com", active=True)


class TestTaskConnector(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return TaskConnector({}, known=Nothing(entitlements=[EDITORS]))

    @pytest.fixture
    def connection(self) -> Connection:
        return Connection("https://app.example.com", "", "")

    def test_calls_a_wrong_password_misconfigured(  # type: ignore[override]
        self, session: TaskSession
    ) -> None:
        """There is none: nobody logs in, so that nothing about it can be wrong."""
        session.reach()
        session.log_in()
        session.check()

        assert session.steps == []

    def test_calls_an_app_that_is_down_a_temporary_failure(  # type: ignore[override]
        self, session: TaskSession
    ) -> None:
        """Nothing is called, so that nothing can be down."""
        session.create_account(person())

        assert [step.words for step in session.steps] == ["Create an account"]

    def test_names_every_value_of_a_new_account(self, session: TaskSession) -> None:
        session.create_account(person("ann", attributes={"seats": 2, "vip": True}))

        (step,) = session.steps
        assert ("User name", "ann") in step.values
        assert ("Given name", "Ann") in step.values
        assert step.values[-2:] == (("seats", "2"), ("vip", "Yes"))

    def test_asks_for_nothing_that_is_so_already(self) -> None:
        session = TaskSession(Nothing({"1": ANN}, [EDITORS]))

        session.update_account("1", person(ANN.username, email=ANN.email))
        session.reactivate_account("1")
        session.revoke("1", EDITORS)
        session.delete_account("2")

        # The display name was not known to be so; given and family name are in no list.
        assert session.steps == [
            Step(
                "Change the account ann@example.com", (("Display name", "Ann Example"),)
            )
        ]

    def test_asks_again_for_what_was_told_and_changed_since(self) -> None:
        class Knows(Nothing):
            def told(self, external_id: str) -> Told | None:
                return Told("Ann", "Old", {"seats": 2})

        session = TaskSession(Knows({"1": ANN}))
        wanted = person(
            ANN.username, email=ANN.email, display_name="", attributes={"seats": 3}
        )

        session.update_account("1", wanted)

        (step,) = session.steps
        assert step.values == (("Family name", "Example"), ("seats", "3"))

    def test_outcome_holds_what_all_steps_lead_to(self) -> None:
        session = TaskSession(Nothing({"1": ANN}, [EDITORS]))

        session.grant("1", EDITORS)
        session.deactivate_account("1")

        assert session.outcome.exists
        assert session.outcome.account.entitlements == {("group", "editors")}
        assert not session.outcome.account.active


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"login_workflows": ["password"]},
            'login_workflows: People do the work in the app. Write ["nobody"].',
        ),
        ({"task": {}}, "manifest: 'task' is not known here."),
    ],
)
def test_manifest_that_is_wrong_says_where(changes: dict[str, Any], said: str) -> None:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "by-hand")

    assert [str(each) for each in check_manifest({**manifest, **changes})] == [said]
