"""JWTs that the IdP signs itself, as Entra does where the secret is left empty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwk

from integrations import signing_keys
from tests.conftest import Answer, ScimClient
from tests.fakes import signer
from tests.fakes.json_app import json_app
from tests.fakes.signer import Signer
from tests.scim.counting import statements
from tokens.audit import Action
from tokens.models import IdpTrust
from tokens.oauth import endings, trusts
from tokens.oauth.errors import TrustExists
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User

TENANT = "cbb1a5ac-f33b-45fa-9bf5-f37db0fed422"
ISSUER = f"https://sts.windows.net/{TENANT}/"
AUDIENCE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "sub": "x", "jti": None}


@dataclass
class Idp:
    """An IdP that publishes keys on loopback."""

    url: str = ""
    keys: list[Signer] = field(default_factory=lambda: [signer.rsa()])
    status: int = 200
    asked: int = 0

    def answer(self, _: object) -> tuple[int, object]:
        self.asked += 1
        return self.status, signer.jwks(*self.keys)


@pytest.fixture
def idp() -> Iterator[Idp]:
    idp = Idp()
    with json_app(idp.answer) as app:
        idp.url = f"{app.base_url}/discovery/keys"
        yield idp


@pytest.fixture
def trust(directory: Directory, alice: User, idp: Idp) -> IdpTrust:
    """A trust whose keys the worker has fetched."""
    terms = trusts.Terms(ISSUER, AUDIENCE, TENANT, idp.url)
    made = trusts.add(directory, terms, name="Entra", actor=alice, now=database_now())
    fetch()
    return made


def fetch() -> dict[str, Any]:
    """Carry out the one fetch that waits, as a worker does."""
    job = Job.objects.get(kind=trusts.FETCH, state=Job.State.QUEUED)
    Job.objects.filter(pk=job.pk).update(state=Job.State.COMPLETED)
    return signing_keys.fetch(job)


def ask(trust: IdpTrust, token: str) -> Answer:
    return ScimClient(trust.directory, token).get("/Users")


def test_jwt_of_the_trusted_idp_opens_the_directory(trust: IdpTrust) -> None:
    answer = ask(trust, signer.rsa().sign(CLAIMS))

    assert answer.status == 200
    trust.refresh_from_db()
    assert trust.last_used_address == "127.0.0.1"
    with statements() as sent:
        assert ask(trust, signer.rsa().sign(CLAIMS)).status == 200
    assert len(sent.on("tokens_")) == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": timedelta(seconds=-30), "nbf": None},
        {"nbf": timedelta(seconds=30)},
        {"aud": ["https://other.example", AUDIENCE]},
    ],
    ids=["just expired", "not quite valid", "several audiences"],
)
def test_clocks_may_differ_by_a_minute(trust: IdpTrust, claims: dict[str, Any]) -> None:
    assert ask(trust, signer.rsa().sign({**CLAIMS, **claims})).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"aud": [AUDIENCE + "x"]},
        {"iss": f"https://sts.windows.net/{'0' * 36}/"},
        {"iss": [ISSUER]},
        {"iss": None},
        {"tid": "another"},
        {"tid": [TENANT]},
        {"tid": None},
        {"exp": timedelta(seconds=-3600)},
        {"exp": None},
        {"exp": True},
        {"nbf": timedelta(seconds=7200)},
    ],
    ids=str,
)
def test_jwt_for_somebody_else_is_refused_and_written_down(
    trust: IdpTrust, claims: dict[str, Any]
) -> None:
    answer = ask(trust, signer.rsa().sign({**CLAIMS, **claims}))

    assert answer.status == 401
    assert AuditEvent.objects.filter(action=Action.TRUST_REFUSED).count() == 1


def test_forged_jwts_are_refused_and_leave_no_trace(trust: IdpTrust) -> None:
    """alg none, HS256 with the public key, key ids and keys of the forger's choice."""
    claims = {**CLAIMS, "exp": int(time.time()) + 60}
    claims.pop("jti")
    other = Signer(jwk.RSAKey.generate_key(2048, {"kid": "rsa-1"}), "RS256")
    pem = signer.rsa().pem.encode()
    good = signer.rsa().sign(claims)
    parts = good.split(".")
    forged = [
        other.sign(claims),
        other.sign(claims, jwk=other.public),
        other.sign(claims, jku="http://127.0.0.1:1/keys"),
        other.sign(claims, x5u="http://127.0.0.1:1/keys"),
        signer.forged(claims, algorithm="HS256", kid="rsa-1", secret=pem),
        signer.forged(claims, algorithm="none", kid="rsa-1", secret=b""),
        f"{parts[0]}.{parts[1]}.",
        f"{parts[0]}.{parts[1]}.AAAA",
        f"{parts[0]}.e30.{parts[2]}",
        f"e30.{parts[1]}.{parts[2]}",
        "a.b.c",
        "." * 2,
        "eyJ" + "a" * 20_000 + ".a.a",
    ]
    events = AuditEvent.objects.count()

    assert [ask(trust, one).status for one in forged] == [401] * len(forged)
    assert AuditEvent.objects.count() == events
    assert ask(trust, good).status == 200


@pytest.mark.parametrize(
    "kid", ["../../dev/null", "' OR 1=1 --", "http://127.0.0.1:1/k", "", "x" * 100]
)
def test_key_id_is_only_looked_up(trust: IdpTrust, kid: str, idp: Idp) -> None:
    """A key id of the forger's choice asks for a fetch of the one address, no other."""
    other = signer.rsa("rsa-2")
    IdpTrust.objects.update(keys_asked_at=None)

    first = ask(trust, other.sign(CLAIMS, kid=kid))
    fetch()
    second = ask(trust, other.sign(CLAIMS, kid=kid))

    assert (first.status, second.status) == (503, 401)
    assert idp.asked == 2


def test_unknown_key_is_fetched_once_by_the_worker_then_opens(
    trust: IdpTrust, idp: Idp
) -> None:
    new = signer.ec("new")
    idp.keys.append(new)
    token = new.sign(CLAIMS)
    # Just fetched: nothing is asked for again.
    assert ask(trust, token).status == 401
    asked_at = database_now() - trusts.ASK_APART
    IdpTrust.objects.update(keys_asked_at=asked_at, keys_fetched_at=asked_at)

    first, again = ask(trust, token), ask(trust, token)

    assert (first.status, again.status) == (503, 503)
    assert first.headers["Retry-After"] == "10"
    assert fetch() == {"keys": 2}
    assert ask(trust, token).status == 200
    assert ask(trust, signer.rsa().sign(CLAIMS)).status == 200
    assert idp.asked == 2


def test_key_that_the_idp_withdrew_opens_nothing(trust: IdpTrust, idp: Idp) -> None:
    idp.keys = [signer.ec("new")]
    trusts.refresh(Job(workspace=trust.directory.workspace))
    fetch()

    assert ask(trust, signer.rsa().sign(CLAIMS)).status == 401


@pytest.mark.parametrize(
    ("status", "url", "raised"),
    [
        (503, "", jobs.RetryLater),
        (404, "", jobs.GiveUp),
        (302, "", jobs.GiveUp),
        (200, "http://192.168.7.7/keys", jobs.GiveUp),
        (200, "http://127.0.0.1:9/keys", jobs.RetryLater),
    ],
)
def test_failed_fetch_is_told_and_known_keys_go_on(
    trust: IdpTrust, idp: Idp, status: int, url: str, raised: type[Exception]
) -> None:
    """The guarded client calls: no redirect, no network that is not allowed."""
    idp.status = status
    if url:
        IdpTrust.objects.update(keys_url=url)
    trusts.refresh(Job(workspace=trust.directory.workspace))

    with pytest.raises(raised):
        fetch()

    trust.refresh_from_db()
    assert trust.keys_error
    assert ask(trust, signer.rsa().sign(CLAIMS)).status == 200


def test_revoked_trust_opens_nothing_and_makes_room(
    trust: IdpTrust, alice: User, idp: Idp
) -> None:
    now = database_now()
    terms = trusts.Terms(ISSUER, AUDIENCE, "", idp.url)
    with pytest.raises(TrustExists):
        trusts.add(trust.directory, terms, name="Two", actor=alice, now=now)

    endings.revoke(trust, actor=alice, now=now)

    assert ask(trust, signer.rsa().sign(CLAIMS)).status == 401
    trusts.add(trust.directory, terms, name="Two", actor=alice, now=now)


def test_jwt_opens_no_other_directory(trust: IdpTrust, other_scim: ScimClient) -> None:
    other_scim.token = signer.rsa().sign(CLAIMS)

    assert other_scim.get("/Users").status == 401
