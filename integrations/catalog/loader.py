"""Reading manifests, and saying what is wrong with one and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from integrations.connectors import registry
from integrations.connectors.problems import Problem
from integrations.provisioning import app_schema
from scim.protocol import user_schema

_FOLDER = Path(__file__).parent
_SCHEMA_NAME = "manifest.schema.json"
_SCHEMA_NAMES = (_SCHEMA_NAME, "browser.schema.json")

_SENTENCES = {
    "anyOf": "This must have session or key_session.",
    "maxLength": "This may have at most {} characters.",
    "minItems": "This must not be empty.",
    "minLength": "This must not be empty.",
    "minProperties": "This must not be empty.",
    "not": "This is not allowed with the rest that stands here.",
    "oneOf": "This has none of the allowed forms.",
    "pattern": "This must match {}",
    "type": "This must be {}.",
}
_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "string": "a text",
}


class InvalidManifest(Exception):
    """A manifest cannot be used; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest in a file. Raises InvalidManifest."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidManifest([Problem(path.name, f"Not JSON: {error}.")]) from error
    if problems := check_manifest(manifest):
        raise InvalidManifest(problems)
    checked: dict[str, Any] = manifest
    return checked


def check_manifest(manifest: object) -> list[Problem]:
    """Return everything that is wrong with a manifest, in plain words."""
    errors = sorted(_validator().iter_errors(manifest), key=_place)
    if errors:
        return [_problem(error) for error in errors]
    if not isinstance(manifest, dict):
        return []
    return [*_user_schema_problems(manifest), *registry.problems_in(manifest)]


def _user_schema_problems(manifest: dict[str, Any]) -> list[Problem]:
    try:
        app_schema.parse(manifest, manifest.get("user_schema"))
    except user_schema.InvalidUserSchema as error:
        return [Problem(f"user_schema.{p.place}", p.message) for p in error.problems]
    return []


def shipped_manifests() -> Iterator[dict[str, Any]]:
    """Yield the manifests that come with Keyway, by file name."""
    for path in sorted(_FOLDER.glob("*.json")):
        if path.name not in _SCHEMA_NAMES:
            yield load_manifest(path)


@cache
def _validator() -> Draft202012Validator:
    schemas = {
        name: json.loads((_FOLDER / name).read_text(encoding="utf-8"))
        for name in _SCHEMA_NAMES
    }
    resources = (
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    registry = Registry().with_resources(resources)
    return Draft202012Validator(schemas[_SCHEMA_NAME], registry=registry)


def _problem(error: ValidationError) -> Problem:
    return Problem(_place(error) or "manifest", _sentence(error))


def _place(error: ValidationError) -> str:
    place = ""
    for step in error.absolute_path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}"
    return place.removeprefix(".")


def _sentence(error: ValidationError) -> str:
    """Say what is wrong without the words of JSON Schema where ours are clearer."""
    wanted: Any = error.validator_value
    match error.validator:
        case None:
            return "There is a section of another connector: keep its own only."
        case "required":
            return f"{error.message.split(' is a required')[0]} is missing."
        case "additionalProperties":
            unknown = error.message.partition("(")[2].partition(" w")[0]
            return f"{unknown} is not known here."
        case "enum":
            return f"This must be one of: {', '.join(map(str, wanted))}."
    sentence = _SENTENCES.get(str(error.validator))
    if sentence is None:
        return f"{error.message}."
    return sentence.format(_KINDS.get(str(wanted), wanted))
