"""What the token pages say of a workspace's own directory."""

from __future__ import annotations

from django.urls import reverse

from scim import recent
from scim.models import Resource
from tokens.holders import Holder
from workspaces.models import Directory


def holder_of(directory: Directory) -> Holder:
    """Describe Directory Sync, for the token pages."""
    return Holder(
        name="Directory Sync",
        url=reverse("directory_sync:idp_settings"),
        user_count=Resource.objects.filter(
            directory=directory, resource_type="User"
        ).count(),
        idp=recent.idp_of(directory),
    )
