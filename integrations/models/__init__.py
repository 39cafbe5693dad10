"""The tables of `integrations`."""

from __future__ import annotations

from integrations.models.account import AppAccount, AppEntitlement
from integrations.models.app import App
from integrations.models.assignment_export import AssignmentExport
from integrations.models.audit_stream import AuditStream
from integrations.models.call import AppCall, Screenshot
from integrations.models.draft import IntegrationDraft
from integrations.models.idempotency import IdempotencyRecord
from integrations.models.integration import Integration
from integrations.models.provisioning import Provisioning
from integrations.models.restore_point import RestorePoint
from integrations.models.service_account import ServiceAccount
from integrations.models.task import AccountList, Task, TaskAssignee
from integrations.models.watch import ConnectionWatch, SeenPlace
from integrations.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "AccountList",
    "App",
    "AppAccount",
    "AppCall",
    "AppEntitlement",
    "AssignmentExport",
    "AuditStream",
    "ConnectionWatch",
    "IdempotencyRecord",
    "Integration",
    "IntegrationDraft",
    "Provisioning",
    "RestorePoint",
    "Screenshot",
    "SeenPlace",
    "ServiceAccount",
    "Task",
    "TaskAssignee",
    "WebhookDelivery",
    "WebhookEndpoint",
]
