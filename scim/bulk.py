"""Carry out a bulk request: each operation a transaction of its own.

RFC 7644 section 3.7. Every operation goes through the same services as a single
request, so that nothing is checked twice or less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from scim import services
from scim.models import Resource
from scim.protocol import bulk
from scim.protocol.bulk import Operation, Plan, Refused
from scim.protocol.errors import (
    InvalidValue,
    NotFound,
    ScimError,
    TookTooLong,
    error_document,
)
from scim.protocol.schema import ResourceSchema, ServiceProvider
from scim.protocol.tolerances import Normaliser
from scim.protocol.types import Document
from scim.rendering import etag
from scim.services import ANY, Origin, Preconditions
from workspaces.models import Directory

TIME_LIMIT = 6
"""Seconds for all operations of a request; the last may take some more."""


class BulkRequest:
    """One bulk request under way: what was created so far, and what waits for it."""

    def __init__(
        self,
        directory: Directory,
        provider: ServiceProvider,
        plan: Plan,
        *,
        origin: Origin,
        normaliser: Callable[[ResourceSchema], Normaliser],
        now: datetime,
    ) -> None:
        self.directory = directory
        self.provider = provider
        self.plan = plan
        self.origin = origin
        self.normaliser = normaliser
        self.now = now
        self.ids: dict[str, str] = {}
        self.failed: set[str] = set()
        self.waiting: list[tuple[str, list[str]]] = []

    def carry_out(self) -> Document:
        """Return the BulkResponse, in the order of the request.

        Stops after `failOnErrors` errors; what was done until then stays done. What
        is left when its time is up is answered with 503, to be sent again.
        """
        self.deadline = time.monotonic() + TIME_LIMIT
        outcomes: dict[int, Document] = {}
        errors = 0
        for operation in self.plan.operations:
            outcome = self._outcome(operation)
            outcomes[operation.index] = outcome
            errors += "response" in outcome
            if self.plan.fail_on_errors and errors >= self.plan.fail_on_errors:
                break
        self._join_circles()
        return {
            "schemas": [bulk.RESPONSE_URN],
            "Operations": [outcomes[index] for index in sorted(outcomes)],
        }

    def _outcome(self, operation: Operation | Refused) -> Document:
        outcome: Document = {"method": operation.method}
        if operation.bulk_id:
            outcome["bulkId"] = operation.bulk_id
        if operation.method != "POST":
            path = str(bulk.resolved(operation.path, {})).lstrip("/")
            outcome["location"] = f"{self.directory.base_url}/{path}"
        try:
            if isinstance(operation, Refused):
                raise operation.error
            if time.monotonic() > self.deadline:
                raise TookTooLong(
                    f"Not done: a bulk request has {TIME_LIMIT} seconds. Send this "
                    "operation again."
                )
            outcome |= self._apply(operation)
        except ScimError as error:
            error.note()
            if operation.bulk_id:
                self.failed.add(operation.bulk_id)
            outcome["status"] = str(error.status)
            outcome["response"] = error_document(
                error.status, error.detail, error.scim_type
            )
        return outcome

    def _apply(self, operation: Operation) -> Document:
        schema = self.provider.at(operation.endpoint)
        if schema is None:
            raise NotFound("There is no such endpoint.")
        if operation.method == "POST":
            return self._created(schema, self._create(schema, operation))
        public_id = str(bulk.resolved(operation.target, self.ids))
        data = self._data(operation)
        preconditions = ANY
        if operation.version:
            tag = operation.version.removeprefix("W/").strip('"')
            version = tag.partition("-")[0]
            preconditions = Preconditions(if_match=frozenset({version}))
        if operation.method == "DELETE":
            services.delete(
                self.directory,
                schema,
                public_id,
                origin=self.origin,
                preconditions=preconditions,
                now=self.now,
            )
            return {"status": "204"}
        change = services.replace if operation.method == "PUT" else services.patch
        resource = change(
            self.directory,
            schema,
            public_id,
            data,
            origin=self.origin,
            preconditions=preconditions,
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        return self._created(schema, resource) | {"status": "200"}

    def _create(self, schema: ResourceSchema, operation: Operation) -> Resource:
        waiting = self.plan.names - self.ids.keys() - self.failed
        data, later = bulk.without_members(operation.data, set(waiting))
        if operation.bulk_id in later:
            raise InvalidValue("A group cannot be a member of itself.")
        resource = services.create(
            self.directory,
            schema,
            self._data(operation, data),
            origin=self.origin,
            normaliser=self.normaliser(schema),
            now=self.now,
        )
        if operation.bulk_id:
            self.ids[operation.bulk_id] = resource.public_id
        if later:
            self.waiting.append((resource.public_id, later))
        return resource

    def _data(self, operation: Operation, data: Document | None = None) -> Document:
        """Return the data with every reference resolved. Raises InvalidValue."""
        result = bulk.resolved(data if data is not None else operation.data, self.ids)
        unknown = next(bulk.references(result), None)
        if unknown is not None:
            raise InvalidValue(
                "A bulkId is referred to that no successful operation has."
            )
        assert isinstance(result, dict)  # noqa: S101  it was one before
        return result

    def _created(self, schema: ResourceSchema, resource: Resource) -> Document:
        base = self.directory.base_url
        return {
            "location": f"{base}/{schema.endpoint}/{resource.public_id}",
            "version": etag(resource.version),
            "status": "201",
        }

    def _join_circles(self) -> None:
        """Put the members in who did not exist yet when their group was made.

        Another operation may have deleted either meanwhile.
        """
        schema = self.provider.resource_types["Group"]
        for public_id, names in self.waiting:
            members: list[Document] = [
                {"value": self.ids[name]} for name in names if name in self.ids
            ]
            if not members:
                continue
            operation: Document = {"op": "add", "path": "members", "value": [*members]}
            with suppress(NotFound):
                services.patch(
                    self.directory,
                    schema,
                    public_id,
                    {"Operations": [operation]},
                    origin=self.origin,
                    normaliser=Normaliser(schema, leaves_unknown_members_out=True),
                    now=self.now,
                )
