"""Writes of a token that is narrowed to e-mail domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim.protocol.errors import Forbidden
from scim.protocol.types import Document
from workspaces.domains import domain_of


def refuse_outside(domains: Sequence[str], *users: Document) -> None:
    """Raise Forbidden if a user, before or after the write, is of another domain.

    Every address counts, and the userName if it is one. Without `domains` nothing is
    refused.
    """
    if not domains:
        return
    listed = ", ".join(domains)
    for user in users:
        found = list(dict.fromkeys(_domains_of(user)))
        if not found:
            raise Forbidden(
                "This user has no email address, and this token may only write users "
                f"of {listed}."
            )
        for domain in found:
            if domain not in domains:
                raise Forbidden(
                    f"This token may not write users of {domain}, only of {listed}."
                )


def _domains_of(user: Document) -> Iterator[str]:
    emails = user.get("emails")
    texts = [user.get("userName")]
    if isinstance(emails, list):
        texts += [email.get("value") for email in emails if isinstance(email, dict)]
    for text in texts:
        domain = domain_of(text) if isinstance(text, str) else ""
        if domain:
            yield domain
