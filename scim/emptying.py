"""Forget what an IdP put into a directory that it no longer provisions."""

from __future__ import annotations

from django.db import transaction

from scim.models import GroupMember, Resource, ResourceCount
from workspaces.models import Directory


@transaction.atomic
def empty(directory: Directory) -> int:
    """Delete all resources of a directory, so that the next IdP starts anew.

    No receiver is told: the caller has dealt with what stood for them, and sees to it
    that nobody writes meanwhile. Returns how many there were.
    """
    GroupMember.objects.filter(directory=directory).delete()
    count, _ = Resource.objects.filter(directory=directory).delete()
    ResourceCount.objects.filter(directory=directory).delete()
    return count
