"""What can happen to a directory's SCIM side, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on what a directory serves."""

    USER_SCHEMA_CHANGED = "scim.user_schema.changed"
