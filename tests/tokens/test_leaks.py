"""A token that somebody found and hands in: TOK-19."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests import factories
from tests.conftest import ScimClient
from tokens import (
    api_tokens,
    credential,
    leaks,
    notices,
    public_views,
    services,
    token_format,
)
from tokens.audit import Action
from tokens.credential import Credential, Kind
from tokens.services import IssuedToken, Overlap
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Directory,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)


@pytest.fixture(autouse=True)
def nobody_reported_yet() -> Iterator[None]:
    leaks.reset()
    yield
    leaks.reset()


@pytest.fixture
def issued(directory: Directory) -> IssuedToken:
    return factories.issue_token(directory)


def report(value: object, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/leaked-token", {"token": value}, content_type="application/json"
    )


def test_tok_19_reported_token_is_refused_from_then_on(issued: IssuedToken) -> None:
    scim = ScimClient(issued.token.directory, issued.plaintext)
    assert scim.get("/Users").status == 200

    answer = report(issued.plaintext)

    assert answer.status_code == 202
    assert scim.get("/Users").status == 401


def test_tok_19_every_administrator_is_told_without_the_value(
    issued: IssuedToken, workspace: Workspace, bob: User
) -> None:
    dana = factories.UserFactory(email="dana@acme.test")
    factories.MembershipFactory(workspace=workspace, user=dana, role=Role.ADMIN)

    report(issued.plaintext)

    (job,) = Job.objects.filter(kind=notices.JOB)
    Job.objects.filter(pk=job.pk).update(state=Job.State.STARTED)
    job.refresh_from_db()
    leases.carry_out(job)
    (sent,) = mail.outbox
    assert sent.recipients() == ["alice@acme.test", "dana@acme.test"]
    assert sent.subject == "The token test of Acme Demo leaked and is revoked"
    assert "Generate a new one" in sent.body
    assert issued.plaintext not in sent.message().as_string()


def test_report_is_in_the_audit_log_once_with_its_address(issued: IssuedToken) -> None:
    report(issued.plaintext)
    report(issued.plaintext)

    event = AuditEvent.objects.get(action=Action.LEAKED)
    assert event.workspace == issued.token.directory.workspace
    assert event.target_id == issued.token.key
    assert event.address == "127.0.0.1"
    assert issued.plaintext not in str(vars(event))


@pytest.mark.parametrize("end", ["revoked", "replaced", "expired"])
def test_token_that_had_ended_is_told_of_too(
    directory: Directory, alice: User, end: str
) -> None:
    now = database_now()
    lifetime = timedelta(seconds=-1) if end == "expired" else timedelta(days=1)
    issued = factories.issue_token(directory, lifetime=lifetime)
    if end == "revoked":
        services.revoke(issued.token, actor=None, now=now)
    if end == "replaced":
        services.rotate(
            directory, issued.token, overlap=Overlap.NOW, actor=alice, now=now
        )

    assert leaks.report(issued.plaintext, now=now)

    issued.token.refresh_from_db()
    assert issued.token.leaked_at == now
    assert issued.token.revoked_at is not None


@pytest.mark.parametrize("what", ["unknown", "wrong secret", "wrong check", "nonsense"])
def test_tok_19_answer_is_the_same_for_every_value(
    issued: IssuedToken, what: str
) -> None:
    """Content, headers and time: both leave at the same beat."""
    value = {
        "unknown": credential.generate(Kind.GATEWAY).plaintext,
        "wrong secret": Credential(Kind.GATEWAY, issued.token.key, "s" * 43).plaintext,
        "wrong check": issued.plaintext[:-6] + "000000",
        "nonsense": "nonsense ✓",
    }[what]

    started = time.monotonic()
    forged = report(value)
    beats = (time.monotonic() - started) / public_views.ANSWER_AT_EVERY
    issued.token.refresh_from_db()
    assert issued.token.revoked_at is None
    real = report(issued.plaintext)

    assert (forged.status_code, forged.content) == (real.status_code, real.content)
    del forged.headers["Expires"], real.headers["Expires"]
    assert forged.headers == real.headers
    assert beats >= 1
    assert AuditEvent.objects.filter(action=Action.LEAKED).count() == 1


def test_key_whose_server_key_is_gone_ends_nothing(
    issued: IssuedToken, settings: Any
) -> None:
    settings.KEYWAY_TOKEN_KEYS = {99: b"q" * 32}

    assert not leaks.report(issued.plaintext, now=database_now())


def test_value_is_in_no_log(
    issued: IssuedToken, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)

    report(issued.plaintext)

    out, err = capfd.readouterr()
    assert issued.plaintext not in caplog.text + out + err


def test_one_address_reports_a_burst_then_waits(
    issued: IssuedToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "BURST_OF_ONE", 1)
    report("nonsense")

    answer = report(issued.plaintext)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1
    assert "Send the next one in" in answer.json()["detail"]
    issued.token.refresh_from_db()
    assert issued.token.revoked_at is None


def test_all_addresses_together_are_limited_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leaks, "BURST", 2)

    waits = [leaks.wait_seconds(f"192.0.2.{number}") for number in range(3)]

    assert waits == [0, 0, 1]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"kwg_"', b"{}", b'{"token": 7}', b'{"token": ""}', b"\xff"],
)
def test_report_without_a_token_says_what_to_send(db: None, body: bytes) -> None:
    answer = Client().post("/leaked-token", body, content_type="application/json")

    assert answer.status_code == 422
    assert answer.json()["example"] == {"token": "kwg_…"}


@pytest.mark.parametrize("size", [5_000, 3_000])
def test_report_that_is_too_long_is_refused(db: None, size: int) -> None:
    body = json.dumps({"token": "k" * size})

    answer = Client().post("/leaked-token", body, content_type="application/json")

    assert answer.status_code == 422


class TestPages:
    def test_person_hands_in_a_token_without_a_session(
        self, issued: IssuedToken
    ) -> None:
        client = Client(enforce_csrf_checks=True)

        answer = client.post(
            "/leaked-token", {"token": f" {issued.plaintext}\n"}, follow=True
        )

        assert "it is revoked and its administrators are told" in answer.text
        assert issued.plaintext not in answer.text + answer.redirect_chain[0][0]
        issued.token.refresh_from_db()
        assert issued.token.leaked_at is not None

    def test_empty_form_says_what_is_missing(self, db: None) -> None:
        answer = Client().post("/leaked-token", {})

        assert answer.status_code == 422
        assert "Enter the token that you found." in answer.text

    def test_format_page_is_open_and_its_code_is_the_one_that_runs(
        self, db: None
    ) -> None:
        answer = Client().get("/token-format")

        assert answer.status_code == 200
        assert "def is_token(text: str) -&gt; bool:" in answer.text
        assert token_format.PATTERN.pattern in answer.text
        assert "number, remainder = divmod(number, len(ALPHABET))" in answer.text

    def test_connection_and_dashboard_say_that_it_leaked(
        self, issued: IssuedToken, alice_client: Client
    ) -> None:
        report(issued.plaintext)
        key = issued.token.directory.key

        page = alice_client.get(f"/integrations/{key}/settings/connected-services/")
        dashboard = alice_client.get("/dashboard/")

        assert "Leaked" in page.text
        assert "Token test leaked and is revoked." in dashboard.text


def test_published_check_tells_tokens_from_chance() -> None:
    made = credential.generate(Kind.GATEWAY).plaintext

    assert token_format.is_token(made)
    assert not token_format.is_token(made[:-1] + ("0" if made[-1] != "0" else "1"))
    assert not token_format.is_token(made + "0")


def test_tok_19_reported_api_token_is_refused_and_its_owner_is_told(
    workspace: Workspace, membership: Membership
) -> None:
    issued = api_tokens.issue(
        membership,
        name="Script",
        scopes=["view_members"],
        lifetime=timedelta(days=1),
        now=database_now(),
    )

    assert leaks.report(issued.plaintext, now=database_now())

    assert api_tokens.find(issued.plaintext, address=None) is None
    assert AuditEvent.objects.filter(action=Action.API_LEAKED).count() == 1
    told = api_tokens.tell_of_leaked(Job.objects.get(kind=api_tokens.LEAKED_JOB))
    (message,) = mail.outbox
    assert (told, message.recipients()) == ({"sent": 1}, ["alice@acme.test"])
    assert issued.plaintext not in message.body
    assert not leaks.report(issued.plaintext, now=database_now())


def test_name_of_an_api_token_does_not_keep_the_mail_from_leaving(
    membership: Membership,
) -> None:
    """It was typed by whoever made the token."""
    issued = api_tokens.issue(
        membership,
        name="Script\r\nBcc: mallory@other.test",
        scopes=["view_members"],
        lifetime=timedelta(days=1),
        now=database_now(),
    )
    leaks.report(issued.plaintext, now=database_now())

    api_tokens.tell_of_leaked(Job.objects.get(kind=api_tokens.LEAKED_JOB))

    (message,) = mail.outbox
    assert message.recipients() == ["alice@acme.test"]
    assert message.subject.startswith("The API token Script Bcc: mallory")
