"""A module that cannot be loaded, as one whose extra is not installed."""

from __future__ import annotations

import nothing_there  # noqa: F401
