"""What a directory belongs to, told by the app that knows.

`tokens` knows directories only. Whoever stands on one registers how to describe
it, so that a page can say whose provisioning a token carries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workspaces.models import Directory


@dataclass(frozen=True, slots=True)
class Holder:
    """The thing that people know, its page, and how many users it provisions."""

    name: str
    url: str
    user_count: int
    idp: str = ""
    """The IdP that calls, if it is known: `Okta`."""

    @property
    def caller(self) -> str:
        """Who provisions, as a sentence begins with it."""
        return self.idp or "Your IdP"


_describers: dict[str, Callable[[Directory], Holder]] = {}


def register(kind: Directory.Kind, describe: Callable[[Directory], Holder]) -> None:
    """Let `describe` tell of the directories of a kind."""
    _describers[kind] = describe


def has_holder(directory: Directory) -> bool:
    """Say whether an app describes directories of this kind."""
    return directory.kind in _describers


def holder_of(directory: Directory) -> Holder:
    """Return what the directory belongs to."""
    return _describers[directory.kind](directory)
