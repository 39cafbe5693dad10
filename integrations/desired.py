"""What an outside app should look like, and what it looks like: plain values.

These are all that a connector ever sees of Keyway. They are built from SCIM
resources by `integrations.provisioning.mapping`, and know nothing of SCIM or of tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an app is and who Keyway is there."""

    base_url: str
    """Scheme, host and port, with a path where the app has one. No trailing slash."""

    username: str
    """Empty if the secret is an access token, which needs no name."""

    secret: str = field(repr=False)
    identifier: str = ""
    """The customer's business ID in the app, where the app asks for one."""

    login_workflow: str = "password"
    """How it logs in there. With `access_token` the secret is a key, without a name."""

    hides: tuple[str, ...] = field(default=(), repr=False)
    """Values besides the secret that nothing noted of a call may show."""


@dataclass(frozen=True, slots=True)
class DesiredAccount:
    """An account as the IdP wants it."""

    username: str
    external_ref: str
    """The public id of the SCIM resource: stable over renames, no secret."""

    email: str = ""
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""
    active: bool = True
    attributes: dict[str, JSON] = field(default_factory=dict)
    """Attributes of the integration's own user schema, by name."""


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """An account as the app says it is."""

    external_id: str
    """The app's own key of the account. Never empty, never longer than 255."""

    username: str
    email: str = ""
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""
    active: bool = True
    entitlements: frozenset[tuple[str, str]] = frozenset()
    """Pairs of (kind, external id) of what the account holds, where the app says."""

    attributes: dict[str, JSON] | None = None
    """Attributes of the user schema by name; None if the app does not tell them."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Something an account can be given in the app."""

    kind: str
    """`group` or `role`, or a kind of the app's own."""

    external_id: str
    name: str
