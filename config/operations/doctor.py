"""Look at a deployment from inside, and say what to mend. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection

from config.checks import unsafe_settings
from config.operations import readiness
from config.operations.findings import Finding, Level, failed, ok, warning
from integrations.connectors.registry import missing_for
from integrations.models import Integration
from workspaces import append_only, key_rotation, sealed
from workspaces.clock import database_now

MOST_CLOCK_SECONDS = 5
LEAST_FREE_BYTES = 1_000_000_000


def examine() -> list[Finding]:
    """Return what every check finds. What needs the database is left out without it."""
    found = [*_settings(), *_addresses()]
    here = readiness.readiness()
    found += here
    if here[0].level == Level.OK:
        found += [*_database(), _clock()]
    if any(one.name == "migrations" and one.level == Level.OK for one in here):
        found += [*_keys(), _audit_log(), *_optional_parts()]
    return [*found, *_shared(), _static_files(), _disk(), _mail()]


def _settings() -> Iterator[Finding]:
    problems = list(unsafe_settings())
    for check, message in problems:
        yield failed("settings", f"{check}: {message}", "Correct the setting.")
    if not problems:
        yield ok("settings", "No setting is unsafe.")
    if settings.DEVELOPMENT:
        yield warning(
            "settings",
            "KEYWAY_ENV is development.",
            "Leave KEYWAY_ENV out where people work with it.",
        )


def _addresses() -> Iterator[Finding]:
    if not settings.ALLOWED_HOSTS:
        yield failed(
            "address",
            "No host name is allowed: every page answers 400.",
            "Set KEYWAY_PUBLIC_URL to the address that people and IdPs use.",
        )
    if settings.HTTPS and not settings.AXES_IPWARE_PROXY_COUNT:
        yield warning(
            "proxy",
            "Behind a TLS proxy every log-in seems to come from the proxy.",
            "Set KEYWAY_PROXY_COUNT to the number of proxies in front; they must set "
            "X-Forwarded-For and X-Forwarded-Proto anew.",
        )
    else:
        yield ok("proxy", f"{settings.AXES_IPWARE_PROXY_COUNT} proxies are believed.")


def _database() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        yield ok("durability", "SQLite in WAL mode: one machine, one worker.")
        return
    safe = {"fsync": {"on"}, "full_page_writes": {"on"}}
    safe["synchronous_commit"] = {"on", "local", "remote_write", "remote_apply"}
    for name, right in safe.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            (value,) = cursor.fetchone()
        if value not in right:
            yield failed(
                "durability",
                f"PostgreSQL's {name} is {value}: a power cut loses what was answered.",
                f"Set {name} = on in postgresql.conf and reload.",
            )
        else:
            yield ok("durability", f"{name} is {value}.")


def _clock() -> Finding:
    apart = abs((datetime.now(UTC) - database_now()).total_seconds())
    if apart > MOST_CLOCK_SECONDS:
        return warning(
            "clock",
            f"The database's clock is {apart:.0f} seconds away from this machine's.",
            "Let both follow NTP. Expiry is decided by the database's.",
        )
    return ok("clock", "The database's clock agrees.")


def _keys() -> Iterator[Finding]:
    now = database_now()
    rings = {
        key_rotation.ENCRYPTION: settings.KEYWAY_ENCRYPTION_KEYS,
        key_rotation.TOKENS: settings.KEYWAY_TOKEN_KEYS,
    }
    for column in sealed.columns():
        numbers = set(_numbers_of(column))
        lost = numbers - set(rings[key_rotation.ENCRYPTION])
        if lost:
            yield failed(
                "keys",
                f"{column.label} has values under keys {sorted(lost)}.",
                "Put them back into KEYWAY_ENCRYPTION_KEYS.",
            )
    for name, ring in rings.items():
        for number in sorted(ring)[:-1]:
            if not key_rotation.reasons_to_keep(name, number, now=now):
                yield warning(
                    "keys",
                    f"Nothing needs key {number} of {name} any more.",
                    "Remove it from the setting.",
                )


def _numbers_of(column: sealed.SealedColumn) -> Iterator[int]:
    values = column.values().values_list(column.name, flat=True)
    for value in values.iterator():
        number = value.split(".", 2)[1]
        if number.isdecimal():
            yield int(number)


def _audit_log() -> Finding:
    missing = append_only.missing()
    if missing:
        return failed(
            "audit log",
            "The database lets events be changed and deleted: it lacks "
            f"{', '.join(sorted(missing))}.",
            "Find out who took them down. Run manage.py verify_audit. Put them up again "
            f"with the SQL of manage.py sqlmigrate workspaces {append_only.MIGRATION}.",
        )
    if connection.vendor == "postgresql" and append_only.can_be_taken_down():
        return ok(
            "audit log",
            "The database refuses to change it. The role of DATABASE_URL owns the tables "
            "and could end that: docs/howto/production.md shows how to run as another.",
        )
    return ok("audit log", "The database refuses to change it.")


def _shared() -> Iterator[Finding]:
    """Look for what several processes share beside the database, if anything."""
    if settings.CACHE_IS_SHARED:
        yield _reached(
            "cache",
            lambda: cache.get("keyway.doctor"),
            "Each process limits requests by itself.",
            "Correct CACHE_URL, or start the cache.",
        )
    if settings.KEYWAY_JOBS == "celery":
        yield _reached(
            "broker",
            _call_broker,
            "Jobs wait.",
            "Correct KEYWAY_CELERY_BROKER_URL, or start the broker.",
        )


def _reached(name: str, call: Callable[[], object], effect: str, fix: str) -> Finding:
    try:
        call()
    except Exception as error:  # noqa: BLE001  each kind has errors of its own
        text = f"The {name} does not answer: {type(error).__name__}. {effect}"
        return failed(name, text, fix)
    return ok(name, f"The {name} answers.")


def _call_broker() -> None:
    from workspaces import celery_dispatcher  # noqa: PLC0415  celery is an extra

    with celery_dispatcher.make_sender().connection_for_write() as link:
        link.ensure_connection(max_retries=1)


def _static_files() -> Finding:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.is_file():
        return ok("static files", "Collected.")
    return failed(
        "static files",
        "The static files are not collected: every page answers 500.",
        "Run manage.py collectstatic --noinput.",
    )


def _disk() -> Finding:
    free = shutil.disk_usage(_existing(settings.VAR_DIR)).free
    if free < LEAST_FREE_BYTES:
        return warning(
            "disk",
            f"{free // 1_000_000} MB are free in {settings.VAR_DIR}.",
            "Make room: 1 GB at least.",
        )
    return ok("disk", f"{free // 1_000_000_000} GB are free.")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _mail() -> Finding:
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return warning(
            "mail",
            "Mail is not sent but kept on this machine.",
            "Set KEYWAY_EMAIL_URL to your mail server.",
        )
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        mail = get_connection(timeout=5)
        mail.open()
        mail.close()
    except OSError as error:
        return failed(
            "mail",
            f"The mail server {server} does not let us in: {type(error).__name__}.",
            "Correct KEYWAY_EMAIL_URL, or start the server.",
        )
    return ok("mail", f"The mail server {server} takes mail.")


def _optional_parts() -> Iterator[Finding]:
    """Look for what the integrations of this deployment need beside the core."""
    in_use = Integration.objects.values_list("app__connector", flat=True)
    for connector in sorted(set(in_use)):
        lack = missing_for(connector)
        yield (
            failed(f"connector {connector}", lack, "Install it on every worker.")
            if lack
            else ok(f"connector {connector}", "Can be used.")
        )
    if settings.KEYWAY_PUSH_KEY and not settings.KEYWAY_PUSH_IS_ON:
        yield warning(
            "push",
            "KEYWAY_PUSH_KEY is set, and pywebpush is not installed.",
            "Install the extra push.",
        )
