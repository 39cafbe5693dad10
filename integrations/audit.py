"""What can happen to an integration, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on integrations."""

    CREATED = "integrations.integration.created"
    SYNC_REQUESTED = "integrations.integration.sync_requested"
    SECRET_REPLACED = "integrations.service_account.secret_replaced"  # noqa: S105
    RETRY_REQUESTED = "integrations.provisioning.retry_requested"
