"""What we accept from real IdPs beyond the RFC, each by name.

A tolerance never changes the meaning of a request that the RFC defines. Its
docstring is the evidence; its tests bear its name; the record of a request says
which it used.
"""

from __future__ import annotations

import re
from enum import StrEnum

from scim.protocol import assigned
from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.schema import Attribute, ResourceSchema
from scim.protocol.types import JSON, Document


class Tolerance(StrEnum):
    """Names of the tolerances, as they stand in the record of a request."""

    SCHEMAS_MISSING = "schemas_missing"
    """Okta and others: `schemas` left out of a body, or without the base schema."""

    UNKNOWN_SCHEMA = "unknown_schema"
    """Entra: an extra Group schema URN; strict clients refuse it in the answer."""

    MANAGER_SHAPE = "manager_shape"
    """Entra: `manager` as text, as a list of one object, or unset by an empty string."""

    EMPTY_IS_UNSET = "empty_is_unset"
    """Entra: null and "" for attributes without a value."""

    SINGLE_VALUE_IN_LIST = "single_value_in_list"
    """Entra: `[{"value": x}]` for an attribute with one value."""

    PATHS_IN_VALUE = "paths_in_value"
    """Entra: PATCH without path whose value has keys such as `name.givenName`."""

    READ_ONLY_IN_VALUE = "read_only_in_value"
    """Okta: `id`, `meta`, `groups` and `schemas` sent back in a PATCH value."""

    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    """Several: attributes of no schema in a PATCH value without path; ignored."""

    REMOVE_WITHOUT_PATH = "remove_without_path"
    """Entra: Remove of members without a path, with the attribute in the value."""

    UNQUALIFIED_EXTENSION = "unqualified_extension"
    """Entra: `manager` and other extension attributes without their URN."""

    OWN_ATTRIBUTE_ELSEWHERE = "own_attribute_elsewhere"
    """Okta: an attribute of the own user schema as one of the enterprise extension.

    Apps made by its wizard have no other namespace for custom attributes; some
    clients put them at the top level of a body.
    """

    OP_IN_ANY_CASE = "op_in_any_case"
    """Entra: `op` as `Add`, `Replace` and `Remove`."""

    BOOLEAN_AS_TEXT = "boolean_as_text"
    """Entra: `"True"` and `"False"` for `active` and other booleans."""

    ROLE_SHAPE = "role_shape"
    """Entra: a role as JSON text inside `value`, or with `displayName` for `display`.

    From `AssertiveAppRoleAssignmentsComplex` and `SingleAppRoleAssignment`.
    """

    EMPTY_OPERATIONS = "empty_operations"
    """Entra: a PATCH whose `Operations` list is empty; it changes nothing."""

    UNKNOWN_MEMBER = "unknown_member"
    """scim-sanity: a member to add who is no resource of the directory; left out.

    For clients of no known kind, and only where it takes nobody out: a PATCH that
    adds, a POST. Okta, Entra and Google show and repeat a refusal, which says more.
    """


_READ_ONLY = {"id", "meta", "groups", "schemas"}
_PATH_NAME = re.compile(r"[A-Za-z$][\w$-]*")


class Normaliser:
    """Brings one request into the form of the RFC and notes what that took."""

    def __init__(
        self, schema: ResourceSchema, *, leaves_unknown_members_out: bool = False
    ) -> None:
        self.schema = schema
        self.leaves_unknown_members_out = leaves_unknown_members_out
        self.used: set[Tolerance] = set()

    def resource(self, body: Document) -> Document:
        """Return the body of a POST or PUT as the RFC would have it."""
        result: Document = {}
        for name, value in self._with_own(body).items():
            if name.lower() == "schemas":
                continue
            urn = self.schema.extension_urn(name)
            if urn is not None:
                if isinstance(value, dict):
                    result[urn] = self._extension(urn, value)
                elif value not in (None, "", []):
                    raise InvalidValue(f"{urn} must be an object.")
                continue
            attribute = self.schema.attributes.get(name.lower())
            result[name] = self._value(attribute, value) if attribute else value
        result["schemas"] = self._schemas(body, result)
        return result

    def operations(self, body: Document) -> list[Document]:
        """Return the operations of a PATCH, each with a path. Raises ScimError."""
        operations = next(
            (body[name] for name in body if name.lower() == "operations"), None
        )
        if operations is None:
            raise InvalidValue("Operations is required: a list of one or more.")
        if not isinstance(operations, list):
            raise InvalidSyntax("Operations must be a list.")
        if not operations:
            self.used.add(Tolerance.EMPTY_OPERATIONS)
        result: list[Document] = []
        for operation in operations:
            if not isinstance(operation, dict):
                raise InvalidSyntax("An operation must be an object.")
            result.extend(self._operation(operation))
        return result

    def _schemas(self, body: Document, result: Document) -> JSON:
        given = next((body[name] for name in body if name.lower() == "schemas"), None)
        if given is not None and (
            not isinstance(given, list) or not all(isinstance(u, str) for u in given)
        ):
            raise InvalidValue("schemas must be a list of schema URNs.")
        urns = {str(urn).lower() for urn in given or []}
        known = [self.schema.urn, *self.schema.extensions]
        if self.schema.urn.lower() not in urns:
            self.used.add(Tolerance.SCHEMAS_MISSING)
        if urns - {urn.lower() for urn in known}:
            self.used.add(Tolerance.UNKNOWN_SCHEMA)
        return [self.schema.urn, *(u for u in self.schema.extensions if u in result)]

    def _with_own(self, body: Document) -> Document:
        """Put attributes of the own schema where they belong.

        What stands there already wins.
        """
        own = self.schema.own_urn
        if own is None:
            return body
        moved: Document = {}
        result: Document = {}
        for name, value in body.items():
            urn = self.schema.extension_urn(name)
            if urn not in {None, own} and isinstance(value, dict):
                for key in [k for k in value if self._is_own_elsewhere(urn, k)]:
                    moved[key] = value[key]
                result[name] = {k: v for k, v in value.items() if k not in moved}
            elif urn is None and self._is_own_elsewhere(None, name):
                moved[name] = value
            else:
                result[name] = value
        if not moved:
            return body
        self.used.add(Tolerance.OWN_ATTRIBUTE_ELSEWHERE)
        at = next((n for n in result if self.schema.extension_urn(n) == own), own)
        present = result.get(at)
        present = present if isinstance(present, dict) else {}
        taken = {name.lower() for name in present}
        rest = {k: v for k, v in moved.items() if k.lower() not in taken}
        return {**result, at: {**present, **rest}}

    def _is_own_elsewhere(self, urn: str | None, name: str) -> bool:
        """Say whether an attribute is one of the own schema and of no other."""
        own = self.schema.own_urn
        if own in {None, urn}:
            return False
        others = [a for u, a in self.schema.extensions.items() if u != own]
        return name.lower() in self.schema.extensions[own] and not any(
            name.lower() in attributes
            for attributes in (self.schema.attributes, *others)
        )

    def _extension(self, urn: str, values: Document) -> Document:
        attributes = self.schema.extensions[urn]
        return {
            name: self._value(attributes.get(name.lower()), value)
            for name, value in values.items()
        }

    def _value(self, attribute: Attribute | None, value: JSON) -> JSON:
        if attribute is None:
            return value
        if attribute.name == "active":
            return self._active(attribute, value)
        if value == "" and not attribute.required:
            self.used.add(Tolerance.EMPTY_IS_UNSET)
            return None
        if attribute.multi_valued:
            if attribute.name in assigned.NAMES:
                value = self._assigned(value)
            return self._values(attribute, value)
        return self._single(attribute, self._unwrapped(attribute, value))

    def _single(self, attribute: Attribute, value: JSON) -> JSON:
        if attribute.name == "manager":
            return self._manager(value)
        if attribute.type == "boolean" and isinstance(value, str):
            self.used.add(Tolerance.BOOLEAN_AS_TEXT)
        if attribute.type == "complex" and isinstance(value, dict):
            return self._complex(attribute, value)
        return value

    def _active(self, attribute: Attribute, value: JSON) -> JSON:
        """Refuse what says neither yes nor no: who sends it may mean the leaver."""
        value = self._unwrapped(attribute, value)
        if value in (None, "", []):
            raise InvalidValue("active must be true or false.")
        if isinstance(value, str):
            self.used.add(Tolerance.BOOLEAN_AS_TEXT)
        return value

    def _unwrapped(self, attribute: Attribute, value: JSON) -> JSON:
        """Take one value out of a list of one."""
        if not isinstance(value, list) or len(value) != 1:
            return value
        if attribute.name == "manager":
            self.used.add(Tolerance.MANAGER_SHAPE)
        else:
            self.used.add(Tolerance.SINGLE_VALUE_IN_LIST)
        only = value[0]
        if isinstance(only, dict) and attribute.type != "complex":
            return only.get("value")
        return only

    def _values(self, attribute: Attribute, value: JSON) -> JSON:
        if not isinstance(value, list):
            return value
        return [
            self._complex(attribute, item) if isinstance(item, dict) else item
            for item in value
        ]

    def _complex(self, attribute: Attribute, value: Document) -> Document:
        return {
            name: self._value(attribute.sub_attributes.get(name.lower()), member)
            for name, member in value.items()
        }

    def _assigned(self, given: JSON) -> JSON:
        values = assigned.normal(given)
        if values not in (given, [given]):
            self.used.add(Tolerance.ROLE_SHAPE)
        return values

    def _assigned_at(self, path: str, given: JSON) -> tuple[str, JSON]:
        normal_path, value = assigned.normal_at(path, given)
        if (normal_path, value) != (path, given):
            self.used.add(Tolerance.ROLE_SHAPE)
        return normal_path, value

    def _manager(self, value: JSON) -> JSON:
        if isinstance(value, str):
            self.used.add(Tolerance.MANAGER_SHAPE)
            return {"value": value}
        if isinstance(value, dict) and not value.get("value"):
            self.used.add(Tolerance.MANAGER_SHAPE)
            return None
        return value

    def _op(self, op: JSON) -> str:
        if not isinstance(op, str) or op.lower() not in {"add", "remove", "replace"}:
            raise InvalidSyntax("op must be add, remove or replace.")
        if op != op.lower():
            self.used.add(Tolerance.OP_IN_ANY_CASE)
        return op.lower()

    def _operation(self, operation: Document) -> list[Document]:
        named = {name.lower(): value for name, value in operation.items()}
        op = self._op(named.get("op"))
        path = named.get("path")
        if path is not None and not isinstance(path, str):
            raise InvalidSyntax("path must be a string.")
        has_value = "value" in named
        value = named.get("value")
        if path:
            urn = self.schema.extension_urn(path)
            if urn is not None and isinstance(value, dict):
                return self._spread(op, {urn: value})
            return self._at_path(op, path, value, has_value=has_value)
        if op == "remove":
            if not isinstance(value, dict):
                return [{"op": "remove"}]
            self.used.add(Tolerance.REMOVE_WITHOUT_PATH)
        if not isinstance(value, dict):
            raise InvalidValue("An operation without a path needs an object as value.")
        return self._spread(op, value)

    def _spread(self, op: str, value: Document) -> list[Document]:
        """Return one operation a key for an operation without a path."""
        result: list[Document] = []
        for name, member in value.items():
            if name.lower() in _READ_ONLY:
                self.used.add(Tolerance.READ_ONLY_IN_VALUE)
                continue
            urn = self.schema.extension_urn(name)
            if urn is not None and isinstance(member, dict):
                for key, item in member.items():
                    if self._knows(f"{urn}:{key}"):
                        result += self._at_path(
                            op, f"{urn}:{key}", item, has_value=True
                        )
                continue
            if not _PATH_NAME.fullmatch(name):
                self.used.add(Tolerance.PATHS_IN_VALUE)
            if self._knows(name):
                result += self._at_path(op, name, member, has_value=True)
        return result

    def _knows(self, path: str) -> bool:
        if self._target(self._qualified(path)) is not None:
            return True
        self.used.add(Tolerance.UNKNOWN_ATTRIBUTE)
        return False

    def _at_path(
        self, op: str, path: str, value: JSON, *, has_value: bool
    ) -> list[Document]:
        path = self._qualified(path)
        path, value = self._assigned_at(path, value)
        attribute = self._target(path)
        if op != "replace" and value == [] and attribute and attribute.multi_valued:
            # Adding nothing and removing nothing; never a reason to empty a list.
            return []
        if not has_value or (op == "remove" and value in (None, "")):
            return [{"op": op, "path": path}]
        value = self._value(attribute, value)
        if op == "remove" and path.lower() in assigned.NAMES:
            value = assigned.by_value(value)
        if op == "remove" or value not in (None, []):
            return [{"op": op, "path": path, "value": value}]
        if attribute is not None and attribute.required:
            raise InvalidValue(f"{attribute.name} is required.")
        if op == "add":
            self.used.add(Tolerance.EMPTY_IS_UNSET)
        return [{"op": "remove", "path": path}]

    def _qualified(self, path: str) -> str:
        """Put the URN before a bare extension attribute such as `manager`.

        And the right one before an attribute of the own schema.
        """
        for urn in self.schema.extensions:
            start, rest = path[: len(urn) + 1], path[len(urn) + 1 :]
            head = re.split(r"[.\[]", rest, maxsplit=1)[0]
            if start.lower() == f"{urn.lower()}:" and self._is_own_elsewhere(urn, head):
                self.used.add(Tolerance.OWN_ATTRIBUTE_ELSEWHERE)
                return f"{self.schema.own_urn}:{rest}"
        head = re.split(r"[.\[]", path, maxsplit=1)[0].lower()
        if ":" in head or head in self.schema.attributes:
            return path
        for urn, attributes in self.schema.extensions.items():
            if head in attributes:
                self.used.add(Tolerance.UNQUALIFIED_EXTENSION)
                return f"{urn}:{path}"
        return path

    def _target(self, path: str) -> Attribute | None:
        """Return the attribute that a path ends at, None if there is none."""
        attributes = self.schema.attributes
        for urn, members in (
            (self.schema.urn, self.schema.attributes),
            *self.schema.extensions.items(),
        ):
            if path.lower().startswith(f"{urn.lower()}:"):
                path, attributes = path[len(urn) + 1 :], members
                break
        opening, closing = path.find("["), path.rfind("]")
        if 0 <= opening < closing:
            path = path[:opening] + path[closing + 1 :]
        head, _, sub = path.partition(".")
        attribute = attributes.get(head.lower())
        if attribute is None or not sub:
            return attribute
        return attribute.sub_attributes.get(sub.lower())
