"""The activity: what the IdP asked, what was done about it, and each request by itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.problems import Problem
from integrations.reports import activity, activity_filters, causes, events, people
from integrations.reports.activity import Entry, Mark
from integrations.reports.activity_filters import Filters
from scim.models import RequestRecord
from tokens import ways
from workspaces.clock import database_now
from workspaces.models import Directory, Workspace
from workspaces.permissions import Permission

TAG = ["Activity"]
_READ: dict[str, Permission | None] = {"GET": Permission.VIEW_ACTIVITY}
_CHOICES = {
    name: [value for value, _ in choices if value]
    for name, choices in (
        ("action", activity_filters.ACTIONS),
        ("status", activity_filters.STATUSES),
        ("time", activity_filters.TIMES),
        ("event", events.CHOICES),
    )
}
FILTERS = [
    OpenApiParameter("q", str, description="Part of a name or email, or an id."),
    OpenApiParameter("integration", str, description="A key, or part of a name."),
    *(OpenApiParameter(name, str, enum=values) for name, values in _CHOICES.items()),
]


class EntrySerializer(serializers.Serializer):
    """One line of the activity: a SCIM request, a job or an event, by its id."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=["request", "job", "event"])
    what = serializers.CharField()
    status = serializers.CharField()
    resourceId = serializers.CharField(allow_blank=True)


class RequestChangeSerializer(serializers.Serializer):
    """What a request changed in the directory."""

    kind = serializers.CharField()
    resourceType = serializers.CharField(source="resource_type")
    resourceId = serializers.CharField(source="resource_id")
    version = serializers.IntegerField()
    attributes = serializers.ListField(child=serializers.CharField())


class CauseSerializer(serializers.Serializer):
    """Why something failed: whose side it is on, and the next step."""

    what = serializers.CharField()
    side = serializers.CharField()
    fix = serializers.CharField()


class ToleranceSerializer(serializers.Serializer):
    """A habit of an IdP that the standard does not know, and what it means."""

    name = serializers.CharField()
    meaning = serializers.CharField()


class ScimRequestSerializer(serializers.Serializer):
    """One SCIM request as it was answered. Secrets are masked in `body`."""

    id = serializers.CharField(source="request_id")
    at = serializers.DateTimeField()
    integration = serializers.SerializerMethodField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField()
    milliseconds = serializers.IntegerField()
    idp = serializers.CharField(source="dialect")
    client = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_null=True)
    tokenId = serializers.CharField(source="token_key", allow_blank=True)
    tokenName = serializers.SerializerMethodField()
    tolerances = serializers.SerializerMethodField()
    resourceId = serializers.CharField(source="resource_id", allow_blank=True)
    body = serializers.CharField(
        allow_blank=True, help_text="Of writes and errors; it is cut at its limit."
    )
    changes = serializers.SerializerMethodField()
    cause = serializers.SerializerMethodField()

    def get_integration(self, record: RequestRecord) -> str | None:
        """Return the key of its gateway; null for Directory Sync."""
        is_gateway = record.directory.kind == Directory.Kind.GATEWAY
        return record.directory.key if is_gateway else None

    def get_tokenName(self, record: RequestRecord) -> str:
        """Return what it came by: a token, an OAuth client or a trust."""
        key = record.token_key
        return ways.names_of(record.directory, {key}).get(key, "") if key else ""

    @extend_schema_field(ToleranceSerializer(many=True))
    def get_tolerances(self, record: RequestRecord) -> list[dict[str, str]]:
        """Return which habits of the IdP were met."""
        return [
            {"name": name, "meaning": causes.tolerance_words(name)}
            for name in record.tolerances
        ]

    @extend_schema_field(RequestChangeSerializer(many=True))
    def get_changes(self, record: RequestRecord) -> list[dict[str, Any]]:
        """Return what was changed in the directory, newest first."""
        found = activity.changes_of(record)
        return list(RequestChangeSerializer(found, many=True).data)

    @extend_schema_field(CauseSerializer(allow_null=True))
    def get_cause(self, record: RequestRecord) -> dict[str, Any] | None:
        """Return why it was refused; null if it was not."""
        found = causes.of_status(record.status)
        return dict(CauseSerializer(found).data) if found else None


class Activity(ApiView):
    """What the IdP asked, what was done about it, and how that ended."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listActivity",
        tags=TAG,
        parameters=[*FILTERS, *paging.PARAMETERS],
        responses=paging.paged(EntrySerializer),
    )
    def get(self, request: Request) -> Response:
        """List the activity, newest first."""
        filters = filters_of(request)
        return Response(_page(self.workspace, request, filters))


class OfUser(ApiView):
    """What happened to one user."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listActivityOfUser",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=inline_serializer(
            "UserActivityPage",
            {
                "integration": serializers.CharField(),
                "userName": serializers.CharField(),
                "data": EntrySerializer(many=True),
                "nextCursor": serializers.CharField(allow_null=True),
            },
        ),
    )
    def get(self, request: Request, userId: uuid.UUID) -> Response:
        """List the requests and jobs of one user, newest first."""
        row = get_object_or_404(
            people.of_workspace(self.workspace), resource_id_public=str(userId)
        )
        page = _page(
            self.workspace, request, Filters(), resource_id=row.resource_id_public
        )
        facts = {
            "integration": row.integration.directory.key,
            "userName": row.user_name,
        }
        return Response(facts | page)


class RequestById(ApiView):
    """One SCIM request."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="loadRequest",
        tags=TAG,
        parameters=[
            OpenApiParameter(
                "at",
                OpenApiTypes.DATETIME,
                description="`at` of its line: then it is found at once.",
            )
        ],
        responses=ScimRequestSerializer,
    )
    def get(self, request: Request, requestId: uuid.UUID) -> Response:
        """Return a request of the IdP: its body, how it was read, what it changed."""
        record = activity.find_record(self.workspace, requestId, _time(request))
        if record is None:
            raise Http404
        return Response(ScimRequestSerializer(record).data)


def filters_of(request: Request) -> Filters:
    """Return what of the activity is asked for. Raises Problem."""
    for name, values in _CHOICES.items():
        if request.query_params.get(name, "") not in {"", *values}:
            raise Problem(400, f"{name} must be one of: {', '.join(values)}.")
    return Filters.read(request.query_params)


def _page(
    workspace: Workspace, request: Request, filters: Filters, *, resource_id: str = ""
) -> dict[str, Any]:
    """Return the page that is asked for, of one user if one is given. Raises Problem."""
    cursor = request.query_params.get("cursor", "")
    before = Mark.read(cursor)
    if cursor and before is None:
        raise Problem(400, "cursor must be the nextCursor of another page.")
    found = activity.page(
        workspace,
        filters,
        before=before,
        resource_id=resource_id,
        size=paging.limit_of(request),
        now=database_now(),
    )
    flat = [e for entry in found.entries for e in (entry, *entry.jobs)]
    flat.sort(key=lambda entry: entry.at, reverse=True)
    return {
        "data": [_entry(entry) for entry in flat],
        "nextCursor": str(found.older) if found.older else None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    facts = {"at": entry.at, "resourceId": entry.resource_id}
    if entry.record is not None:
        return facts | {
            "id": entry.record.request_id,
            "kind": "request",
            "what": f"{entry.record.method} {entry.record.path}",
            "status": str(entry.record.status),
        }
    if entry.job is not None:
        return facts | {
            "id": str(entry.job.public_id),
            "kind": "job",
            "what": entry.job.kind,
            "status": str(entry.job.state),
        }
    assert entry.audited is not None  # noqa: S101  one of the three
    return facts | {
        "id": str(entry.audited.public_id),
        "kind": "event",
        "what": entry.audited.action,
        "status": "recorded",
    }


def _time(request: Request) -> datetime | None:
    """Return the time that is asked for, None without one. Raises Problem."""
    text = request.query_params.get("at", "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        # The first and the last day of all have no such time in UTC.
        return at.astimezone(UTC) if at.tzinfo else _refuse_time()
    except (ValueError, OverflowError):
        return _refuse_time()


def _refuse_time() -> NoReturn:
    raise Problem(400, "at must be a time such as 2026-01-31T09:30:00Z.") from None
