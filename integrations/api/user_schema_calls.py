"""The user schema of an integration: its custom attributes and custom roles."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.provisioning import app_schema
from scim import schema_changes
from scim.protocol import user_schema
from scim.protocol.user_schema import InvalidUserSchema, UserSchema
from scim.schema_changes import Losses
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission

TAG = ["Integrations"]


class UserSchemaSerializer(serializers.Serializer):
    """What users have beyond the attributes of SCIM, as a manifest's `user_schema` says it."""

    version = serializers.CharField(
        help_text="Stands for the schema as it is: a change names the one that it saw."
    )
    attributes = serializers.ListField(
        child=serializers.DictField(),
        help_text="Each with a `name`; `type` is string if it is left out.",
    )
    roles = serializers.ListField(
        child=serializers.DictField(),
        default=list,
        help_text="Each with a `value` and a `ranking`.",
    )


class ChangedUserSchemaSerializer(UserSchemaSerializer):
    """The whole schema as it is to be."""

    discardValues = serializers.BooleanField(
        default=False,
        help_text="Take away what users have of attributes and roles that go.",
    )


class UserSchemaOf(ApiView):
    """The user schema of one integration."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "PUT"), Permission.MANAGE_INTEGRATIONS
    )

    @extend_schema(
        operation_id="loadUserSchema", tags=TAG, responses=UserSchemaSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        """Return the custom attributes and roles, with the version to change them by."""
        return _shown(integration_of(self.workspace, key).directory)

    @extend_schema(
        operation_id="changeUserSchema",
        tags=TAG,
        request=ChangedUserSchemaSerializer,
        responses=UserSchemaSerializer,
    )
    def put(self, request: Request, key: str) -> Response:
        """Replace the schema. What users would lose is told first: `discardValues`."""
        integration = integration_of(self.workspace, key)
        directory = integration.directory
        wish = form_input.body_of(request, ChangedUserSchemaSerializer)
        definition = {"attributes": wish["attributes"], "roles": wish["roles"]}
        try:
            schema = app_schema.parse(integration.app.manifest, definition)
        except InvalidUserSchema as error:
            raise _wrong(error) from None
        if not wish["discardValues"]:
            _refuse_losses(directory, schema)
        schema_changes.change_user_schema(
            directory,
            user_schema.stored(schema),
            expected_version=wish["version"],
            actor=self.person,
            now=database_now(),
        )
        return _shown(directory)


def _shown(directory: Directory) -> Response:
    stored = user_schema.stored(schema_changes.user_schema_of(directory))
    body: dict[str, Any] = {
        "version": schema_changes.version_of(directory),
        "attributes": stored.get("attributes", []),
        "roles": stored.get("roles", []),
    }
    return Response(body)


def _wrong(error: InvalidUserSchema) -> Problem:
    """Return what is wrong, each with its place: `attributes[2].type` is attributes/2/type."""
    fields = {
        re.sub(r"\[(\d+)\]", r"/\1", problem.place).replace(".", "/"): problem.message
        for problem in error.problems
    }
    return Problem(422, "This is no user schema.", fields=fields)


def _refuse_losses(directory: Directory, schema: UserSchema) -> None:
    losses = schema_changes.losses(
        directory,
        kept={attribute.name for attribute in schema.attributes},
        kept_roles={role.key for role in schema.roles},
    )
    if losses:
        raise Problem(
            409,
            f"Users lose what they have of {_in_words(losses)}. Nothing was changed. "
            "Keep it, or send discardValues with true.",
        )


def _in_words(losses: Losses) -> str:
    told = {**losses.attributes, **losses.roles}
    return ", ".join(f"{name} ({users})" for name, users in told.items())
