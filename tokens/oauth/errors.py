"""Why an OAuth client or a trust could not be made or changed, for people."""

from __future__ import annotations

from tokens.errors import TokenError


class ClientEnded(TokenError):
    """The client or its secret has been revoked already."""


class EnoughSecrets(TokenError):
    """The client has as many live secrets as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "This client has two working secrets. Revoke the one that is no longer "
            "used, then generate a new one."
        )


class WrongMethod(TokenError):
    """The client proves itself in another way."""


class TrustExists(TokenError):
    """The directory trusts an IdP already."""

    def __init__(self) -> None:
        super().__init__(
            "This connection takes JWTs of an IdP already. Revoke that trust first."
        )
