"""E-mail domains of a workspace: list them, and prove by DNS that they are its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dns.exception
import dns.name
import dns.resolver
from django.conf import settings
from django.db import transaction

from workspaces import audit, jobs
from workspaces.clock import database_now
from workspaces.models import EmailDomain, Job, User, Workspace

JOB = "workspaces.check_domain"
MOST_AT_ONCE = 100
NONE = "Enter at least one email domain, such as acme.com."
LOOK_UP_SECONDS = 10
"""How long all tries of one look-up may take together."""

_SEPARATORS = re.compile(r"[\s,;]+")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class NoDomain(ValueError):
    """What was typed is no e-mail domain. `reason` is a sentence about it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a list of domains: the new ones, and those that were there."""

    new: list[EmailDomain]
    known: list[str]


def read(text: str) -> list[str]:
    """Return the domains of a text, normalised and each once, in their order.

    Commas, semicolons, blanks and lines part them. Raises NoDomain, which names
    the first that is none.
    """
    parts = [part for part in _SEPARATORS.split(text.replace("\x00", "")) if part]
    if not parts:
        raise NoDomain(NONE)
    if len(parts) > MOST_AT_ONCE:
        raise NoDomain(f"Enter at most {MOST_AT_ONCE} domains at once.")
    return list(dict.fromkeys(normalise(part) for part in parts))


def normalise(text: str) -> str:
    """Return a domain as it is stored: IDNA, lower case, no dot at the end.

    Raises NoDomain.
    """
    shown = text[:100]
    if "@" in text:
        raise NoDomain(
            f"“{shown}” has an @. Enter the domain alone, which stands after the @."
        )
    if "\\" in text:
        # It would begin an escape of zone files.
        raise NoDomain(f"“{shown}” is not a domain. Enter one such as acme.com.")
    try:
        name = dns.name.from_text(
            text.strip(), idna_codec=dns.name.IDNA_2008_Practical
        ).to_text(omit_final_dot=True)
    except (dns.exception.DNSException, UnicodeError):
        raise NoDomain(
            f"“{shown}” is not a domain. Enter one such as acme.com."
        ) from None
    name = name.lower()
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise NoDomain(f"“{shown}” is not a domain. Enter one such as acme.com.")
    return name


def domain_of(email: str) -> str:
    """Return the normalised domain of an e-mail address, empty if it has none."""
    local, at, domain = email.strip().rpartition("@")
    if not at or not local:
        return ""
    try:
        return normalise(domain)
    except NoDomain:
        return ""


@transaction.atomic
def add(
    workspace: Workspace, names: Sequence[str], *, actor: User, now: datetime
) -> Added:
    """List domains, as `read` returns them. One that is listed stays as it is."""
    new, known = [], []
    for name in names:
        domain, created = EmailDomain.objects.get_or_create(
            workspace=workspace,
            name=name,
            defaults={"created_at": now, "created_by": actor},
        )
        if not created:
            known.append(name)
            continue
        new.append(domain)
        _record(audit.Sync.DOMAIN_ADDED, domain, actor)
    return Added(new, known)


@transaction.atomic
def delete(domain: EmailDomain, *, actor: User) -> None:
    """Take a domain off the list. Members stay; nobody new comes by it."""
    _record(audit.Sync.DOMAIN_DELETED, domain, actor)
    domain.delete()


@transaction.atomic
def request_check(domain: EmailDomain, *, actor: User, now: datetime) -> Job:
    """Put off the look-up of a domain's TXT record. One that waits is joined."""
    enqueued = jobs.enqueue(
        JOB,
        workspace=domain.workspace,
        subject=str(domain.public_id),
        trigger=Job.Trigger.WEB,
        actor=actor,
        max_failures=3,
        now=now,
    )
    if enqueued.created:
        _record(audit.Sync.DOMAIN_CHECK_REQUESTED, domain, actor)
    return enqueued.job


def check(job: Job) -> dict[str, str]:
    """Look the TXT record of a domain up, and note what was found.

    A domain that is proven stays so when its record goes.
    """
    domain = EmailDomain.objects.filter(
        workspace=job.workspace_id, public_id=job.subject
    ).first()
    if domain is None:
        return {"finding": "The domain is gone."}
    finding = look_up(domain)
    with transaction.atomic():
        domain = EmailDomain.objects.select_for_update().filter(pk=domain.pk).first()
        if domain is None:
            return {"finding": "The domain is gone."}
        domain.checked_at = database_now()
        domain.finding = finding
        if not finding and domain.proven_at is None:
            domain.proven_at = domain.checked_at
            _record(audit.Sync.DOMAIN_PROVEN, domain, job.actor)
        domain.save(update_fields=["checked_at", "finding", "proven_at"])
    return {"finding": finding}


def look_up(domain: EmailDomain) -> str:
    """Return why the TXT record proves nothing, empty if it does."""
    name = domain.record_name
    try:
        answer = _resolver().resolve(
            name, "TXT", lifetime=LOOK_UP_SECONDS, search=False
        )
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return (
            f"DNS has no TXT record at {name} yet. Publish it with your DNS provider; "
            "that can take an hour to spread."
        )
    except dns.resolver.LifetimeTimeout:
        return (
            f"The DNS servers did not answer in {LOOK_UP_SECONDS} s. Check now again."
        )
    except dns.resolver.NoNameservers:
        return (
            "The DNS servers of the domain answered with an error. Check them with "
            "your DNS provider, then check now again."
        )
    except (dns.exception.DNSException, OSError):
        return "The look-up failed on this gateway's side. Check its DNS settings."
    found = {b"".join(row.strings).decode("ascii", "replace") for row in answer}
    if domain.record_value in found:
        return ""
    return f"The TXT record at {name} has another value. Copy the value from here."


def _resolver() -> dns.resolver.Resolver:
    servers = settings.KEYWAY_DNS_SERVERS
    if not servers:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [host for host, _ in servers]
    resolver.nameserver_ports = dict(servers)
    return resolver


def _record(action: audit.Sync, domain: EmailDomain, actor: User | None) -> None:
    audit.record(action, workspace=domain.workspace, actor=actor, target=domain)
