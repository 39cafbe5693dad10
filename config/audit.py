"""What can happen to the installation as a whole, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on the whole installation."""

    RESTORED = "config.installation.restored"
    """The database was restored from a backup: when that was `taken_at`, how many
    integrations are `paused`."""
