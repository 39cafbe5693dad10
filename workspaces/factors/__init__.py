"""Second factors: what other parts of the product may use.

from workspaces import factors

factors.usable(user)                            the factors of a person
factors.verify_code(user, factor.id, code)      a code, used up if it is right
factors.begin(user, purpose="reveal", now=now)  a passkey, first half: a Ceremony
factors.complete(user, challenge_id, answer, purpose="reveal", now=now)
factors.may_confirm(factor.device, now)         old enough for a reveal?
factors.note_factor(request, device, now=now)   the session proved it
factors.register(factors.Kind(...))             one more kind, in AppConfig.ready
factors.waiting(request, now=now)               who is at the second step, if anybody
factors.finish(request, who, device, now=now)   log them in with the device
"""

from __future__ import annotations

from workspaces.factors.changes import added, delete, requires_two_steps
from workspaces.factors.codes import (
    Purpose,
    TooManyAttempts,
    locked_until,
    verify_code,
)
from workspaces.factors.kinds import (
    RECOVERY,
    Factor,
    Kind,
    held_by,
    kind_named,
    may_confirm,
    register,
    usable,
    usable_one,
)
from workspaces.factors.passkeys import Ceremony, PasskeyRefused, begin, complete
from workspaces.factors.proof import is_fresh, is_verified, note_factor
from workspaces.factors.second_step import Waiting, finish, waiting

__all__ = [
    "RECOVERY",
    "Ceremony",
    "Factor",
    "Kind",
    "PasskeyRefused",
    "Purpose",
    "TooManyAttempts",
    "Waiting",
    "added",
    "begin",
    "complete",
    "delete",
    "finish",
    "held_by",
    "is_fresh",
    "is_verified",
    "kind_named",
    "locked_until",
    "may_confirm",
    "note_factor",
    "register",
    "requires_two_steps",
    "usable",
    "usable_one",
    "verify_code",
    "waiting",
]
