"""The WSGI entry point. Refuses to start with unsafe settings."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# After Django is set up: the checks read its settings.
from config.checks import refuse_unsafe_settings  # noqa: E402
from scim.records import start_writer  # noqa: E402

refuse_unsafe_settings()
start_writer()
