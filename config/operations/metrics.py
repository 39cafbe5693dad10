"""What `/metrics` tells: requests of these processes, and the state of the work.

Labels are words of the product: methods, endpoints, states. No label holds a name,
a key or an address of a tenant, a person or an app.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import Case, Count, Min, Q, Value, When
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from integrations.models import AppCall, Provisioning
from scim.api.gate import METHODS
from scim.api.gate import PREFIX as SCIM_PREFIX
from tokens.models import ClientSecret, ScimToken
from workspaces import heartbeats
from workspaces.clock import database_now
from workspaces.models import Job, Workspace

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SCIM_ENDPOINTS = {
    "Users",
    "Groups",
    "Roles",
    "Entitlements",
    "ServiceProviderConfig",
    "ResourceTypes",
    "Schemas",
}
CALLS_WITHIN = timedelta(minutes=15)
EXPIRY_DAYS = (1, 7, 30, 90)

if _shared := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # Where the processes of one machine put their numbers together.
    Path(_shared).mkdir(parents=True, exist_ok=True)

_requests = Histogram(
    "keyway_request_seconds",
    "Requests, by part of the product, method and status.",
    ["part", "method", "status"],
    buckets=_BUCKETS,
)
_scim = Histogram(
    "keyway_scim_request_seconds",
    "SCIM requests, by endpoint and method.",
    ["endpoint", "method"],
    buckets=_BUCKETS,
)


def observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count one answered request."""
    method = request.method if request.method in METHODS else "other"
    match = request.resolver_match
    # The route as the product spells it, never the address as it was asked for.
    part = (match.route.split("/")[0] or "home") if match else "unknown"
    if request.path_info.startswith(SCIM_PREFIX):
        part = "scim"
        endpoint = match.kwargs.get("endpoint", "other") if match else "other"
        endpoint = endpoint if endpoint in _SCIM_ENDPOINTS else "other"
        _scim.labels(endpoint, method).observe(seconds)
    _requests.labels(part, method, response.status_code).observe(seconds)


def text() -> bytes:
    """Return everything in Prometheus' text format.

    With PROMETHEUS_MULTIPROC_DIR that is of all web processes of this machine, else
    of this one.
    """
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    work = CollectorRegistry()
    work.register(Work())
    return generate_latest(registry) + generate_latest(work)


class Work(Collector):
    """The state of the work as the database tells it, the same on every process."""

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges. A handful of queries, each with its index or a count."""
        now = database_now()
        yield from _jobs(now)
        yield _provisioning()
        yield _app_calls(now)
        yield _tokens(now)
        yield _worker(now)


def _gauge(
    name: str, told: str, labels: list[str], values: Iterable[tuple[list[str], Any]]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, told, labels=labels)
    for label, value in values:
        gauge.add_metric(label, float(value))
    return gauge


def _jobs(now: datetime) -> Iterable[Metric]:
    rows = list(
        Job.objects.filter(state__in=Job.OPEN)
        .values("kind", "state")
        .annotate(count=Count("id"), oldest=Min("due_at"))
        .order_by("kind", "state")
    )
    yield _gauge(
        "keyway_jobs",
        "Jobs that have not ended.",
        ["kind", "state"],
        (([row["kind"], row["state"]], row["count"]) for row in rows),
    )
    late = (row for row in rows if row["state"] in Job.READY)
    yield _gauge(
        "keyway_jobs_oldest_due_seconds",
        "For how long the oldest job that could run has been due; 0: none is late.",
        ["kind", "state"],
        (
            (
                [row["kind"], row["state"]],
                max(0.0, (now - row["oldest"]).total_seconds()),
            )
            for row in late
        ),
    )


def _provisioning() -> Metric:
    rows = Provisioning.objects.values_list("state").annotate(count=Count("id"))
    return _gauge(
        "keyway_provisioning",
        "Users of integrations by the state of their account in the app.",
        ["state"],
        (([state], count) for state, count in rows.order_by("state")),
    )


def _app_calls(now: datetime) -> Metric:
    outcome = Case(
        When(Q(status=None), then=Value("no answer")),
        When(Q(status__gte=500), then=Value("5xx")),
        When(Q(status__gte=400), then=Value("4xx")),
        When(~Q(error=""), then=Value("error")),
        default=Value("ok"),
    )
    # By workspace and time, so that the index serves.
    recent = AppCall.objects.filter(
        at__gte=now - CALLS_WITHIN, workspace__in=Workspace.objects.values("pk")
    )
    rows = recent.annotate(outcome=outcome).values_list("outcome")
    return _gauge(
        "keyway_app_calls",
        "Calls to apps in the last 15 minutes, by how they were answered.",
        ["outcome"],
        (([name], count) for name, count in rows.annotate(count=Count("id"))),
    )


def _tokens(now: datetime) -> Metric:
    within = {
        f"in_{days}": Count("id", filter=Q(expires_at__lte=now + timedelta(days=days)))
        for days in EXPIRY_DAYS
    }
    secrets = ClientSecret.objects.live(now).filter(client__revoked_at=None)
    counts = Counter(ScimToken.objects.live(now).aggregate(all=Count("id"), **within))
    counts.update(secrets.aggregate(all=Count("id"), **within))
    values = [([str(days)], counts[f"in_{days}"]) for days in EXPIRY_DAYS]
    return _gauge(
        "keyway_tokens_expiring",
        "Live tokens and client secrets that expire within so many days; +Inf: all.",
        ["days"],
        [*values, (["+Inf"], counts["all"])],
    )


def _worker(now: datetime) -> Metric:
    seen = heartbeats.last_seen()
    silent = (now - seen).total_seconds() if seen else float("inf")
    return _gauge(
        "keyway_worker_silent_seconds",
        "Since the last heartbeat of any worker.",
        [],
        [([], silent)],
    )
