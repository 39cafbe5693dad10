"""Calls of Directory Sync, below `v1/`."""

from __future__ import annotations

from django.urls import path

from integrations.api import (
    connection_calls,
    directory_sync_calls,
    directory_sync_token_calls,
    token_life_calls,
    usual_use_calls,
)

urlpatterns = [
    path(
        "directory-sync",
        directory_sync_calls.DirectorySync.as_view(),
        name="directory_sync",
    ),
    path(
        "directory-sync/connection",
        usual_use_calls.DirectorySyncConnection.as_view(),
        name="directory_sync_connection",
    ),
    path(
        "directory-sync/domains",
        directory_sync_calls.Domains.as_view(),
        name="domains",
    ),
    path(
        "directory-sync/domains/<uuid:domainId>",
        directory_sync_calls.DomainById.as_view(),
        name="domain",
    ),
    path(
        "directory-sync/domains/<uuid:domainId>/check",
        directory_sync_calls.DomainCheck.as_view(),
        name="check_domain",
    ),
    path(
        "directory-sync/quarantine",
        connection_calls.DirectorySyncQuarantine.as_view(),
        name="directory_sync_quarantine",
    ),
    path(
        "directory-sync/rotation-schedule",
        token_life_calls.DirectorySyncSchedule.as_view(),
        name="directory_sync_rotation_schedule",
    ),
    path(
        "directory-sync/silence-alarm",
        connection_calls.DirectorySyncSilenceAlarm.as_view(),
        name="directory_sync_silence_alarm",
    ),
    path("directory-sync/teams", directory_sync_calls.Teams.as_view(), name="teams"),
    path(
        "directory-sync/teams/<uuid:teamId>",
        directory_sync_calls.TeamById.as_view(),
        name="team",
    ),
    path(
        "directory-sync/tokens",
        directory_sync_token_calls.Tokens.as_view(),
        name="directory_sync_tokens",
    ),
    path(
        "directory-sync/tokens/<slug:tokenId>",
        directory_sync_token_calls.TokenById.as_view(),
        name="directory_sync_token",
    ),
    path(
        "directory-sync/tokens/<slug:tokenId>/limits",
        directory_sync_token_calls.TokenLimits.as_view(),
        name="directory_sync_token_limits",
    ),
    path(
        "directory-sync/tokens/<slug:tokenId>/retire",
        directory_sync_token_calls.Retirement.as_view(),
        name="retire_directory_sync_token",
    ),
    path(
        "directory-sync/tokens/<slug:tokenId>/rotate",
        directory_sync_token_calls.Rotation.as_view(),
        name="rotate_directory_sync_token",
    ),
    path(
        "directory-sync/turn-on",
        directory_sync_calls.TurnOn.as_view(),
        name="turn_on_directory_sync",
    ),
]
