"""What ends a command, each with its exit code.

0 is success and 2 is click's own, for what was typed wrong::

    CliError
    ├── Refused        1  Keyway answered with a problem, or a sync did not complete
    │   └── Forbidden     the role or the scopes of the token do not allow it
    ├── Unusable       2  the address, the token or the kept file
    ├── NotLoggedIn    3  no token is known, or Keyway does not take it
    └── Unreachable    4  no answer, or none that Keyway would give
"""

from __future__ import annotations

from typing import ClassVar

import click


class CliError(click.ClickException):
    """An error for people, on standard error."""


class Refused(CliError):
    """Keyway said no, and why."""

    exit_code: ClassVar = 1


class Forbidden(Refused):
    """The role or the scopes of the token do not allow it."""


class Unusable(CliError):
    """What was given cannot be used."""

    exit_code: ClassVar = 2


class NotLoggedIn(CliError):
    """Keyway does not know who asks."""

    exit_code: ClassVar = 3

    def __init__(self, reason: str = "You are not logged in.") -> None:
        super().__init__(
            f"{reason} Run `keyway login`, or set KEYWAY_URL and KEYWAY_API_TOKEN."
        )


class Unreachable(CliError):
    """Nobody answered, or somebody else did."""

    exit_code: ClassVar = 4
