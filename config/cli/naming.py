"""What people type for a thing: its key, or its name if only one has it.

Names are looked up. Where the token has no scope for that, what was typed is the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.cli.api import Api, segment
from config.cli.errors import Forbidden, Refused

Row = dict[str, Any]
_LIVE = ("active", "expiring")


def integration_path(api: Api, text: str) -> str:
    """Return where the integration of this key or name is. Raises Refused."""
    return f"/v1/integrations/{segment(_integration_key(api, text))}"


def _integration_key(api: Api, text: str) -> str:
    try:
        found = api.get("/v1/integrations", named=text)["data"]
    except Forbidden:
        return text
    hint = "`keyway integrations list` shows keys and names."
    return _one(found, text, "integration", by=("key", "name"), hint=hint)


def token_path(api: Api, integration: str, text: str) -> str:
    """Return where the token of this id or name is. Raises Refused.

    A name is that of a token that works: those that ended keep theirs.
    """
    tokens = f"{integration_path(api, integration)}/tokens"
    return f"{tokens}/{segment(_token_id(api, tokens, text))}"


def _token_id(api: Api, tokens: str, text: str) -> str:
    try:
        found = list(api.pages(tokens))
    except Forbidden:
        return text
    known = [row for row in found if row["id"] == text or row["state"] in _LIVE]
    hint = "`keyway tokens list` shows ids and names."
    return _one(known, text, "token", by=("id", "name"), hint=hint)


def webhook_path(api: Api, text: str) -> str:
    """Return where the webhook of this id or address is. Raises Refused."""
    found = list(api.pages("/v1/webhooks"))
    hint = "`keyway webhooks list` shows ids and addresses."
    webhook_id = _one(found, text, "webhook", by=("id", "url"), hint=hint)
    return f"/v1/webhooks/{segment(webhook_id)}"


def _one(
    rows: Sequence[Row], text: str, what: str, *, by: tuple[str, str], hint: str
) -> str:
    """Return the key that is `text`, else that of the one of this name."""
    key, name = by
    if any(row[key] == text for row in rows):
        return text
    named = [row for row in rows if row[name].casefold() == text.casefold()]
    if not named:
        raise Refused(f"No {what} has the {key} or the {name} {text}. {hint}")
    if len(named) > 1:
        keys = ", ".join(row[key] for row in named)
        raise Refused(
            f"{len(named)} {what}s have the {name} {text}. Give the {key}: {keys}."
        )
    return str(named[0][key])
