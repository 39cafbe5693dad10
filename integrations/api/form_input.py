"""Read what the API is given. Forms of the portal check it: one rule for both.

A member that nobody knows is refused: left out by a slip of the pen, a limit would go.
"""

from __future__ import annotations

import re
from typing import Any

from django.forms import BaseForm
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from integrations.api.problems import Problem


def body_of(
    request: Request, shape: type[Serializer], *, partial: bool = False
) -> dict[str, Any]:
    """Return a body of the shape, by its sources; `partial` makes no member required.

    Raises Problem for unknown members, and ValidationError.
    """
    given = shape(data=request.data, partial=partial)
    if isinstance(request.data, dict):
        _refuse_unknown(request.data, set(given.fields))
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def as_form_data(body: Any, names: set[str]) -> dict[str, Any]:
    """Return a body in the names of a form. Raises Problem for unknown members."""
    if not isinstance(body, dict):
        raise Problem(422, "Send a JSON object.")
    _refuse_unknown(body, names)
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


def _refuse_unknown(body: dict[str, Any], names: set[str]) -> None:
    unknown = sorted(set(body) - names)
    if unknown:
        text = f"There is no such field. There are: {', '.join(sorted(names))}."
        raise Problem(422, text, fields=dict.fromkeys(unknown, text))


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not re.search("[\ud800-\udfff]", value)
    return isinstance(value, bool | int)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found.group().lower()}", name)


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found.group(1).upper(), name)
