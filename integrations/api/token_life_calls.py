"""When tokens end: the token policy, scheduled rotation, the calendar feed."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.connection_calls import directory_of
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from integrations.calendar.address import address_of
from tokens import calendar_feed, policy, scheduled_rotation
from tokens.policy_forms import TokenPolicyForm
from tokens.rotation_forms import USUAL_LEAD, RotationForm
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Token life"]


class TokenPolicySerializer(serializers.Serializer):
    """How long tokens live, and when administrators are told of their end."""

    defaultDays = serializers.IntegerField(
        source="default_days", help_text="How long a new SCIM token lives."
    )
    longestDays = serializers.IntegerField(
        source="longest_days", help_text="How long any token may live: 1 to 730."
    )
    longestOverlapHours = serializers.IntegerField(
        source="longest_overlap_hours",
        help_text="How long a replaced token may live on: 0, 1, 24 or 168.",
    )
    remindDays = serializers.ListField(
        source="remind_days",
        child=serializers.IntegerField(min_value=1),
        help_text="Days before the end, 1 to 365, at most 10 of them.",
    )


class RotationScheduleSerializer(serializers.Serializer):
    """Every how many days the tokens of a connection are to be replaced."""

    everyDays = serializers.IntegerField(source="every_days", help_text="7 to 730.")
    leadDays = serializers.IntegerField(
        source="lead_days",
        default=USUAL_LEAD,
        help_text="How many days before that administrators are told: 1 to 90.",
    )


class CalendarFeedSerializer(serializers.Serializer):
    """A private address at which calendars read when tokens end."""

    id = serializers.CharField(source="key")
    createdAt = serializers.DateTimeField(source="created_at")
    lastReadAt = serializers.DateTimeField(source="last_read_at", allow_null=True)


class MadeCalendarFeedSerializer(CalendarFeedSerializer):
    """A new feed. `address` is in this answer and in no other."""

    address = serializers.CharField()


class TokenPolicy(ApiView):
    """The token policy of the workspace."""

    permissions: ClassVar = dict.fromkeys(("GET", "PATCH"), Permission.MANAGE_POLICY)

    @extend_schema(
        operation_id="loadTokenPolicy", tags=TAG, responses=TokenPolicySerializer
    )
    def get(self, request: Request) -> Response:
        """Return the policy: the presets, if nobody changed it."""
        found = policy.policy_of(self.workspace)
        return Response(TokenPolicySerializer(found).data)

    @extend_schema(
        operation_id="changeTokenPolicy",
        tags=TAG,
        request=TokenPolicySerializer,
        responses=TokenPolicySerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the policy; what is left out stays. Tokens that exist keep their end."""
        wish = form_input.body_of(request, TokenPolicySerializer, partial=True)
        if "remind_days" in wish:
            wish["remind_days"] = ", ".join(map(str, wish["remind_days"]))
        present = policy.policy_of(self.workspace)
        form = TokenPolicyForm(
            {**TokenPolicyForm(policy=present).initial, **wish}, policy=present
        )
        form_input.check(form)
        changed = policy.change(**form.cleaned_data, by=self.caller.membership)
        return Response(TokenPolicySerializer(changed).data)


@extend_schema_view(
    get=extend_schema(operation_id="loadRotationSchedule"),
    put=extend_schema(operation_id="setRotationSchedule"),
    delete=extend_schema(operation_id="endRotationSchedule"),
)
class Schedule(ApiView):
    """The rotation schedule of an integration's tokens."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "PUT", "DELETE"), Permission.MANAGE_TOKENS
    )

    @extend_schema(tags=TAG, responses=RotationScheduleSerializer)
    def get(self, request: Request, **of: str) -> Response:
        """Return the schedule; 404 where tokens are not replaced by schedule."""
        found = scheduled_rotation.of(directory_of(self.workspace, **of))
        if found is None:
            raise Problem(404, "These tokens are not replaced by schedule.")
        return Response(RotationScheduleSerializer(found).data)

    @extend_schema(
        tags=TAG,
        request=RotationScheduleSerializer,
        responses=RotationScheduleSerializer,
    )
    def put(self, request: Request, **of: str) -> Response:
        """Let tokens be replaced every so many days. No token is made by itself."""
        directory = directory_of(self.workspace, **of)
        given = form_input.body_of(request, RotationScheduleSerializer)
        form = RotationForm(given, schedule=None)
        form_input.check(form)
        kept = scheduled_rotation.set_up(
            directory, **form.cleaned_data, actor=self.person
        )
        return Response(RotationScheduleSerializer(kept).data)

    @extend_schema(tags=TAG, responses={204: None})
    def delete(self, request: Request, **of: str) -> Response:
        """End the schedule. Done before, it changes nothing."""
        scheduled_rotation.turn_off(
            directory_of(self.workspace, **of), actor=self.person
        )
        return Response(status=204)


@extend_schema_view(
    get=extend_schema(operation_id="loadDirectorySyncRotationSchedule"),
    put=extend_schema(operation_id="setDirectorySyncRotationSchedule"),
    delete=extend_schema(operation_id="endDirectorySyncRotationSchedule"),
)
class DirectorySyncSchedule(Schedule):
    """The rotation schedule of Directory Sync's tokens."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "PUT", "DELETE"), Permission.MANAGE_DIRECTORY_SYNC
    )


class Feed(ApiView):
    """The calendar feed of the workspace."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "POST", "DELETE"), Permission.MANAGE_TOKENS
    )

    @extend_schema(
        operation_id="loadCalendarFeed", tags=TAG, responses=CalendarFeedSerializer
    )
    def get(self, request: Request) -> Response:
        """Return the feed without its address; 404 while it is off."""
        found = calendar_feed.feed_of(self.workspace)
        if found is None:
            raise Problem(404, "The calendar feed is off. POST turns it on.")
        return Response(CalendarFeedSerializer(found).data)

    @extend_schema(
        operation_id="generateCalendarFeed",
        tags=TAG,
        request=None,
        responses={201: MadeCalendarFeedSerializer},
    )
    @idempotent("address")
    def post(self, request: Request) -> Response:
        """Turn the feed on at a new address; a former one answers nothing any more."""
        issued = calendar_feed.generate(
            self.workspace, actor=self.person, now=database_now()
        )
        body = CalendarFeedSerializer(issued.feed).data
        return Response({**body, "address": address_of(issued)}, status=201)

    @extend_schema(operation_id="turnOffCalendarFeed", tags=TAG, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Turn the feed off. Done before, it changes nothing."""
        calendar_feed.turn_off(self.workspace, actor=self.person)
        return Response(status=204)
