"""SCIM: what the IdP says."""

from __future__ import annotations

from django.apps import AppConfig


class ScimConfig(AppConfig):
    """The protocol and the resource store."""

    name = "scim"
