from __future__ import annotations

from tests.real_apps.fixtures import (
    demo_app,
    flask_appbuilder,
    fresh_redmine,
    jupyterhub,
    redmine,
    redmine_folder,
    roundup,
    wagtail,
)

__all__ = [
    "demo_app",
    "flask_appbuilder",
    "fresh_redmine",
    "jupyterhub",
    "redmine",
    "redmine_folder",
    "roundup",
    "wagtail",
]
