"""What stands in the calendar of a workspace: when its tokens end or are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from integrations.calendar.ical import Event
from tokens import scheduled_rotation
from tokens.models import ApiToken, ClientSecret, ScimToken
from workspaces.models import Directory, Workspace

MOST = 2_000
"""Entries at most, the soonest first: calendars refuse huge files."""


def entries(workspace: Workspace, *, now: datetime) -> list[Event]:
    """Return what is to come, the soonest first. Four queries, however much it is."""
    found = [
        *_ends(workspace, now),
        *_rotations(workspace, now),
        *_client_secrets(workspace, now),
        *_api_tokens(workspace, now),
    ]
    return sorted(found, key=lambda event: (event.at, event.uid))[:MOST]


def _ends(workspace: Workspace, now: datetime) -> Iterator[Event]:
    tokens = (
        ScimToken.objects.in_workspace(workspace)
        .live(now)
        .select_related("directory__integration", "replaced_by")
        .order_by("expires_at")
    )
    for token in tokens[:MOST]:
        if token.ends_at is None:
            continue
        holder = _name(token.directory)
        if token.replaced_by is not None:
            summary = f"Old token {token.name} of {holder} stops"
            text = (
                f"{token.replaced_by.name} replaces it. Make sure that your IdP has it."
            )
        else:
            summary = f"Token {token.name} of {holder} expires"
            text = "Generate a new token and paste it into your IdP before that."
        yield Event(
            _uid("end", token.key), token.ends_at, summary, text, _url(token.directory)
        )


def _rotations(workspace: Workspace, now: datetime) -> Iterator[Event]:
    for due in scheduled_rotation.dues(workspace, now=now):
        token = due.token
        yield Event(
            _uid("rotation", token.key),
            due.at,
            f"Replace token {token.name} of {_name(token.directory)}",
            "By schedule. Have the settings of your IdP open: the new token is shown "
            "once.",
            _url(token.directory),
        )


def _client_secrets(workspace: Workspace, now: datetime) -> Iterator[Event]:
    secrets = (
        ClientSecret.objects.live(now)
        .filter(directory__workspace=workspace, client__revoked_at=None)
        .select_related("client", "directory__integration")
        .order_by("expires_at")
    )
    for secret in secrets[:MOST]:
        yield Event(
            _uid("secret", secret.key),
            secret.expires_at,
            f"Secret of OAuth client {secret.client.name} of "
            f"{_name(secret.directory)} expires",
            "Add a second secret and give it to your IdP before that.",
            _url(secret.directory),
        )


def _api_tokens(workspace: Workspace, now: datetime) -> Iterator[Event]:
    tokens = ApiToken.objects.in_workspace(workspace).live(now)
    of_members = tokens.filter(
        membership__is_active=True, membership__user__is_active=True
    )
    for token in of_members.order_by("expires_at")[:MOST]:
        yield Event(
            _uid("api", token.key),
            token.expires_at,
            f"API token {token.name} expires",
            f"It is of {token.membership.user}. Whatever uses it is refused from then "
            "on.",
            settings.KEYWAY_PUBLIC_URL + reverse("api_tokens:list"),
        )


def _uid(kind: str, key: str) -> str:
    return f"{kind}-{key}@{urlsplit(settings.KEYWAY_PUBLIC_URL).hostname or 'keyway'}"


def _name(directory: Directory) -> str:
    if directory.kind == Directory.Kind.GATEWAY:
        return directory.integration.name
    return "Directory Sync"


def _url(directory: Directory) -> str:
    path = (
        reverse("integrations:connected_services", args=[directory.key])
        if directory.kind == Directory.Kind.GATEWAY
        else reverse("directory_sync:idp_settings")
    )
    return settings.KEYWAY_PUBLIC_URL + path
