"""What a connection is called in the audit log: its integration, or Directory Sync."""

from __future__ import annotations

from integrations.models import Integration
from workspaces.audit import Target
from workspaces.models import Directory


def target_of(directory: Directory) -> Target:
    """Return the integration of a directory; a directory without one is its own."""
    integration = Integration.objects.filter(directory=directory).select_related(
        "directory"
    )
    return integration.first() or directory
