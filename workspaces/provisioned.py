"""Members whom the IdP makes, changes, deactivates and takes away.

Called in the transaction of the SCIM write: what is refused here undoes it. Each
call locks the workspace first, as changes by people do, so that no two of them
leave it without an Owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from workspaces import audit, belongings, directory_sync, invitations, teams
from workspaces.domains import domain_of
from workspaces.made_by_idp import close, is_ours
from workspaces.members import has_other_owner
from workspaces.models import (
    DirectorySync,
    EmailDomain,
    Invitation,
    Membership,
    Role,
    User,
    Workspace,
)
from workspaces.models.user import email_key
from workspaces.refusals import (
    AlreadyProvisioned,
    DomainNotListed,
    DomainNotProven,
    Guarded,
    NoAddress,
    NotTheirs,
    PersonExists,
)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the IdP speaks of."""

    resource_id: str
    email: str
    name: str
    is_active: bool


@transaction.atomic
def put(
    workspace: Workspace, person: Person, *, token_key: str, now: datetime
) -> Membership:
    """Make the member of a SCIM user look as the IdP says.

    Raises ProvisioningRefused with the reason.
    """
    sync = directory_sync.entered(workspace)
    membership = (
        Membership.objects.in_workspace(workspace)
        .filter(resource_id=person.resource_id)
        .first()
    )
    visit = _Visit(workspace, sync, token_key, now)
    if membership is None:
        return visit.join(person)
    visit.update(membership, person)
    return membership


@transaction.atomic
def remove(
    workspace: Workspace, resource_id: str, *, token_key: str, now: datetime
) -> None:
    """End the membership of a SCIM user that is deleted. Raises Guarded.

    What hangs on it stops, or is handed over, as the rules say.
    """
    sync = directory_sync.entered(workspace)
    membership = (
        Membership.objects.in_workspace(workspace)
        .filter(resource_id=resource_id)
        .first()
    )
    if membership is not None:
        _Visit(workspace, sync, token_key, now).leave(membership)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call of the IdP: the workspace with its rules, which token, and when."""

    workspace: Workspace
    sync: DirectorySync
    token_key: str
    now: datetime

    def join(self, person: Person) -> Membership:
        domain = self._covering(person.email)
        user, is_new = User.objects.find_or_create(
            person.email, name=person.name[:150], provisioned_by=self.workspace
        )
        is_known = not is_new and not is_ours(user, self.workspace)
        if is_known and not (self.sync.adopts and domain.proven_at is not None):
            raise PersonExists
        membership = Membership.objects.filter(
            workspace=self.workspace, user=user
        ).first()
        if membership is None:
            membership = self._member(user, person)
        elif membership.resource_id is not None:
            raise AlreadyProvisioned
        else:
            membership.resource_id = person.resource_id
            membership.save(update_fields=["resource_id"])
        action = audit.Sync.ADOPTED if is_known else audit.Sync.PROVISIONED
        self._record(action, membership, role=membership.role)
        self._set_active(membership, is_active=person.is_active)
        self._let_in(membership)
        return membership

    def update(self, membership: Membership, person: Person) -> None:
        self._rename(membership, person)
        if person.is_active and not membership.is_active:
            self._covering(person.email)
        self._set_active(membership, is_active=person.is_active)
        self._let_in(membership)

    def leave(self, membership: Membership) -> None:
        _refuse_guarded(membership, "delete it")
        self._record(
            audit.Sync.DEPROVISIONED,
            membership,
            email=membership.user.email,
            **self._released_with(membership),
        )
        user = membership.user
        if is_ours(user, self.workspace):
            close(user)
        self._revoke_invitations(membership)
        belongings.release(membership, None, hands_over=self.sync.hands_over)
        membership.delete()

    def _member(self, user: User, person: Person) -> Membership:
        return Membership.objects.create(
            workspace=self.workspace,
            user=user,
            role=self.sync.default_role,
            resource_id=person.resource_id,
            is_active=person.is_active,
        )

    def _rename(self, membership: Membership, person: Person) -> None:
        """Give the person the IdP's name and address, if the IdP made the person."""
        user = membership.user
        is_moved = email_key(person.email) != user.email_key
        if is_moved:
            self._refuse_address(membership, person)
        if not is_ours(user, self.workspace):
            return
        before = (user.name, user.email)
        user.name = person.name[:150] or user.name
        user.email, user.email_key = person.email, email_key(person.email)
        if (user.name, user.email) == before:
            return
        user.save(update_fields=["name", "email", "email_key"])
        self._record(audit.Sync.CHANGED, membership, former_email=before[1])
        if is_moved:
            # A link in the mailbox of the former address opens nothing any more.
            self._revoke_invitations(membership)

    def _refuse_address(self, membership: Membership, person: Person) -> None:
        if not is_ours(membership.user, self.workspace):
            raise NotTheirs
        _refuse_guarded(membership, "change its email address")
        self._covering(person.email)
        if User.objects.filter(email_key=email_key(person.email)).exists():
            raise PersonExists

    def _set_active(self, membership: Membership, *, is_active: bool) -> None:
        if membership.is_active == is_active:
            return
        if not is_active:
            _refuse_guarded(membership, "deactivate it")
            self._revoke_invitations(membership)
            released = self._released_with(membership)
            belongings.release(membership, None, hands_over=self.sync.hands_over)
            membership.is_active = False
            membership.save(update_fields=["is_active"])
            self._record(
                audit.Sync.DEACTIVATED, membership, role=membership.role, **released
            )
            return
        membership.is_active = True
        membership.role = self.sync.default_role
        membership.own_role, membership.role_team = "", None
        membership.save(update_fields=["is_active", "role", "own_role", "role_team"])
        self._record(audit.Sync.REACTIVATED, membership, role=membership.role)
        teams.settle(self.workspace, [membership.pk])
        membership.refresh_from_db(fields=["role", "own_role", "role_team"])

    def _let_in(self, membership: Membership) -> None:
        """Note the first time that somebody is active, and invite them then, once."""
        if not membership.is_active or membership.first_active_at is not None:
            return
        membership.first_active_at = self.now
        membership.save(update_fields=["first_active_at"])
        if self.sync.sends_invites:
            invitations.invite_provisioned(membership, now=self.now)

    def _covering(self, email: str) -> EmailDomain:
        """Return the listed domain of an address. Raises ProvisioningRefused."""
        name = domain_of(email)
        if not name or not _is_address(email):
            raise NoAddress
        domain = EmailDomain.objects.filter(workspace=self.workspace, name=name).first()
        if domain is None:
            raise DomainNotListed(name)
        if domain.proven_at is None and not self.sync.allows_unproven:
            raise DomainNotProven(name)
        return domain

    def _revoke_invitations(self, membership: Membership) -> None:
        """End open links. Who never got theirs is owed an invite again."""
        links = Invitation.objects.open().filter(membership=membership)
        if links.filter(sent_at=None).exists():
            membership.first_active_at = None
            membership.save(update_fields=["first_active_at"])
        links.update(revoked_at=self.now, digest="")

    def _released_with(self, membership: Membership) -> dict[str, str | None]:
        """Say which connections stop or are handed over, for the audit log."""
        at_stake = belongings.at_stake(membership, None)
        names = ", ".join(thing.name for thing in at_stake) or None
        return {"handed_over" if self.sync.hands_over else "stops": names}

    def _record(
        self, action: audit.Sync, membership: Membership, **data: str | None
    ) -> None:
        audit.record(
            action,
            workspace=self.workspace,
            actor=None,
            target=membership,
            data={"token": self.token_key, **data},
        )


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254


def _refuse_guarded(membership: Membership, act: str) -> None:
    is_last_owner = (
        membership.role == Role.OWNER
        and membership.is_active
        and not has_other_owner(membership)
    )
    if membership.is_break_glass or is_last_owner:
        raise Guarded(membership, act)
