"""Let whoever carries a change out have its say before the IdP is answered.

`scim` does not know who that is; a higher app registers.
"""

from __future__ import annotations

from collections.abc import Callable

from workspaces.models import Directory

Confirm = Callable[[Directory, str], None]
"""Called with the directory and the public id of a user whose change is committed.

Waits within bounds. Raises RefusedByApp if the change was refused.
"""

_registered: list[Confirm] = []


def register(confirm: Confirm) -> None:
    """Ask `confirm` about each change of a user in a directory that confirms."""
    _registered.append(confirm)


def confirm(directory: Directory, public_id: str) -> None:
    """Return when the change is carried out, or takes too long. Raises RefusedByApp."""
    for each in _registered:
        each(directory, public_id)
