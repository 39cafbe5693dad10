"""The shapes that SCIM data takes in Python."""

from __future__ import annotations

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
Document = dict[str, JSON]
"""A resource, or a part of one, spelled as on the wire."""
