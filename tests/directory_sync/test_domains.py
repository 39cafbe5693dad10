"""E-mail domains: what may be entered, and their proof by DNS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dns.rcode
import pytest

from tests.fakes.dns_server import FakeDns, dns_server
from workspaces import audit, domains
from workspaces.clock import database_now
from workspaces.domains import NoDomain
from workspaces.management.commands.worker import Worker
from workspaces.models import AuditEvent, EmailDomain, Job, User, Workspace


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("acme.com", ["acme.com"]),
        ("acme.com, Acme.DE", ["acme.com", "acme.de"]),
        (" , acme.com,,  acme.com.\n;acme.de ", ["acme.com", "acme.de"]),
        ("münchen.de", ["xn--mnchen-3ya.de"]),
        ("XN--MNCHEN-3YA.de", ["xn--mnchen-3ya.de"]),
    ],
)
def test_one_or_several_domains_are_read(typed: str, expected: list[str]) -> None:
    """S0-110: commas and blanks are harmless, each counts once."""
    assert domains.read(typed) == expected


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("", "at least one"),
        (" ,; ", "at least one"),
        ("acme.com, ann@acme.com", "“ann@acme.com” has an @"),
        ("@acme.com", "“@acme.com” has an @"),
        ("acme", "“acme” is not a domain"),
        ("acme..com", "“acme..com” is not a domain"),
        ("-acme.com", "“-acme.com” is not a domain"),
        ("a_b.com", "“a_b.com” is not a domain"),
        ("*.acme.com", "“*.acme.com” is not a domain"),
        ("192.0.2.1", "“192.0.2.1” is not a domain"),
        ("https://acme.com", "“https://acme.com” is not a domain"),
        ("\\097cme.com", "is not a domain"),
        (f"{'x' * 64}.com", "is not a domain"),
        (" ".join(f"d{n}.test" for n in range(101)), "at most 100"),
    ],
)
def test_what_is_no_domain_is_refused_by_name(typed: str, named: str) -> None:
    """S0-110."""
    with pytest.raises(NoDomain) as refused:
        domains.read(typed)

    assert named in refused.value.reason


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ann@acme.test", "acme.test"),
        ("Ann@MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ('"a@b"@acme.test', "acme.test"),
        ("@acme.test", ""),
        ("acme.test", ""),
        ("ann@", ""),
    ],
)
def test_domain_of_an_address(email: str, domain: str) -> None:
    assert domains.domain_of(email) == domain


class TestProof:
    @pytest.fixture
    def server(self, settings: object) -> Iterator[FakeDns]:
        with dns_server() as running:
            settings.KEYWAY_DNS_SERVERS = [("127.0.0.1", running.port)]  # type: ignore[attr-defined]
            yield running

    @pytest.fixture
    def domain(self, workspace: Workspace, alice: User) -> EmailDomain:
        now = database_now()
        return domains.add(workspace, ["acme.test"], actor=alice, now=now).new[0]

    def check(self, domain: EmailDomain, alice: User) -> EmailDomain:
        domains.request_check(domain, actor=alice, now=database_now())
        Worker(threads=1).drain()
        domain.refresh_from_db()
        return domain

    def test_record_proves_the_domain(
        self, server: FakeDns, domain: EmailDomain, alice: User
    ) -> None:
        server.records["_keyway-challenge.acme.test"] = [
            "something else",
            domain.record_value,
        ]

        checked = self.check(domain, alice)

        assert checked.proven_at is not None
        assert checked.finding == ""
        assert server.asked == ["_keyway-challenge.acme.test"]
        event = AuditEvent.objects.get(action=audit.Sync.DOMAIN_PROVEN)
        assert event.actor == alice

    def test_missing_record_is_told(
        self, server: FakeDns, domain: EmailDomain, alice: User
    ) -> None:
        checked = self.check(domain, alice)

        assert checked.proven_at is None
        assert "no TXT record at _keyway-challenge.acme.test" in checked.finding

    def test_record_of_another_workspace_proves_nothing(
        self,
        server: FakeDns,
        domain: EmailDomain,
        alice: User,
        other_workspace: Workspace,
    ) -> None:
        theirs = domains.add(
            other_workspace, ["acme.test"], actor=alice, now=database_now()
        ).new[0]
        server.records["_keyway-challenge.acme.test"] = [theirs.record_value]

        checked = self.check(domain, alice)

        assert checked.proven_at is None
        assert "has another value" in checked.finding

    def test_server_that_fails_is_named_as_the_side_at_fault(
        self, server: FakeDns, domain: EmailDomain, alice: User
    ) -> None:
        server.rcode = dns.rcode.SERVFAIL

        assert "answered with an error" in self.check(domain, alice).finding

    def test_silent_server_ends_in_bounded_time(
        self,
        server: FakeDns,
        domain: EmailDomain,
        alice: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(domains, "LOOK_UP_SECONDS", 1)
        server.is_silent = True
        start = database_now()

        checked = self.check(domain, alice)

        assert "did not answer in 1 s" in checked.finding
        assert database_now() - start < timedelta(seconds=5)

    def test_two_requests_are_one_look_up(
        self, server: FakeDns, domain: EmailDomain, alice: User
    ) -> None:
        for _ in range(2):
            domains.request_check(domain, actor=alice, now=database_now())

        assert Job.objects.filter(kind=domains.JOB).count() == 1

    def test_deleted_domain_is_looked_up_for_nobody(
        self, server: FakeDns, domain: EmailDomain, alice: User
    ) -> None:
        domains.request_check(domain, actor=alice, now=database_now())
        domains.delete(domain, actor=alice)

        Worker(threads=1).drain()

        assert server.asked == []
        assert Job.objects.get(kind=domains.JOB).state == Job.State.COMPLETED
