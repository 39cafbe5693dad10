"""Say how far a token, an OAuth client or a trust reaches."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tokens.audit import Action
from tokens.errors import TokenNotActive
from tokens.limits import Limits
from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.opener import Opener
from workspaces import audit
from workspaces.models import User

_LIMITED: dict[type[Opener], Action] = {
    ScimToken: Action.LIMITED,
    OAuthClient: Action.CLIENT_LIMITED,
    IdpTrust: Action.TRUST_LIMITED,
}


@transaction.atomic
def limit(opener: Opener, limits: Limits, *, actor: User, now: datetime) -> None:
    """Let it reach so far and no farther, from the next request on.

    Raises TokenNotActive if it has ended.
    """
    kind = type(opener)
    locked = kind._default_manager.select_for_update(of=("self",))  # noqa: SLF001  public by the docs
    opener = locked.select_related("directory__workspace").get(pk=opener.pk)
    state = opener.state(now)
    if not state.is_live:
        raise TokenNotActive(
            f"{opener.name} has ended: {state.label.lower()}. There is nothing to limit."
        )
    if opener.limits == limits:
        return
    columns = limits.as_columns()
    for name, value in columns.items():
        setattr(opener, name, value)
    opener.save(update_fields=list(columns))
    audit.record(
        _LIMITED[kind],
        workspace=opener.directory.workspace,
        actor=actor,
        target=opener,
        data={
            "directory": opener.directory.key,
            "access": "read" if limits.is_read_only else "full",
            "network_rule": str(limits.network_rule),
            "networks": " ".join(limits.networks),
            "email_domains": " ".join(limits.email_domains),
        },
    )
