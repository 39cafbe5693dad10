"""Let the forms of the portal check what the API is given: one rule for both."""

from __future__ import annotations

import re
from typing import Any

from django.forms import BaseForm

from integrations.api.problems import Problem


def as_form_data(body: Any, names: set[str]) -> dict[str, Any]:
    """Return a body in the names of a form. Raises Problem for unknown members."""
    if not isinstance(body, dict):
        raise Problem(422, "Send a JSON object.")
    unknown = sorted(set(body) - names)
    if unknown:
        text = f"There is no such field. There are: {', '.join(sorted(names))}."
        raise Problem(422, text, fields=dict.fromkeys(unknown, text))
    wrong = [name for name, value in body.items() if not _is_plain(value)]
    if wrong:
        text = "Give a text, a number or true or false."
        raise Problem(422, text, fields=dict.fromkeys(wrong, text))
    return {_snake(name): value for name, value in body.items()}


def check(form: BaseForm) -> None:
    """Raise Problem with what the form says of each field."""
    if form.is_valid():
        return
    fields = {
        "" if name == "__all__" else _camel(name): " ".join(map(str, errors))
        for name, errors in form.errors.items()
    }
    raise Problem(422, "Some fields are not right.", fields=fields)


def refuse_what_is_not_asked(form: BaseForm, names: set[str], text: str) -> None:
    """Raise Problem with `text` for names that the form leaves out for this object."""
    left_out = sorted(names - form.fields.keys())
    if left_out:
        raise Problem(422, text, fields=dict.fromkeys(map(_camel, left_out), text))


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not re.search("[\ud800-\udfff]", value)
    return isinstance(value, bool | int)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found.group().lower()}", name)


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found.group(1).upper(), name)
