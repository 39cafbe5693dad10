"""Bodies, paths and filters made from what `/Schemas` and `/ResourceTypes` say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

JSON = dict[str, Any]

_ODD = [
    *["", " ", "a", "A", "é", "e\u0301", "ß", "\u0000", "\ud7ff", "\U0001f600"],
    *["'", '"', "\\", "%", "_", "null", "true", "1", "-0", "[", "a.b", "urn:x"],
    *["2026-11-21T20:15:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"],
    "x" * 600,
]
TEXTS = st.one_of(st.sampled_from(_ODD), st.text(max_size=12))
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False)
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=5,
)
OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]

_RIGHT: dict[str, SearchStrategy[Any]] = {
    "string": TEXTS,
    "boolean": st.booleans(),
    "integer": st.integers(-(2**63), 2**63),
    "decimal": NUMBERS,
    "dateTime": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "reference": st.sampled_from(["https://a.test/x", "urn:x:y", "../Users/1"]),
    "binary": st.binary(max_size=6).map(lambda raw: raw.hex()),
}


@dataclass(frozen=True)
class Endpoint:
    """One resource type, as discovery describes it."""

    path: str
    urn: str
    attributes: list[JSON]
    extensions: dict[str, list[JSON]]

    @property
    def read_only(self) -> bool:
        """Whether a client can write none of it."""
        return all(a["mutability"] == "readOnly" for a in self.attributes)

    def paths(self) -> list[str]:
        """Return every attribute and sub-attribute, with and without its URN."""
        found = ["id", "externalId", "schemas", "meta", "meta.created", "meta.version"]
        found += ["meta.lastModified", "meta.location", "meta.resourceType"]
        own = _paths(self.attributes)
        found += own + [f"{self.urn}:{path}" for path in own]
        for urn, attributes in self.extensions.items():
            found += [urn, *(f"{urn}:{path}" for path in _paths(attributes))]
        return found


def endpoints(get: Callable[[str], JSON]) -> list[Endpoint]:
    """Read a server's resource types and their schemas."""
    schemas = {s["id"]: s.get("attributes", []) for s in get("/Schemas")["Resources"]}
    return [
        Endpoint(
            kind["endpoint"],
            kind["schema"],
            schemas[kind["schema"]],
            {
                extension["schema"]: schemas[extension["schema"]]
                for extension in kind.get("schemaExtensions", [])
            },
        )
        for kind in get("/ResourceTypes")["Resources"]
    ]


def value(attribute: JSON) -> SearchStrategy[Any]:
    """Return values of an attribute, mostly of the right type."""
    if attribute["type"] == "complex":
        right: SearchStrategy[Any] = _object(attribute.get("subAttributes", []))
    else:
        right = _RIGHT[attribute["type"]]
    if attribute.get("canonicalValues"):
        right = st.sampled_from(attribute["canonicalValues"]) | right
    if attribute.get("multiValued"):
        right = st.lists(right, max_size=3)
    return st.one_of(right, right, right, ANYTHING)


def body(endpoint: Endpoint) -> SearchStrategy[JSON]:
    """Return bodies for POST and PUT, some of which will do."""
    named = {
        "userName": st.text("abcdefgh", min_size=8, max_size=8),
        "displayName": st.text("abcdefgh", min_size=8, max_size=8),
        "schemas": st.just([endpoint.urn, *endpoint.extensions]),
    }
    optional = {a["name"]: value(a) for a in endpoint.attributes}
    optional |= {"externalId": TEXTS, "id": TEXTS, "meta": ANYTHING, "x": ANYTHING}
    optional |= {urn: _object(found) for urn, found in endpoint.extensions.items()}
    required = {name: made for name, made in named.items() if name != "schemas"}
    others = {k: v for k, v in optional.items() if k not in required}
    plain = _some(others).flatmap(
        lambda some: st.fixed_dictionaries(
            {"schemas": named["schemas"], **required}, optional=some
        )
    )
    return st.one_of(plain, plain, st.fixed_dictionaries({}, optional=optional))


def path(endpoint: Endpoint) -> SearchStrategy[str]:
    """Return paths of PATCH and `sortBy`, some with a value filter."""
    plain = st.sampled_from(endpoint.paths())
    inner = comparison(st.sampled_from(["value", "type", "primary", "display", "$ref"]))
    filtered = st.builds(
        lambda name, condition, sub: f"{name}[{condition}]{sub}",
        plain,
        inner,
        st.sampled_from(["", ".value", ".type", ".nope", ".", "[x]"]),
    )
    return st.one_of(plain, plain, filtered, TEXTS)


def patch(endpoint: Endpoint) -> SearchStrategy[JSON]:
    """Return PATCH requests over all paths, with right and wrong values."""
    every = [
        *endpoint.attributes,
        *(a for e in endpoint.extensions.values() for a in e),
    ]
    values = st.one_of(ANYTHING, st.sampled_from(every).flatmap(value), body(endpoint))
    named = st.sampled_from(endpoint.attributes).flatmap(
        lambda a: st.fixed_dictionaries(
            {"op": _OPS, "path": st.just(a["name"]), "value": value(a)}
        )
    )
    operation = st.fixed_dictionaries(
        {"op": _OPS}, optional={"path": path(endpoint), "value": values}
    )
    return st.fixed_dictionaries(
        {
            "schemas": st.just(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]),
            "Operations": st.lists(operation | named, min_size=1, max_size=3),
        }
    )


def comparison(names: SearchStrategy[str]) -> SearchStrategy[str]:
    """Return one comparison of a filter."""
    literal = SCALARS.map(_literal)
    return st.one_of(
        st.builds(lambda n, op, v: f"{n} {op} {v}", names, _COMPARE, literal),
        names.map(lambda name: f"{name} pr"),
    )


def search(endpoint: Endpoint) -> SearchStrategy[JSON]:
    """Return list requests."""
    return st.fixed_dictionaries(
        {},
        optional={
            "filter": filters(endpoint),
            "sortBy": path(endpoint),
            "sortOrder": st.sampled_from(["ascending", "descending", "x"]),
            "startIndex": st.sampled_from([0, 1, 2, 2**31, -1, "x"]),
            "count": st.sampled_from([0, 1, 2, 1_000, -1, "x"]),
            "cursor": st.sampled_from(["", "", "", "x"]),
            "attributes": st.lists(path(endpoint), max_size=2).map(",".join),
            "excludedAttributes": st.lists(path(endpoint), max_size=2).map(",".join),
        },
    )


def parameters(endpoint: Endpoint) -> SearchStrategy[list[tuple[str, str]]]:
    """Return query parameters, known and unknown, some of them twice."""
    names = ["attributes", "excludedAttributes", "count", "cursor", "x", "ATTRIBUTES"]
    values = st.lists(path(endpoint), max_size=2).map(",".join) | TEXTS
    pair = st.tuples(
        st.sampled_from(names),
        values.map(lambda text: text.encode(errors="replace").decode()),
    )
    return st.lists(pair, max_size=2)


def headers(current: str) -> SearchStrategy[dict[str, str]]:
    """Return conditional headers and media types, right and wrong.

    `current` is the ETag that what is asked for has.
    """
    tags = st.sampled_from(
        [current, current, 'W/"1"', '"1"', "*", 'W/"2"', '""', "x", 'W/"1", "9"']
    )
    # No line breaks: a server in front of us takes no such header.
    odd = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=9)
    media = st.sampled_from(["application/json", "text/plain", "*/*", "application/*"])
    return st.fixed_dictionaries(
        {},
        optional={
            "if_match": tags | odd,
            "if_none_match": tags | odd,
            "accept": media | odd,
            "content_type": media | odd,
        },
    )


def filters(endpoint: Endpoint) -> SearchStrategy[str]:
    """Return filters from the grammar over all attributes."""
    names = st.sampled_from(endpoint.paths())
    inner = comparison(st.sampled_from(["value", "type", "primary", "display", "$ref"]))
    leaf = comparison(names) | st.builds("{}[{}]".format, names, inner)
    return st.recursive(
        leaf,
        lambda part: st.one_of(
            part.map("not ({})".format),
            st.builds("{} and {}".format, part, part),
            st.builds("({} or {})".format, part, part),
        ),
        max_leaves=4,
    )


_OPS = st.sampled_from(["add", "replace", "remove", "Add", "move"])
_COMPARE = st.sampled_from([*OPERATORS, "EQ", "xx"])


def _literal(scalar: Any) -> str:
    if isinstance(scalar, str):
        escaped = scalar.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return {None: "null", True: "true", False: "false"}.get(scalar, str(scalar))


def _some(
    optional: dict[str, SearchStrategy[Any]],
) -> SearchStrategy[dict[str, SearchStrategy[Any]]]:
    """Return a few of many: one wrong value is enough for a refusal."""
    names = st.lists(st.sampled_from(sorted(optional)), max_size=4)
    return names.map(lambda chosen: {name: optional[name] for name in chosen})


def _object(attributes: list[JSON]) -> SearchStrategy[JSON]:
    return st.fixed_dictionaries({}, optional={a["name"]: value(a) for a in attributes})


def _paths(attributes: list[JSON]) -> list[str]:
    return [
        path
        for attribute in attributes
        for path in (
            attribute["name"],
            *(
                f"{attribute['name']}.{sub['name']}"
                for sub in attribute.get("subAttributes", [])
            ),
        )
    ]
