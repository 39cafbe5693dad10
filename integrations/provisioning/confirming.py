"""Confirm with the app: the IdP's request waits for its provisioning, within bounds.

A worker does the work as ever; the request only looks at how it went. So it is
never done twice, and a request that ends early loses nothing.
"""

from __future__ import annotations

import time
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from integrations.models import Provisioning
from scim.protocol.errors import RefusedByApp
from workspaces.models import Directory

POLL_SECONDS = 0.1


@cache
def _places() -> BoundedSemaphore:
    """Those of this process: requests that wait must leave threads to the others."""
    return BoundedSemaphore(settings.KEYWAY_CONFIRM_AT_ONCE)


def confirm(directory: Directory, resource_id: str) -> None:
    """Wait until the user's account is as wanted. Raises RefusedByApp.

    Returns also when the time is up, or when too many wait already.
    """
    if not _places().acquire(blocking=False):
        return
    try:
        _wait(directory, resource_id)
    finally:
        _places().release()


def _wait(directory: Directory, resource_id: str) -> None:
    rows = Provisioning.objects.filter(
        resource_id_public=resource_id,
        integration__directory=directory,
        integration__paused_at=None,
    )
    ends_at = time.monotonic() + settings.KEYWAY_CONFIRM_SECONDS
    first = row = rows.first()
    while first is not None and row is not None:
        if row.applied_version >= first.desired_version:
            return
        if row.state in Provisioning.FAILED:
            raise RefusedByApp(row.last_error)
        if time.monotonic() >= ends_at:
            return
        time.sleep(POLL_SECONDS)
        row = rows.first()
