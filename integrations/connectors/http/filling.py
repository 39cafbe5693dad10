"""A call and some values become a request, each value encoded for its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from integrations.connectors.base import PermanentFailure
from integrations.connectors.expressions import (
    Expression,
    ExpressionFailed,
    Template,
    work_out,
)
from integrations.connectors.failures import UNFIT, UNWORKABLE
from integrations.connectors.http.blueprint import Call
from integrations.desired import JSON

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class FilledRequest:
    """What is sent, ready to be sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: JSON | bytes


def fill(call: Call, values: Mapping[str, JSON]) -> FilledRequest:
    """Return the request. Raises PermanentFailure if a value does not fit."""
    known = dict(values)
    query = {name: work_out(each, known) for name, each in call.query.items()}
    return FilledRequest(
        method=call.method,
        path=_render(call.path, known, _path_part),
        query={name: _text(item) for name, item in query.items() if item is not None},
        headers=fill_headers(call.headers, known)
        | ({"Content-Type": FORM} if call.form else {}),
        body=_body(call, known),
    )


def encoded_form(fields: Mapping[str, str]) -> bytes:
    """Return the fields as a browser sends them."""
    return urlencode(fields).encode()


def form_fields(
    form: Mapping[str, Expression], values: Mapping[str, JSON]
) -> dict[str, str]:
    """Return the fields' texts; null leaves a field out. Raises PermanentFailure."""
    worked_out = {name: work_out(each, dict(values)) for name, each in form.items()}
    return {
        name: _text(value) for name, value in worked_out.items() if value is not None
    }


def fill_headers(
    headers: Mapping[str, Template], values: Mapping[str, JSON]
) -> dict[str, str]:
    """Return the headers. Raises PermanentFailure if a value does not fit."""
    return {
        name: _render(template, dict(values), _header_part)
        for name, template in headers.items()
    }


def _body(call: Call, values: Mapping[str, JSON]) -> JSON | bytes:
    if call.form:
        return encoded_form(form_fields(call.form, values))
    return None if call.body is None else work_out(call.body, dict(values))


def _render(template: Template, values: JSON, encode: Callable[[JSON], str]) -> str:
    try:
        return template.render(values, encode)
    except ExpressionFailed as error:
        raise PermanentFailure(UNWORKABLE) from error


def _path_part(value: JSON) -> str:
    """Encode a value that must stay within its segment of the path."""
    text = _text(value)
    if text in {"", ".", ".."}:
        raise PermanentFailure(UNFIT)
    return quote(text, safe="")


def _header_part(value: JSON) -> str:
    text = _text(value)
    if not text or not text.isascii() or not text.isprintable():
        raise PermanentFailure(UNFIT)
    return text


def _text(value: JSON) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PermanentFailure(UNWORKABLE)
