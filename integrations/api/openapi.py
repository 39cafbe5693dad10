"""The description of the management API: OpenAPI 3.1, made from the views."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import ApiView
from integrations.api.problems import MEDIA_TYPE, Problem
from workspaces.permissions import Permission

Routes = list[tuple[str, str, str, Any]]
METHODS = {"get", "post", "patch", "put", "delete"}
TOPICS = {
    "User": "Who calls.",
    "Org": "Who belongs to the organization.",
    "scimTokens": "Tokens of Directory Sync, each of one org membership.",
    "Dashboard": "How the workspace stands, in figures.",
    "Integrations": "Apps behind a SCIM gateway.",
    "Tokens": "SCIM tokens of gateways and of Directory Sync.",
    "OAuth": "OAuth clients of a directory, and its trust in an IdP.",
    "Token life": "The token policy, scheduled rotation and the calendar feed.",
    "Held removals": "What the IdP takes away at once, and the decision on it.",
    "Plan": "What would be done in the app, and when it is.",
    "Provisioning": "How the provisioning of each user stands.",
    "Entitlements": "Groups, what accounts of the app can hold, and who holds it.",
    "Changes": "What was changed in the app, and the way back.",
    "Tasks": "What people do by hand in apps that Keyway cannot reach.",
    "Connections": "Quarantine and silence alarm of an IdP's connection.",
    "Unmatched accounts": "Accounts of the app that belong to no user of the IdP.",
    "Service accounts": "The accounts with which Keyway works in apps.",
    "Jobs": "Syncs and other background work.",
    "Activity": "What the IdP asked, and what was done.",
    "Directory Sync": "Email domains, invites and the roles of teams.",
    "Members": "Who belongs to the workspace.",
    "API tokens": "Tokens of this API, without their values.",
    "Webhooks": "Endpoints that hear of events, and what was sent to them.",
    "Audit": "Who did what, for how long that is kept, where it goes.",
}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong, and what would be right: RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names API tokens."""

    target_class = "tokens.api_authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "kwa_…"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names sessions of the portal."""

    target_class = "tokens.api_authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "keyway_session"}


def only_api(endpoints: Routes) -> Routes:
    """Leave SCIM out: it describes itself, by its own means."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/")]


def complete(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add what every operation shares: problems, topics, bodies without other members."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    result["tags"] = [
        {"name": name, "description": text} for name, text in TOPICS.items()
    ]
    answer = {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    schemas = result["components"]["schemas"]
    for path, operations in result["paths"].items():
        for method in METHODS & operations.keys():
            operations[method]["responses"]["default"] = answer
            if path.startswith("/api/v1/"):
                _refuse_other_members(operations[method], schemas)
    return result


def _refuse_other_members(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say that a body has no members but those described."""
    content = operation.get("requestBody", {}).get("content", {})
    for described in content.values():
        name = described["schema"]["$ref"].rpartition("/")[2]
        schemas[name]["additionalProperties"] = False


@cache
def document() -> dict[str, Any]:
    """Return the whole document. It is the same for everybody."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return made


class Document(ApiView):
    """The OpenAPI document."""

    permissions: ClassVar = {"GET": None}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Return it as JSON."""
        return Response(document())


@extend_schema(exclude=True)
class Nothing(ApiView):
    """Every address of the API that is none."""

    permissions: ClassVar[dict[str, Permission | None]] = dict.fromkeys(
        ("GET", "POST", "PUT", "PATCH", "DELETE")
    )

    def _refuse(self, request: Request) -> Response:
        raise Problem(404, "There is no such address. The API is at /api/.")

    get = post = put = patch = delete = _refuse
