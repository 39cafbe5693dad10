"""What a deployment must not do. Each message names the setting and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured


def unsafe_settings() -> Iterator[tuple[str, str]]:
    """Yield (check id, what is wrong and what would be right)."""
    yield from _missing_keys()
    if not settings.DEVELOPMENT:
        yield from _unsafe_in_production()


def _missing_keys() -> Iterator[tuple[str, str]]:
    if not settings.KEYWAY_ENCRYPTION_KEYS:
        yield (
            "keyway.E003",
            "KEYWAY_ENCRYPTION_KEYS is not set. Secrets at rest need at least one "
            "key: 1: and 32 random bytes in base64.",
        )
    if not settings.KEYWAY_TOKEN_KEYS:
        yield (
            "keyway.E004",
            "KEYWAY_TOKEN_KEYS is not set. Token digests need at least one key: 1: "
            "and 32 random bytes in base64.",
        )
    secret = settings.SECRET_KEY
    if len(secret) < 50 or len(set(secret)) < 5 or "insecure" in secret:
        yield (
            "keyway.E002",
            "KEYWAY_SECRET_KEY is missing, short or an example. Set it to at least "
            "50 random characters.",
        )


def _unsafe_in_production() -> Iterator[tuple[str, str]]:
    if settings.DEBUG:
        yield "keyway.E001", "KEYWAY_DEBUG is on in production. Set it to false."
    if not settings.KEYWAY_PUBLIC_URL.startswith("https://"):
        yield (
            "keyway.E005",
            "KEYWAY_PUBLIC_URL must be the https address that people and IdPs use.",
        )
    if any(network.prefixlen == 0 for network in settings.KEYWAY_ALLOWED_NETWORKS):
        yield (
            "keyway.E006",
            "KEYWAY_ALLOWED_NETWORKS allows every address. Name the networks that "
            "your apps are in.",
        )


@register()
def check_settings(**_kwargs: Any) -> list[Error]:
    """Report unsafe settings as errors, so that every command refuses them."""
    return [Error(message, id=check) for check, message in unsafe_settings()]


def refuse_unsafe_settings() -> None:
    """Raise ImproperlyConfigured with every unsafe setting named."""
    problems = [f"{check}: {message}" for check, message in unsafe_settings()]
    if problems:
        raise ImproperlyConfigured("Unsafe settings.\n" + "\n".join(problems))
