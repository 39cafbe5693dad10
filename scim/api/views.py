"""The endpoints of a directory. Thin: parse, call one service, answer."""

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

from scim import cursor_queries, queries, rendering, services, store, throttle
from scim.api.exceptions import MEDIA_TYPE, response_for
from scim.api.gate import METHODS
from scim.api.parsers import (
    JsonParser,
    ScimParser,
    cursor_of,
    is_not_modified,
    preconditions_of,
    projection_of,
    query_of,
)
from scim.bulk import BulkRequest
from scim.cursor_queries import CursorPage
from scim.models import Resource
from scim.protocol import bulk
from scim.protocol.cursors import Sealer
from scim.protocol.errors import Forbidden, NotFound, NotImplementedHere
from scim.protocol.schema import ResourceSchema, discovery
from scim.protocol.tolerances import Normaliser
from scim.protocol.types import Document
from scim.queries import Query
from scim.rendering import etag
from scim.served import provider_of
from tokens.authentication import ScimPrincipal, ScimTokenAuthentication
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
        # Before anything is written, so that a bad one leaves nothing behind.
        self.projection = projection_of(request.GET)

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
        normaliser = Normaliser(schema)
        self.facts.tolerances = normaliser.used
        return normaliser

    def origin(self, request: Request) -> services.Origin:
        """Return where a change comes from."""
        return services.Origin(
            token_key=self.principal.token_key,
            request_id=getattr(request._request, "request_id", ""),
        )

    def sealer(self, query: Query, schema: ResourceSchema | None = None) -> Sealer:
        """Return what makes and reads the cursors of a query of this directory."""
        name = schema.name if schema else None
        order = query.descending if query.sort_by else None
        about = (self.directory.key, name, query.filter, query.sort_by, order)
        return Sealer(settings.SECRET_KEY, about, self.now)

    def answer(
        self,
        request: Request,
        schema: ResourceSchema,
        resource: Resource,
        status: int,
    ) -> HttpResponse:
        """Return a resource that was just written."""
        self.facts.resource_id = resource.public_id
        related = rendering.related(schema, self.projection)
        if status == 201 and schema.name == "User" and resource.version == 1:
            # Nobody is in a group before they exist.
            related = None
        row = queries.row_of(resource, related=related)
        base_url = self.directory.base_url
        body = rendering.one(schema, row, base_url, self.projection)
        response = HttpResponse(body, status=status, content_type=MEDIA_TYPE)
        response["ETag"] = etag(row.version)
        response["Location"] = f"{base_url}/{schema.endpoint}/{row.public_id}"
        return response


class Collection(ScimView):
    """`/Users`, `/Groups`."""

    def get(self, request: Request, endpoint: str, **_: str) -> HttpResponse:
        """List and filter."""
        return self.search(self.resource_schema(endpoint), request.GET)

    def post(self, request: Request, endpoint: str, **_: str) -> HttpResponse:
        """Create."""
        schema = self.resource_schema(endpoint)
        resource = services.create(
            self.directory,
            schema,
            _body(request),
            origin=self.origin(request),
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        return self.answer(request, schema, resource, 201)

    def search(self, schema: ResourceSchema, parameters: Any) -> HttpResponse:
        """Answer a list request."""
        query = query_of(parameters)
        projection = projection_of(parameters)
        related = rendering.related(schema, projection)
        cursor = cursor_of(parameters)
        place: Document = {"startIndex": query.start_index}
        if cursor is None:
            found = queries.search(self.directory, schema, query, related=related)
        else:
            sealer = self.sealer(query, schema)
            at = sealer.open(cursor) if cursor else None
            walked = cursor_queries.search(
                self.directory, schema, query, at, related=related
            )
            found, place = walked.page, _neighbours(walked, sealer)
        body = rendering.page(
            [schema], found, place, self.directory.base_url, projection
        )
        return HttpResponse(body, content_type=MEDIA_TYPE)


class Search(Collection):
    """`/Users/.search`: a list request whose filter is not in the URL."""

    http_method_names = ["post"]

    def post(self, request: Request, endpoint: str, **_: str) -> HttpResponse:
        """List and filter by a SearchRequest. RFC 7644 section 3.4.3."""
        return self.search(self.resource_schema(endpoint), _body(request))


class Root(ScimView):
    """The base URL itself: a search over every resource type."""

    http_method_names = ["get"]

    def get(self, request: Request, **_: str) -> HttpResponse:
        """List and filter."""
        return self.search(request.GET)

    def search(self, parameters: Any) -> HttpResponse:
        """Answer a list request over users and groups together."""
        schemas = list(provider_of(self.directory).resource_types.values())
        query = query_of(parameters)
        projection = projection_of(parameters)
        cursor = cursor_of(parameters)
        place: Document = {"startIndex": query.start_index}
        if cursor is None:
            found = queries.search_all(self.directory, schemas, query)
        else:
            sealer = self.sealer(query)
            at = sealer.open(cursor) if cursor else None
            walked = cursor_queries.search_all(self.directory, schemas, query, at)
            found, place = walked.page, _neighbours(walked, sealer)
        body = rendering.page(
            schemas, found, place, self.directory.base_url, projection
        )
        return HttpResponse(body, content_type=MEDIA_TYPE)


class RootSearch(Root):
    """`/.search`: the same without a filter in the URL."""

    http_method_names = ["post"]

    def post(self, request: Request, **_: str) -> HttpResponse:
        """List and filter by a SearchRequest."""
        return self.search(_body(request))


class Item(ScimView):
    """`/Users/{id}`, `/Groups/{id}`."""

    def get(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Read."""
        schema = self.resource_schema(endpoint)
        related = rendering.related(schema, self.projection)
        row = queries.get(self.directory, schema, public_id, related=related)
        if is_not_modified(request, row.version):
            response = HttpResponse(status=304)
        else:
            body = rendering.one(schema, row, self.directory.base_url, self.projection)
            response = HttpResponse(body, content_type=MEDIA_TYPE)
        response["ETag"] = etag(row.version)
        return response

    def put(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Replace."""
        schema = self.resource_schema(endpoint)
        resource = services.replace(
            self.directory,
            schema,
            public_id,
            _body(request),
            origin=self.origin(request),
            preconditions=preconditions_of(request),
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        return self.answer(request, schema, resource, 200)

    def patch(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Change in parts.

        Answers 200 with the resource, which suits every IdP; 204 for a large group,
        whose members would be all of the work. RFC 7644 section 3.5.2.
        """
        schema = self.resource_schema(endpoint)
        resource = services.patch(
            self.directory,
            schema,
            public_id,
            _body(request),
            origin=self.origin(request),
            preconditions=preconditions_of(request),
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        if not self.projection and store.is_large(resource):
            response = HttpResponse(status=204)
            response["ETag"] = etag(resource.version)
            return response
        return self.answer(request, schema, resource, 200)

    def delete(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Delete."""
        self.facts.resource_id = public_id[:36]
        services.delete(
            self.directory,
            self.resource_schema(endpoint),
            public_id,
            origin=self.origin(request),
            preconditions=preconditions_of(request),
            now=self.now,
        )
        return HttpResponse(status=204)


class Discovery(ScimView):
    """`/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`. RFC 7644 section 4."""

    http_method_names = ["get"]

    def get(
        self, request: Request, endpoint: str, name: str | None = None, **_: str
    ) -> HttpResponse:
        """Answer one document, or the list of them."""
        if "filter" in request.GET:
            raise Forbidden("Discovery endpoints take no filter.")
        documents = discovery(
            provider_of(self.directory),
            endpoint,
            self.directory.base_url,
            max_body_bytes=settings.KEYWAY_SCIM_MAX_BODY_BYTES,
        )
        if endpoint == "ServiceProviderConfig":
            if name is not None:
                raise NotFound("There is no such endpoint.")
            return _json(documents[0])
        if name is None:
            return _json(
                {
                    "schemas": [rendering.LIST_URN],
                    "totalResults": len(documents),
                    "startIndex": 1,
                    "itemsPerPage": len(documents),
                    "Resources": list(documents),
                }
            )
        for document in documents:
            if document.get("id") == name:
                return _json(document)
        raise NotFound(f"There is no such document at /{endpoint}.")


class Me(ScimView):
    """`/Me`: a token is not a person."""

    def get(self, request: Request, **_: str) -> HttpResponse:
        """Say so, whatever the method."""
        raise NotImplementedHere(
            "/Me is not offered: the token stands for an IdP, not for a user."
        )

    post = put = patch = delete = get


class Bulk(ScimView):
    """`/Bulk`: many operations in one request. RFC 7644 section 3.7."""

    http_method_names = ["post"]

    def post(self, request: Request, **_: str) -> HttpResponse:
        """Carry them out, each by itself."""
        bulk_request = BulkRequest(
            self.directory,
            provider_of(self.directory),
            bulk.read(_body(request)),
            origin=self.origin(request),
            now=self.now,
        )
        return _json(bulk_request.carry_out())


class NoEndpoint(ScimView):
    """Any other path: 401 without a token, else 404."""

    def get(self, request: Request, **_: str) -> HttpResponse:
        """Say so, whatever the method."""
        raise NotFound("There is no such endpoint.")

    post = put = patch = delete = get


def _body(request: Request) -> Document:
    """Return the object that the parser read; without a body there is none."""
    return cast("Document", dict(request.data))


def _neighbours(walked: CursorPage, sealer: Sealer) -> Document:
    place: Document = {}
    if walked.next is not None:
        place["nextCursor"] = sealer.seal(walked.next)
    if walked.previous is not None:
        place["previousCursor"] = sealer.seal(walked.previous)
    return place


def _json(document: Document) -> HttpResponse:
    return HttpResponse(orjson.dumps(document), content_type=MEDIA_TYPE)
