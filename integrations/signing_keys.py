"""Fetch the public keys of an IdP whose JWTs open a directory: a job of the worker."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from integrations.connectors.base import ConnectorError, TemporaryFailure
from integrations.connectors.client import Answer, OutgoingClient
from tokens.models import IdpTrust
from tokens.oauth import jose, trusts
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import Job

SECONDS = 10.0
_WORTH_ANOTHER_TRY = (408, 429)
_NOT_USABLE = (
    "The address of the signing keys cannot be used. Keyway calls public addresses "
    "over TLS and follows no redirect. Check it, or let the operator allow its network."
)


def fetch(job: Job) -> dict[str, int | str]:
    """Fetch the keys of the trust that the job names.

    What is known goes on working while the address fails. Raises RetryLater, GiveUp.
    """
    trust = IdpTrust.objects.live().filter(key=job.subject).first()
    if trust is None:
        return {"note": "The trust is gone."}
    try:
        keys = jose.usable_keys(_answer(trust.keys_url).json())
    except TemporaryFailure:
        message = "The address of the signing keys did not answer with keys."
        trusts.note_failure(trust, message)
        raise jobs.RetryLater(message) from None
    except ConnectorError:
        trusts.note_failure(trust, _NOT_USABLE)
        raise jobs.GiveUp(_NOT_USABLE) from None
    except jose.NoPublicKey as error:
        trusts.note_failure(trust, str(error))
        raise jobs.GiveUp(str(error)) from None
    trusts.keep_keys(trust, keys, now=database_now())
    return {"keys": len(keys)}


def _answer(address: str) -> Answer:
    """Return what is at an address. Raises ConnectorError, NoPublicKey."""
    parts = urlsplit(address)
    client = OutgoingClient(
        f"{parts.scheme}://{parts.netloc}",
        allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS,
        total_seconds=SECONDS,
    )
    query = f"?{parts.query}" if parts.query else ""
    try:
        answer = client.request("GET", f"{parts.path or '/'}{query}")
    finally:
        client.close()
    if answer.status >= 500 or answer.status in _WORTH_ANOTHER_TRY:
        raise TemporaryFailure(f"It answered {answer.status}.")
    if answer.status != 200:
        raise jose.NoPublicKey(
            f"The address of the signing keys answered {answer.status}. Check it."
        )
    return answer
