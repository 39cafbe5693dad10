"""How the audit log is kept, and where it is streamed to. A header's value goes in and never comes out."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.problems import Problem
from integrations.audit_stream import services, streaming
from integrations.audit_stream.forms import StreamForm
from integrations.models import AuditStream
from workspaces import audit_retention
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Audit"]


class AuditStreamSerializer(serializers.Serializer):
    """How the stream stands. `sequence` is that of the last event that arrived."""

    destination = serializers.CharField(
        source="origin", help_text="Without its path, which can be a secret."
    )
    transport = serializers.ChoiceField(choices=AuditStream.Transport.choices)
    format = serializers.ChoiceField(choices=AuditStream.Format.choices)
    headerName = serializers.CharField(source="header_name", allow_blank=True)
    sequence = serializers.IntegerField()
    waiting = serializers.SerializerMethodField()
    sentAt = serializers.DateTimeField(source="sent_at", allow_null=True)
    failingSince = serializers.DateTimeField(source="failing_since", allow_null=True)
    lastError = serializers.CharField(source="last_error", allow_blank=True)

    def get_waiting(self, stream: AuditStream) -> int:
        """Return how many events have not arrived."""
        return streaming.waiting(stream)


class DestinationSerializer(serializers.Serializer):
    """Where the audit log goes, and how."""

    transport = serializers.ChoiceField(choices=AuditStream.Transport.choices)
    address = serializers.CharField(
        help_text="A URL for https; host and port for syslog."
    )
    format = serializers.ChoiceField(choices=AuditStream.Format.choices)
    headerName = serializers.CharField(
        source="header_name", required=False, allow_blank=True
    )
    headerValue = serializers.CharField(
        source="header_value",
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Left out, the present one stays, at the same address.",
    )
    authority = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Certificates (PEM) that alone are trusted; empty: public ones.",
    )
    start = serializers.ChoiceField(
        choices=["now", "first"],
        default="now",
        help_text="Of a new stream: begin with new events, or with the first one.",
    )


class Stream(ApiView):
    """The stream of the audit log. A workspace has one at most."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_AUDIT,
        "PUT": Permission.MANAGE_POLICY,
        "DELETE": Permission.MANAGE_POLICY,
    }

    @extend_schema(
        operation_id="loadAuditStream", tags=TAG, responses=AuditStreamSerializer
    )
    def get(self, request: Request) -> Response:
        """Return how the stream stands; 404 without one."""
        return Response(AuditStreamSerializer(_required(self)).data)

    @extend_schema(
        operation_id="setAuditStream",
        tags=TAG,
        request=DestinationSerializer,
        responses=AuditStreamSerializer,
    )
    def put(self, request: Request) -> Response:
        """Stream the audit log to a destination. A present stream goes on from there."""
        self.refuse_unconfirmed(services.SEND, services.subject_of(self.workspace))
        given = form_input.body_of(request, DestinationSerializer)
        form = StreamForm(given, stream=_stream(self))
        form_input.check(form)
        try:
            kept = services.save(
                self.workspace,
                form.destination(),
                whole_log=given["start"] == "first",
                actor=self.person,
                now=database_now(),
            )
        except services.HeaderNeeded as error:
            text = str(error)
            raise Problem(422, text, fields={"headerValue": text}) from None
        return Response(AuditStreamSerializer(kept).data)

    @extend_schema(operation_id="stopAuditStream", tags=TAG, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Stop streaming, and forget the destination. The audit log stays."""
        services.stop(_required(self), actor=self.person)
        return Response(status=204)


class Trial(ApiView):
    """An event of its own through the stream."""

    permissions: ClassVar = {"POST": Permission.MANAGE_POLICY}

    @extend_schema(
        operation_id="testAuditStream",
        tags=TAG,
        request=None,
        responses=AuditStreamSerializer,
    )
    def post(self, request: Request) -> Response:
        """Write a test into the log. It is sent as every event is."""
        stream = _required(self)
        services.test(stream, actor=self.person, now=database_now())
        return Response(AuditStreamSerializer(stream).data)


class RetentionSerializer(serializers.Serializer):
    """For how many days events are kept; null for ever."""

    days = serializers.ChoiceField(
        choices=[days for days, _ in audit_retention.CHOICES if days], allow_null=True
    )


class Retention(ApiView):
    """For how long the audit log is kept."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_AUDIT,
        "PUT": Permission.MANAGE_POLICY,
    }

    @extend_schema(
        operation_id="loadAuditRetention", tags=TAG, responses=RetentionSerializer
    )
    def get(self, request: Request) -> Response:
        """Return for how many days events are kept."""
        return Response({"days": self.workspace.audit_days})

    @extend_schema(
        operation_id="setAuditRetention",
        tags=TAG,
        request=RetentionSerializer,
        responses=RetentionSerializer,
    )
    def put(self, request: Request) -> Response:
        """Say for how long events are kept. What is older is deleted once a day."""
        given = form_input.body_of(request, RetentionSerializer)
        days = given["days"]
        audit_retention.change(days, by=self.caller.membership)
        return Response({"days": days})


def _stream(view: ApiView) -> AuditStream | None:
    rows: Any = AuditStream.objects.select_related("workspace")
    found: AuditStream | None = rows.filter(workspace=view.workspace).first()
    return found


def _required(view: ApiView) -> AuditStream:
    found = _stream(view)
    if found is None:
        raise Problem(404, "The audit log is not streamed. PUT a destination first.")
    return found
