"""What about tokens can need a confirmation of who asks."""

from __future__ import annotations

from tokens.models import ScimToken
from workspaces import confirmable
from workspaces.confirmable import Action, Subject
from workspaces.models import Directory
from workspaces.permissions import Permission

VIEW = Action(
    "tokens.view",
    "view the SCIM API authentication token",
    "Show Token",
    Permission.MANAGE_TOKENS,
)
GENERATE = Action(
    "tokens.generate",
    "generate a token",
    "Generate token",
    Permission.MANAGE_TOKENS,
    setting="Generate the first token of a gateway",
)
REPLACE = Action(
    "tokens.replace",
    "generate a new token",
    "Generate new token",
    Permission.MANAGE_TOKENS,
    setting="Generate a new token in place of another",
)
REVOKE = Action(
    "tokens.revoke",
    "revoke a token",
    "Revoke token",
    Permission.MANAGE_TOKENS,
    setting="Revoke a token",
)
GENERATE_API = Action(
    "tokens.generate_api",
    "generate an API token",
    "Generate API token",
    Permission.MANAGE_TOKENS,
    setting="Generate an API token",
)
LET_IN = Action(
    "tokens.let_in",
    "let an OAuth client or an IdP in",
    "Continue",
    Permission.MANAGE_TOKENS,
    setting="Add an OAuth client, a secret or the trust in an IdP",
)


def register() -> None:
    """Make the actions known."""
    for action in (VIEW, GENERATE, REPLACE, REVOKE, GENERATE_API, LET_IN):
        confirmable.register(action)


def subject_of(token: ScimToken) -> Subject:
    """Return a token as a confirmation names it: by its masked form."""
    return Subject(token.key, str(token))


def replaced(token: ScimToken) -> Subject:
    """Return a token that is to be replaced; that of Directory Sync is guarded."""
    is_sync = token.directory.kind == Directory.Kind.DIRECTORY_SYNC
    return Subject(token.key, str(token), is_guarded=is_sync)
