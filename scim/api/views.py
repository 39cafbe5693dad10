"""The endpoints of a directory. Thin: parse, call one service, answer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from scim import cursor_queries, memberships, queries, rendering, services
from scim.api.base import ScimView, body_of, json_answer
from scim.api.exceptions import MEDIA_TYPE
from scim.api.parsers import (
    cursor_of,
    is_not_modified,
    preconditions_of,
    projection_of,
    query_of,
)
from scim.bulk import BulkRequest
from scim.cursor_queries import CursorPage
from scim.protocol import bulk
from scim.protocol.cursors import Sealer
from scim.protocol.errors import Forbidden, NotFound, NotImplementedHere
from scim.protocol.schema import ResourceSchema, discovery
from scim.protocol.types import Document
from scim.rendering import etag
from scim.served import provider_of


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
            body_of(request),
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
    reads_by_post = True

    def post(self, request: Request, endpoint: str, **_: str) -> HttpResponse:
        """List and filter by a SearchRequest. RFC 7644 section 3.4.3."""
        return self.search(self.resource_schema(endpoint), body_of(request))


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
        related = {s.name: rendering.related(s, projection) for s in schemas}
        cursor = cursor_of(parameters)
        place: Document = {"startIndex": query.start_index}
        if cursor is None:
            found = queries.search_all(self.directory, schemas, query, related=related)
        else:
            sealer = self.sealer(query)
            at = sealer.open(cursor) if cursor else None
            walked = cursor_queries.search_all(
                self.directory, schemas, query, at, related=related
            )
            found, place = walked.page, _neighbours(walked, sealer)
        body = rendering.page(
            schemas, found, place, self.directory.base_url, projection
        )
        return HttpResponse(body, content_type=MEDIA_TYPE)


class RootSearch(Root):
    """`/.search`: the same without a filter in the URL."""

    http_method_names = ["post"]
    reads_by_post = True

    def post(self, request: Request, **_: str) -> HttpResponse:
        """List and filter by a SearchRequest."""
        return self.search(body_of(request))


class Item(ScimView):
    """`/Users/{id}`, `/Groups/{id}`."""

    def get(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Read."""
        schema = self.resource_schema(endpoint)
        related = rendering.related(schema, self.projection)
        row = queries.get(self.directory, schema, public_id, related=related)
        tag = etag(row.version, row.related)
        if is_not_modified(request, tag):
            response = HttpResponse(status=304)
        else:
            body = rendering.one(schema, row, self.directory.base_url, self.projection)
            response = HttpResponse(body, content_type=MEDIA_TYPE)
        response["ETag"] = tag
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
            body_of(request),
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
            body_of(request),
            origin=self.origin(request),
            preconditions=preconditions_of(request),
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        if not self.projection and memberships.is_large(resource):
            response = HttpResponse(status=204)
            response["ETag"] = etag(resource.version)
            return response
        return self.answer(request, schema, resource, 200)

    def delete(
        self, request: Request, endpoint: str, public_id: str, **_: str
    ) -> HttpResponse:
        """Delete."""
        self.facts.resource_id = public_id[:36]
        schema = self.resource_schema(endpoint)
        services.delete(
            self.directory,
            schema,
            public_id,
            origin=self.origin(request),
            preconditions=preconditions_of(request),
            now=self.now,
        )
        self.confirm(schema, public_id)
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
            return json_answer(documents[0])
        if name is None:
            return json_answer(
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
                return json_answer(document)
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
            bulk.read(body_of(request)),
            origin=self.origin(request),
            normaliser=self.normaliser,
            now=self.now,
        )
        return json_answer(bulk_request.carry_out())


class NoEndpoint(ScimView):
    """Any other path: 401 without a token, else 404."""

    def get(self, request: Request, **_: str) -> HttpResponse:
        """Say so, whatever the method."""
        raise NotFound("There is no such endpoint.")

    post = put = patch = delete = get


def _neighbours(walked: CursorPage, sealer: Sealer) -> Document:
    place: Document = {}
    if walked.next is not None:
        place["nextCursor"] = sealer.seal(walked.next)
    if walked.previous is not None:
        place["previousCursor"] = sealer.seal(walked.previous)
    return place
