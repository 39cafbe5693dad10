"""Values of the user schema that restore points keep: those that the app shows.

What the schema calls confidential is not kept, and what it calls so only since then
is neither shown nor put back.
"""

from __future__ import annotations

from integrations.desired import DesiredAccount, ObservedAccount
from integrations.models import Integration
from integrations.provisioning import app_schema, mapping
from scim.protocol.types import JSON, Document
from scim.protocol.user_schema import UserAttribute
from scim.schema_changes import user_schema_of
from workspaces.models import Directory


def keepable(directory: Directory) -> tuple[UserAttribute, ...]:
    """Return the attributes of the user schema whose values may be kept."""
    schema = user_schema_of(directory)
    return tuple(a for a in schema.attributes if a.name not in schema.confidential)


def shown_by_the_app(account: ObservedAccount, directory: Directory) -> Document:
    """Return the values that may be kept, by name; None where the app has no value."""
    return mapping.told_attributes(account, keepable(directory))


def changed(
    account: ObservedAccount, wanted: DesiredAccount, directory: Directory
) -> dict[str, list[JSON]]:
    """Return what an update of the account changes, each as [old, new]."""
    return {
        name: [old, wanted.attributes[name]]
        for name, old in shown_by_the_app(account, directory).items()
        if name in wanted.attributes and not _is_same(old, wanted.attributes[name])
    }


def _is_same(old: JSON, new: JSON) -> bool:
    """Say whether two values are one; an app may write a number as a text."""
    is_simple = not isinstance(old, list | dict) and old is not None
    return old == new or (is_simple and str(old) == str(new))


def not_kept(integration: Integration) -> str:
    """Return a sentence on what an undo cannot give back; empty if there is nothing."""
    schema = user_schema_of(integration.directory)
    if not schema.attributes:
        return ""
    if not app_schema.reads_attributes(integration.app.manifest):
        return (
            f"{integration.app} does not show the values of the user schema, so they "
            "are not kept."
        )
    if not schema.confidential:
        return ""
    names = ", ".join(
        a.label or a.name for a in schema.attributes if a.name in schema.confidential
    )
    return f"Confidential values are not kept: {names}."
