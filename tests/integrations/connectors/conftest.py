from __future__ import annotations

from tests.real_apps.fixtures import demo_app
from tests.real_apps.role_database import role_database
from tests.real_apps.slapd import slapd

__all__ = ["demo_app", "role_database", "slapd"]
