"""Create, replace, patch and delete resources: one transaction each.

Validate, store, write the Change row, tell the receivers of `resource_changed`.
All or none. The portal's sync and the SCIM API call the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from scim import counts, memberships, store
from scim.models import Change, Resource
from scim.narrowed import refuse_outside
from scim.protocol import documents, members, outgrown
from scim.protocol.errors import Forbidden, PreconditionFailed, Uniqueness
from scim.protocol.members import MemberChange
from scim.protocol.schema import ResourceSchema
from scim.protocol.tolerances import Normaliser, Tolerance
from scim.protocol.types import Document
from scim.signals import resource_changed
from workspaces import rows
from workspaces.faults import fault
from workspaces.models import Directory


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks for a change: a token's request, or a sync of the app."""

    source: Resource.Source = Resource.Source.IDP
    token_key: str = ""
    request_id: str = ""
    email_domains: tuple[str, ...] = ()
    """Whose users the token may write; empty for all."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did, for those who act on it."""

    kind: Change.Kind
    resource_id: str
    resource_type: str
    version: int
    origin: Origin
    resource: Resource | None
    """None once it is deleted."""

    members: frozenset[int] = field(default_factory=frozenset)
    """Database ids of resources whose memberships changed."""


@dataclass(frozen=True, slots=True)
class Preconditions:
    """`If-Match` and `If-None-Match` of a write, as sets of versions.

    None means that the header was not sent; `any` stands for `*`.
    """

    if_match: frozenset[str] | None = None
    if_none_match: frozenset[str] | None = None

    def check(self, version: int) -> None:
        """Raise PreconditionFailed. RFC 7644 section 3.14, RFC 9110 section 13."""
        present = {str(version), "*"}
        if (self.if_match is not None and not self.if_match & present) or (
            self.if_none_match is not None and self.if_none_match & present
        ):
            raise PreconditionFailed(
                "The resource has changed since. Read it again, then repeat the change."
            )


ANY = Preconditions()


def create(
    directory: Directory,
    schema: ResourceSchema,
    body: Document,
    *,
    origin: Origin,
    normaliser: Normaliser | None = None,
    now: datetime,
) -> Resource:
    """Store a new resource. Raises ScimError.

    A user who exists and is inactive is brought back instead: Okta creates
    again whom it deactivated. An active one of the same `userName` or `externalId`
    is a conflict.
    """
    _refuse_read_only(schema, origin)
    normaliser = normaliser or Normaliser(schema)
    normal = normaliser.resource(body)
    document = documents.validate_new(schema, normal)
    with transaction.atomic():
        if schema.name == "User":
            refuse_outside(origin.email_domains, document)
            document.setdefault("active", True)
            returned = _reactivate(directory, schema, document, origin, now)
            if returned is not None:
                return returned
        resource = store.insert(
            directory, schema, document, source=origin.source, now=now
        )
        added = members.added_by(normal) if schema.name == "Group" else []
        moved = _change_members(schema, resource, added, normaliser, now)
        _announce(directory, resource, Change.Kind.CREATED, origin, [], moved, now)
        counts.change(directory, schema.name, resource.pk, 1)
        return resource


@transaction.atomic
def create_all(
    directory: Directory,
    schema: ResourceSchema,
    bodies: Sequence[Document],
    *,
    origin: Origin,
    now: datetime,
) -> list[Resource]:
    """Store users who are all new, with a query or two each. Raises ScimError.

    All or none. Nobody is brought back: who is there already is a conflict.
    """
    normal = [Normaliser(schema).resource(body) for body in bodies]
    checked = [documents.validate_new(schema, body) for body in normal]
    created = store.insert_all(
        directory, schema, checked, source=origin.source, now=now
    )
    for resource in created:
        _announce(
            directory, resource, Change.Kind.CREATED, origin, [], frozenset(), now
        )
    counts.change_all(directory, schema.name, [resource.pk for resource in created])
    return created


@transaction.atomic
def replace(
    directory: Directory,
    schema: ResourceSchema,
    public_id: str,
    body: Document,
    *,
    origin: Origin,
    preconditions: Preconditions = ANY,
    normaliser: Normaliser | None = None,
    now: datetime,
) -> Resource:
    """Give a resource a new document. Raises ScimError.

    A group keeps its members if the body does not name any.
    """
    _refuse_read_only(schema, origin)
    normaliser = normaliser or Normaliser(schema)
    normal = normaliser.resource(body)
    resource = store.load_for_update(directory, schema, public_id)
    preconditions.check(resource.version)
    current = store.read(resource)
    document = documents.validate_replacement(schema, normal, current)
    change = members.from_body(normal) if schema.name == "Group" else None
    _write(
        resource,
        schema,
        current,
        document,
        [change] if change else [],
        normaliser,
        Change.Kind.REPLACED,
        origin,
        now,
    )
    return resource


@transaction.atomic
def patch(
    directory: Directory,
    schema: ResourceSchema,
    public_id: str,
    body: Document,
    *,
    origin: Origin,
    preconditions: Preconditions = ANY,
    normaliser: Normaliser | None = None,
    now: datetime,
) -> Resource:
    """Apply the operations of a PATCH, all or none. Raises ScimError."""
    _refuse_read_only(schema, origin)
    normaliser = normaliser or Normaliser(schema)
    operations = normaliser.operations(body)
    resource = store.load_for_update(directory, schema, public_id)
    preconditions.check(resource.version)
    on_document, on_members = members.split(schema, operations)
    current = store.read(resource)
    document = documents.patch(schema, current, on_document) if on_document else current
    _write(
        resource,
        schema,
        current,
        document,
        on_members,
        normaliser,
        Change.Kind.PATCHED,
        origin,
        now,
    )
    return resource


@transaction.atomic
def delete(
    directory: Directory,
    schema: ResourceSchema,
    public_id: str,
    *,
    origin: Origin,
    preconditions: Preconditions = ANY,
    now: datetime,
) -> None:
    """Remove a resource, also from its groups. Raises ScimError."""
    _refuse_read_only(schema, origin)
    resource = store.load_for_update(directory, schema, public_id)
    preconditions.check(resource.version)
    moved = frozenset(
        resource.members.values_list("member", flat=True)
        if schema.name == "Group"
        else ()
    )
    _announce(directory, resource, Change.Kind.DELETED, origin, [], moved, now)
    if schema.name == "User":
        refuse_outside(origin.email_domains, store.read(resource))
    resource_id = resource.pk
    store.delete(resource)
    counts.change(directory, schema.name, resource_id, -1)


@transaction.atomic
def fit(
    directory: Directory, schema: ResourceSchema, public_id: str, *, now: datetime
) -> None:
    """Bring a user into line with a user schema that has changed. Raises NotFound.

    Values that it has outgrown go, like by a PATCH; filters see the rest anew.
    """
    resource = store.load_for_update(directory, schema, public_id)
    current = store.read(resource)
    document = outgrown.fitted(schema, current)
    if document == current:
        store.compare_anew(resource, schema, current)
    kind = Change.Kind.PATCHED
    normaliser = Normaliser(schema)
    _write(resource, schema, current, document, [], normaliser, kind, Origin(), now)


def _refuse_read_only(schema: ResourceSchema, origin: Origin) -> None:
    if schema.read_only and origin.source != Resource.Source.APP:
        raise Forbidden(
            f"A {schema.name} is what the app says that it is. It can be read and "
            "assigned to users, but not changed here."
        )


def _reactivate(
    directory: Directory,
    schema: ResourceSchema,
    document: Document,
    origin: Origin,
    now: datetime,
) -> Resource | None:
    """Bring back the inactive user that `document` is about, if there is one.

    Raises Uniqueness if an active one has the same `userName` or `externalId`.
    """
    store.keep_external_id(directory, document)
    resource = store.find_user(directory, document)
    if resource is None:
        return None
    if resource.active is not False:
        raise Uniqueness(
            "An active user of this directory has this userName or externalId."
        )
    if document["active"] is not True:
        return None
    current = store.read(resource)
    refuse_outside(origin.email_domains, current)
    store.save(resource, schema, document, now=now)
    kind = Change.Kind.REACTIVATED
    differing = _differences(current, document)
    _announce(directory, resource, kind, origin, differing, frozenset(), now)
    return resource


def _write(
    resource: Resource,
    schema: ResourceSchema,
    current: Document,
    document: Document,
    member_changes: list[MemberChange],
    normaliser: Normaliser,
    kind: Change.Kind,
    origin: Origin,
    now: datetime,
) -> None:
    """Store what differs. A write that changes nothing keeps its version."""
    if schema.name == "User":
        refuse_outside(origin.email_domains, current, document)
    moved = _change_members(schema, resource, member_changes, normaliser, now)
    differing = _differences(current, document)
    if differing:
        store.save(resource, schema, document, now=now)
    elif moved:
        store.touch(resource, now=now)
    else:
        return
    _announce(
        resource.directory,
        resource,
        kind,
        origin,
        differing + (["members"] if moved else []),
        moved,
        now,
    )


def _change_members(
    schema: ResourceSchema,
    resource: Resource,
    changes: list[MemberChange],
    normaliser: Normaliser,
    now: datetime,
) -> frozenset[int]:
    if not changes:
        return frozenset()
    changed = memberships.change(
        schema,
        resource,
        changes,
        now=now,
        leave_unknown_out=normaliser.leaves_unknown_members_out,
    )
    if changed.unknown:
        normaliser.used.add(Tolerance.UNKNOWN_MEMBER)
    return frozenset(changed.added | changed.removed)


def _differences(current: Document, document: Document) -> list[str]:
    return sorted(
        name
        for name in current.keys() | document.keys()
        if current.get(name) != document.get(name)
    )


def _announce(
    directory: Directory,
    resource: Resource,
    kind: Change.Kind,
    origin: Origin,
    attributes: list[str],
    moved: frozenset[int],
    now: datetime,
) -> None:
    change = Change(
        directory=directory,
        resource_id=resource.public_id,
        resource_type=resource.resource_type,
        kind=kind,
        version=resource.version,
        attributes=attributes,
        token_key=origin.token_key,
        request_id=origin.request_id,
        at=now,
    )
    rows.insert(change)
    changed = Changed(
        kind=kind,
        resource_id=resource.public_id,
        resource_type=resource.resource_type,
        version=resource.version,
        origin=origin,
        resource=None if kind == Change.Kind.DELETED else resource,
        members=moved,
    )
    resource_changed.send(
        sender=Resource, directory=directory, changed=changed, now=now
    )
    fault("scim.before_commit")
