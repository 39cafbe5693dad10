"""What can happen to an integration, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on integrations."""

    CREATED = "integrations.integration.created"
    SETTINGS_CHANGED = "integrations.integration.settings_changed"
    THRESHOLD_CHANGED = "integrations.integration.threshold_changed"
    SERVICE_ACCOUNT_CHOSEN = "integrations.integration.service_account_chosen"
    PAUSED = "integrations.integration.paused"
    RESUMED = "integrations.integration.resumed"
    DELETED = "integrations.integration.deleted"
    ASSIGNMENTS_EXPORTED = "integrations.integration.assignments_exported"
    SYNC_HELD = "integrations.integration.sync_held"
    SYNC_APPROVED = "integrations.integration.sync_approved"
    SYNC_DISCARDED = "integrations.integration.sync_discarded"
    SYNC_CANCELLED = "integrations.integration.sync_cancelled"
    SYNC_REQUESTED = "integrations.integration.sync_requested"
    SECRET_REPLACED = "integrations.service_account.secret_replaced"  # noqa: S105
    ACTIVITY_EXPORTED = "integrations.activity.exported"
    ACCOUNT_MATCHED = "integrations.account.matched"
    ACCOUNT_REMOVAL_REQUESTED = "integrations.account.removal_requested"
    ACCOUNT_EXEMPTED = "integrations.account.exempted"
    ACCOUNT_EXEMPTION_ENDED = "integrations.account.exemption_ended"
    RETRY_REQUESTED = "integrations.provisioning.retry_requested"
    SERVICE_ACCOUNT_ADDED = "integrations.service_account.added"
    SERVICE_ACCOUNT_CHECK_REQUESTED = "integrations.service_account.check_requested"
    ORIGIN_ALLOWED = "integrations.service_account.address_allowed"
    PASSWORD_REFUSED = "integrations.service_account.password_refused"  # noqa: S105
    SERVICE_ACCOUNT_DELETED = "integrations.service_account.deleted"
    TASK_OPENED = "integrations.task.opened"
    TASK_CHANGED = "integrations.task.changed"
    TASK_DONE = "integrations.task.done"
    TASK_NOT_POSSIBLE = "integrations.task.not_possible"
    TASK_WITHDRAWN = "integrations.task.withdrawn"
    TASK_REOPENED = "integrations.task.reopened"
    TASKS_ASSIGNED = "integrations.integration.tasks_assigned"
    ACCOUNTS_UPLOADED = "integrations.integration.accounts_uploaded"
    DRAFT_STARTED = "integrations.draft.started"
    DRAFT_CHECK_REQUESTED = "integrations.draft.check_requested"
    DRAFT_CHECK_STOPPED = "integrations.draft.check_stopped"
    DRAFT_DELETED = "integrations.draft.deleted"
