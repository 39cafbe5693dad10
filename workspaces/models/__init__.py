"""The tables of `workspaces`."""

from __future__ import annotations

from workspaces.models.audit import AppendOnly, AuditChain, AuditEvent
from workspaces.models.confirmation import Confirmation
from workspaces.models.directory import Directory
from workspaces.models.directory_sync import (
    DirectorySync,
    EmailDomain,
    Team,
    TeamMember,
)
from workspaces.models.factor import (
    AuthenticatorApp,
    CodeAttempts,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    RecoveryCodes,
)
from workspaces.models.invitation import Invitation
from workspaces.models.job import Job
from workspaces.models.lane import Lane
from workspaces.models.phone import PhoneDevice, PhoneEnrolment, PhoneNonce
from workspaces.models.sign_in_provider import SignInLink, SignInProvider
from workspaces.models.user import User
from workspaces.models.worker import WorkerProcess
from workspaces.models.workspace import Membership, Role, Workspace

__all__ = [
    "AppendOnly",
    "AuditChain",
    "AuditEvent",
    "AuthenticatorApp",
    "CodeAttempts",
    "Confirmation",
    "Directory",
    "DirectorySync",
    "EmailDomain",
    "Invitation",
    "Job",
    "Lane",
    "Membership",
    "Passkey",
    "PasskeyChallenge",
    "PhoneDevice",
    "PhoneEnrolment",
    "PhoneNonce",
    "RecoveryCode",
    "RecoveryCodes",
    "Role",
    "SignInLink",
    "SignInProvider",
    "Team",
    "TeamMember",
    "User",
    "WorkerProcess",
    "Workspace",
]
