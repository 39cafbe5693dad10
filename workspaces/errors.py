"""What the rules of workspaces refuse, in words for people."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied

from workspaces.models import Role


class MemberError(Exception):
    """A change of members that the rules refuse."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ReachesTooHigh(MemberError, PermissionDenied):
    """What would be let into Directory Sync could give a role above one's own."""

    def __init__(self, role: Role) -> None:
        super().__init__(
            f"What opens Directory Sync can make a {role.label} here: by the default role, "
            "a team, or the link of somebody who has no way in yet. It takes that role, or "
            "a higher one, to generate or see it."
        )


class LastOwner(MemberError):
    """Without this Owner nobody could make another."""

    def __init__(self) -> None:
        super().__init__(
            "The last Owner cannot leave or get a lower role. Make another member an "
            "Owner first."
        )


class RoleTooHigh(MemberError):
    """A role is granted and taken by who has it, or a higher one."""

    def __init__(self, role: Role) -> None:
        above = "" if role == Role.OWNER else " or somebody with a higher role"
        article = "an" if role.label[0] in "AO" else "a"
        whose = f"{article} {role.label}"
        super().__init__(
            f"Only {whose}{above} can make somebody {whose}, or change or remove one."
        )


class NoLongerAllowed(MemberError):
    """The role of whoever asks was changed meanwhile."""

    def __init__(self) -> None:
        super().__init__("Your own role was changed meanwhile. Ask an Owner.")


class AlreadyMember(MemberError):
    """The address is that of a member."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is a member of this workspace already.")


class InvitationOver(MemberError):
    """The invitation was used, revoked or has expired."""

    def __init__(self) -> None:
        super().__init__("This invitation was used, was revoked or has expired.")


class AddressTaken(MemberError):
    """Somebody has an account with the invited address."""

    def __init__(self) -> None:
        super().__init__(
            "There is an account with this address already. Sign in to it to join."
        )


class OtherPerson(MemberError):
    """The invitation is for another address than that of whoever is signed in."""

    def __init__(self, email: str) -> None:
        super().__init__(f"This invitation is for {email}.")


class FactorError(Exception):
    """A change of second factors that the rules refuse."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LastFactor(FactorError):
    """Without it the person could not get in any more."""

    def __init__(self, workspace: str) -> None:
        super().__init__(
            f"{workspace} requires two steps to log in, and this is your last second "
            "factor. Set up another one first."
        )


class RankTooLow(MemberError):
    """Factors are reset by an Owner, or by somebody of a higher role."""

    def __init__(self) -> None:
        super().__init__(
            "Only an Owner, or a member with a higher role than this one, can reset "
            "these second factors."
        )


class OwnFactors(MemberError):
    """One's own factors are deleted one by one, with a proof."""

    def __init__(self) -> None:
        super().__init__(
            "These are your own second factors. Delete them under Security."
        )


class FactorsElsewhereToo(MemberError):
    """Factors belong to a person: no workspace alone decides on those it shares."""

    def __init__(self) -> None:
        super().__init__(
            "The second factors of this person also guard what no role here covers. "
            "A superuser can reset them in the Django admin, under Users."
        )


class LastWayIn(FactorError):
    """Without this passkey the person, who has no password, could not sign in."""

    def __init__(self) -> None:
        super().__init__(
            "You have no password, and this is your last passkey. Add another passkey "
            "first."
        )


class NoFactorYet(FactorError):
    """Recovery codes stand in for a factor; there has to be one."""

    def __init__(self) -> None:
        super().__init__("Set up a passkey or an authenticator app first.")
