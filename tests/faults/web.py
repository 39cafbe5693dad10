"""The product's WSGI application, with what `tests.faults.launch` puts into it."""

from __future__ import annotations

from config.wsgi import application
from tests.faults.launch import prepare

prepare()
__all__ = ["application"]
