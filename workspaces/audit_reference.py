"""The audit actions in words, from the texts below them where they are declared."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from workspaces import audit
from workspaces.audit_log import label_of

_DETAIL = re.compile(r"`([^`]+)`")
_HEAD = """\
# Audit actions

Written by `manage.py write_audit_actions` from the code. **Audit log** shows an action in words; exports, the API, the stream and
webhooks give its name. Names in `this type` are those of its details. No detail holds a secret: a token appears as its key, the
part that says which one it is. Who did it, to what, when, from which address and in which request stands in every event: see
[the audit log](audit.md).
"""


@dataclass(frozen=True, slots=True)
class Described:
    """One action: its name, when it is written, and the names of its details."""

    action: str
    text: str

    @property
    def details(self) -> frozenset[str]:
        """The names of the details that an event of it may hold."""
        return frozenset(_DETAIL.findall(self.text))


def described(actions: type[StrEnum]) -> list[Described]:
    """Return the actions of an enumeration, in its order; an empty text if it has none.

    Needs the source of the enumeration.
    """
    tree = ast.parse(inspect.getsource(actions)).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101  what getsource returns
    texts = {
        ast.unparse(line.targets[0]): ast.literal_eval(text.value)
        for line, text in pairwise(tree.body)
        if isinstance(line, ast.Assign) and isinstance(text, ast.Expr)
    }
    return [
        Described(str(action), " ".join(texts.get(action.name, "").split()))
        for action in actions
    ]


def page() -> str:
    """Return the page of the reference, in Markdown."""
    return "\n".join([_HEAD, *map(_section, audit.enumerations())])


def _section(actions: type[StrEnum]) -> str:
    heading = (actions.__doc__ or "").rstrip(".")
    rows = [
        f"| {label_of(each.action)} | `{each.action}` | {each.text} |"
        for each in described(actions)
    ]
    table = ["| in the log | action | when, and its details |", "| --- | --- | --- |"]
    return "\n".join([f"## {heading}", "", *table, *rows, ""])
