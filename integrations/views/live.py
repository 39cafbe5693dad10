"""The live line: whether an IdP has called, and how that went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integrations.refusals import cause_and_cure
from scim import recent
from scim.recent import Call
from workspaces.models import Directory
from workspaces.permissions import WorkspaceRequest

_FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Live:
    """What `integrations/_live.html` shows."""

    call: Call | None
    """The last request, None while the first is awaited."""

    seconds: int | None
    """How long ago, where that is less than a minute."""

    has_token: bool
    caller: str
    cure: str
    """Cause and fix of a refusal, else empty."""

    is_news: bool = False
    """Whether the reader's page does not show this call yet."""

    @property
    def at(self) -> str:
        """When that was, in UTC, as HTML writes it."""
        return f"{self.call.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if self.call else ""

    @property
    def verdict(self) -> str:
        """What a request that succeeded proves: IdPs test with a read."""
        is_read = self.call is not None and self.call.method == "GET"
        return "test passed" if is_read else "provisioning works"

    @property
    def seen(self) -> str:
        """What the page sends back, so that the same news is not sent twice."""
        return f"{self.call.id if self.call else 0}-{int(self.has_token)}"


def live(
    directory: Directory, *, has_token: bool, seen: str | None, now: datetime
) -> Live:
    """Return the last call of a directory. One query."""
    call = next(iter(recent.calls(directory, limit=1)), None)
    age = now - call.at if call else _FRESH
    found = Live(
        call=call,
        seconds=max(0, int(age.total_seconds())) if age < _FRESH else None,
        has_token=has_token,
        caller=caller_of(call),
        cure=cause_and_cure(call.status) if call and call.is_refused else "",
    )
    if seen is None or seen == found.seen:
        return found
    return Live(
        found.call, found.seconds, has_token, found.caller, found.cure, is_news=True
    )


def is_stale(request: WorkspaceRequest, found: Live) -> bool:
    """Say whether a page that polls shows this already, but for its age."""
    return request.GET.get("seen") == found.seen and found.seconds is None


def caller_of(call: Call | None) -> str:
    """Return who calls, as a sentence begins with it."""
    return (call.caller if call else "") or "Your IdP"
