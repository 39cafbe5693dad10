"""How the Django admin writes times: in the order of the portal, with the zone."""

from __future__ import annotations

DATETIME_FORMAT = "j M Y, H:i T"
