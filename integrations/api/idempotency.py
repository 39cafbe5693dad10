"""`Idempotency-Key`: a POST that is sent again makes nothing again, for 24 hours.

The record is written in the transaction of the change. A second request that comes
meanwhile waits for it and then gets its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import ApiView
from integrations.api.problems import Problem
from integrations.models import IdempotencyRecord
from workspaces.clock import database_now
from workspaces.models import Job

KEPT = timedelta(hours=24)
LONGEST = 255
PRUNE = "integrations.prune_idempotency"
HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST},
    OpenApiParameter.HEADER,
    description="Sent again with the same key, the request makes nothing again.",
)
Handler = Callable[..., Response]


def idempotent(*secrets: str) -> Callable[[Handler], Handler]:
    """Let a POST heed the header. Members named `secrets` are never stored."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(self: ApiView, request: Request, **kwargs: Any) -> Response:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return handler(self, request, **kwargs)
            if (
                not key.isascii()
                or not key.isprintable()
                or not 0 < len(key) <= LONGEST
            ):
                raise Problem(
                    400, f"Idempotency-Key takes 1 to {LONGEST} printable characters."
                )
            with transaction.atomic():
                record = _record(self, request, key)
                if record.status is not None:
                    return _replay(record)
                response = handler(self, request, **kwargs)
                _keep(record, response, secrets)
                return response

        declared: Handler = extend_schema(parameters=[HEADER])(guarded)
        return declared

    return decorate


def _record(view: ApiView, request: Request, key: str) -> IdempotencyRecord:
    """Return the record of the key, new or as it is. Raises Problem 422."""
    now = database_now()
    http = request._request
    said = http.path.encode() + b"\n" + http.body
    digest = salted_hmac("integrations.api", said, algorithm="sha256").hexdigest()
    own = {"workspace": view.workspace, "caller": view.caller.key, "key": key}
    IdempotencyRecord.objects.filter(**own, created_at__lte=now - KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                **own, request_digest=digest, created_at=now
            )
    except IntegrityError:
        found = IdempotencyRecord.objects.get(**own)
    if found.request_digest != digest:
        raise Problem(
            422,
            "This Idempotency-Key was used for another request. Take a new key for "
            "each request.",
        )
    return found


def _keep(
    record: IdempotencyRecord, response: Response, secrets: tuple[str, ...]
) -> None:
    record.status = response.status_code
    record.held_secret = any(name in response.data for name in secrets)
    kept = {name: v for name, v in response.data.items() if name not in secrets}
    record.body = json.loads(JSONRenderer().render(kept))
    record.save(update_fields=["status", "held_secret", "body"])


def _replay(record: IdempotencyRecord) -> Response:
    assert record.status is not None  # noqa: S101  asked before
    if record.held_secret:
        raise Problem(
            409,
            f"Already made, with the id {record.body.get('id')}. Its value was in the "
            "first answer and is not kept. If it is lost, make another one.",
        )
    response = Response(record.body, status=record.status)
    response["Idempotency-Replayed"] = "true"
    return response


def prune(job: Job) -> dict[str, object]:
    """Forget answers that are no longer kept."""
    now: datetime = database_now()
    count, _ = IdempotencyRecord.objects.filter(created_at__lte=now - KEPT).delete()
    return {"deleted": count}
