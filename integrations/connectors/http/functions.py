"""The functions that a manifest has besides those of JMESPath.

* `with(list, value)`: the list, and the value if it was not in it
* `without(list, value)`: the list without the value
* `rison(value)`: the value as Rison, the notation of queries in some apps
"""

from __future__ import annotations

import json

from jmespath.functions import Functions, signature

from integrations.desired import JSON


class ManifestFunctions(Functions):
    """JMESPath's functions and ours, by name."""

    @signature({"types": ["array"]}, {"types": []})
    def _func_with(self, items: list[JSON], value: JSON) -> list[JSON]:
        return items if value in items else [*items, value]

    @signature({"types": ["array"]}, {"types": []})
    def _func_without(self, items: list[JSON], value: JSON) -> list[JSON]:
        return [item for item in items if item != value]

    @signature({"types": []})
    def _func_rison(self, value: JSON) -> str:
        return _rison(value)


def _rison(value: JSON) -> str:
    match value:
        case dict():
            pairs = (f"{_rison(key)}:{_rison(item)}" for key, item in value.items())
            return f"({','.join(pairs)})"
        case list():
            return f"!({','.join(map(_rison, value))})"
        case None | True | False:
            return {None: "!n", True: "!t", False: "!f"}[value]
        case str():
            return "'" + value.replace("!", "!!").replace("'", "!'") + "'"
    return json.dumps(value)
