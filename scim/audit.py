"""What can happen to a directory's SCIM side, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on what a directory serves."""

    USER_SCHEMA_CHANGED = "scim.user_schema.changed"
    """The user schema of a directory was changed; names of what was `added`, `changed`,
    `removed`, and of roles `added_roles`, `changed_roles`, `removed_roles`."""
