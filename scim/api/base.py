"""What every endpoint of a directory shares: who asks, and how answers look."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import orjson
from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import NotAuthenticated, Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from scim import confirming, queries, rendering, services, throttle
from scim.api.exceptions import MEDIA_TYPE, Quarantined, response_for
from scim.api.gate import METHODS
from scim.api.parsers import (
    JsonParser,
    ScimParser,
    projection_of,
)
from scim.models import Resource
from scim.protocol.cursors import Sealer
from scim.protocol.dialects import Dialect, recognise
from scim.protocol.errors import Forbidden, NotFound
from scim.protocol.schema import ResourceSchema
from scim.protocol.tolerances import Normaliser
from scim.protocol.types import Document
from scim.queries import Query
from scim.rendering import etag
from scim.served import provider_of
from tokens.authentication import ScimTokenAuthentication
from tokens.opening import ScimPrincipal, note_refusal
from workspaces.faults import fault
from workspaces.models import Directory


class AnyAccept(BaseContentNegotiation):
    """Answer SCIM JSON whatever the client says that it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser of the body's media type, if there is one."""
        given = (request.content_type or "").split(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type == given), None)

    def select_renderer(
        self, request: Request, renderers: Any, suffix: Any = None
    ) -> Any:
        """Render nothing here: views answer with bytes."""
        return renderers[0], MEDIA_TYPE


class ScimView(APIView):
    """Bearer token in, SCIM out. Every error becomes a SCIM Error."""

    authentication_classes = [ScimTokenAuthentication]
    permission_classes: list[Any] = []
    parser_classes = [ScimParser, JsonParser]
    content_negotiation_class = AnyAccept
    reads_by_post = False

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Answer an error, with the challenge of a 401."""
        response = response_for(exc, self.request)
        if response.status_code == 401:
            response["WWW-Authenticate"] = self.get_authenticate_header(self.request)
        if response.status_code == 405:
            offered = METHODS & set(self.allowed_methods)
            response["Allow"] = ", ".join(sorted(offered))
        return response

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Leave the answer as the view made it."""
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate before anything of the request is looked at."""
        principal = cast("ScimPrincipal | None", request.user)
        if principal is None:
            raise NotAuthenticated
        self.principal = principal
        self.facts = request._request.facts  # type: ignore[attr-defined]
        self.facts.directory = principal.directory
        self.facts.token_key = principal.token_key
        wait = throttle.wait_seconds(principal.token_key)
        if wait:
            raise Throttled(wait)
        self.refuse_beyond_limits(request)
        if principal.directory.quarantined_at and not self.is_read(request):
            raise Quarantined
        # Before anything is written, so that a bad one leaves nothing behind.
        self.projection = projection_of(request.GET)

    def refuse_beyond_limits(self, request: Request) -> None:
        """Raise Forbidden where the token's own limits end; the audit log hears."""
        limits, address = self.principal.limits, request.META.get("REMOTE_ADDR")
        where = f"Limit {self.principal.opener.noun}"
        if not limits.allows_from(address):
            note_refusal(self.principal, reason="Address not allowed")
            raise Forbidden(
                f"This token may not be used from {address}. Send from an allowed "
                f"network, or allow this one in Keyway under {where}."
            )
        if limits.is_read_only and not self.is_read(request):
            note_refusal(self.principal, reason="Read-only token")
            raise Forbidden(
                "This token may only read. Use another one to write, or change it in "
                f"Keyway under {where}."
            )

    def is_read(self, request: Request) -> bool:
        """Say whether the request changes nothing."""
        return request.method == "GET" or self.reads_by_post

    @property
    def directory(self) -> Directory:
        """The directory that the token opens: the tenant of the request."""
        return self.principal.directory

    @property
    def now(self) -> datetime:
        """The database's time in the milliseconds that SCIM shows."""
        now = self.principal.now
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def resource_schema(self, endpoint: str) -> ResourceSchema:
        """Return the resource type of an endpoint. Raises NotFound."""
        found = provider_of(self.directory).at(endpoint)
        if found is None:
            raise NotFound("There is no such endpoint.")
        return found

    def normaliser(self, schema: ResourceSchema) -> Normaliser:
        """Return a normaliser whose findings go into the record of the request."""
        dialect = self.directory.dialect
        if dialect == Directory.Dialect.AUTO:
            dialect = recognise(self.request.META.get("HTTP_USER_AGENT", ""), set())
        normaliser = Normaliser(
            schema, leaves_unknown_members_out=dialect == Dialect.GENERIC
        )
        normaliser.used = self.facts.tolerances
        return normaliser

    def origin(self, request: Request) -> services.Origin:
        """Return where a change comes from."""
        return services.Origin(
            token_key=self.principal.token_key,
            request_id=getattr(request._request, "request_id", ""),
            email_domains=self.principal.limits.email_domains,
        )

    def sealer(self, query: Query, schema: ResourceSchema | None = None) -> Sealer:
        """Return what makes and reads the cursors of a query of this directory."""
        name = schema.name if schema else None
        order = query.descending if query.sort_by else None
        about = (self.directory.key, name, query.filter, query.sort_by, order)
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return Sealer(secrets, about, self.now)

    def confirm(self, schema: ResourceSchema, public_id: str) -> None:
        """Wait for the app if the directory does so. Raises RefusedByApp."""
        if self.directory.confirms_with_app and schema.name == "User":
            confirming.confirm(self.directory, public_id)

    def answer(
        self,
        request: Request,
        schema: ResourceSchema,
        resource: Resource,
        status: int,
    ) -> HttpResponse:
        """Return a resource that was just written."""
        fault("scim.after_commit")
        self.facts.resource_id = resource.public_id
        self.confirm(schema, resource.public_id)
        related = rendering.related(schema, self.projection)
        if status == 201 and schema.name == "User" and resource.version == 1:
            # Nobody is in a group before they exist.
            related = None
        row = queries.row_of(self.directory, resource, related=related)
        base_url = self.directory.base_url
        body = rendering.one(schema, row, base_url, self.projection)
        response = HttpResponse(body, status=status, content_type=MEDIA_TYPE)
        response["ETag"] = etag(row.version, row.related)
        response["Location"] = f"{base_url}/{schema.endpoint}/{row.public_id}"
        return response


def body_of(request: Request) -> Document:
    """Return the object that the parser read; without a body there is none."""
    return cast("Document", dict(request.data))


def json_answer(document: Document) -> HttpResponse:
    """Return a document as an answer."""
    return HttpResponse(orjson.dumps(document), content_type=MEDIA_TYPE)
