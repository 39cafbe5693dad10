"""What the rules refuse to the IdP, in words that its administrator reads."""

from __future__ import annotations

from workspaces.errors import MemberError
from workspaces.models import Membership, Team


class ProvisioningRefused(MemberError):
    """The IdP asks for something that the rules of the workspace do not let it."""


class SyncOff(ProvisioningRefused):
    """Nobody turned Directory Sync on, or somebody turned it off."""

    def __init__(self) -> None:
        super().__init__(
            "Directory Sync is not on in this workspace. Turn it on, or add an email "
            "domain, under Settings, SCIM Users Provisioning, then provision again."
        )


class NoAddress(ProvisioningRefused):
    """A member needs an e-mail address."""

    def __init__(self) -> None:
        super().__init__(
            "This user has no email address: emails has none and userName is none. "
            "Map one in your IdP, then provision again."
        )


class DomainNotListed(ProvisioningRefused):
    """The address is of a domain that the workspace does not cover."""

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The email domain {domain} is not listed for this workspace. Add it under "
            "Settings, SCIM Users Provisioning, or do not assign this user."
        )
        self.domain = domain


class DomainNotProven(ProvisioningRefused):
    """The domain is listed, and nobody has proven that it is theirs."""

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The email domain {domain} is not proven yet. Publish its TXT record and "
            "press Check now under Settings, SCIM Users Provisioning."
        )
        self.domain = domain


class PersonExists(ProvisioningRefused):
    """Equal addresses alone do not make two people one."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has an account with this email address already. To let your IdP "
            "take such people over, prove the domain and allow it under Settings, "
            "IDP Settings."
        )


class AlreadyProvisioned(ProvisioningRefused):
    """Another user of the IdP stands for this person."""

    def __init__(self) -> None:
        super().__init__(
            "Another user of this directory has this email address. Give each user "
            "an address of their own in your IdP."
        )


class NotTheirs(ProvisioningRefused):
    """The account is older than the provisioning, or has a life in other workspaces."""

    def __init__(self) -> None:
        super().__init__(
            "The email address of this person cannot be changed from here: the account "
            "was not made by this directory, or is used in another workspace too."
        )


class Guarded(ProvisioningRefused):
    """The IdP would shut out the last Owner or the break-glass account."""

    def __init__(self, membership: Membership, act: str) -> None:
        who = (
            "a break-glass account"
            if membership.is_break_glass
            else "the last Owner of the workspace"
        )
        super().__init__(
            f"This user is {who}: SCIM cannot {act}. An Owner can change that under "
            "Members in Keyway."
        )
        self.membership = membership
        self.act = act


class RoleFromTeam(MemberError):
    """A team gives a higher role than the one that is asked for."""

    def __init__(self, team: Team) -> None:
        super().__init__(
            f"The team {team.name} gives this member the present role. Change the "
            "role of the team under Settings, IDP Settings, or choose a higher one."
        )


class IsProvisioned(MemberError):
    """The IdP would bring the member back."""

    def __init__(self) -> None:
        super().__init__(
            "Your IdP provisions this member. Unassign them there instead."
        )
