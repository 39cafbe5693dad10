from __future__ import annotations

from tests.real_apps.fixtures import demo_app

__all__ = ["demo_app"]
