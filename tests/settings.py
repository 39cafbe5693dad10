"""Settings of the tests: the project's own, with fixed keys and cheap hashing."""

from __future__ import annotations

import os
import tempfile

# Before the project's settings are read: explicit values win over any `.env`.
os.environ.update(
    KEYWAY_ENV="development",
    KEYWAY_PUBLIC_URL="http://testserver",
    KEYWAY_SECRET_KEY="only-for-tests-" + "0123456789abcdef" * 4,
    KEYWAY_ENCRYPTION_KEYS="1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    KEYWAY_TOKEN_KEYS="1:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
    KEYWAY_PUSH_KEY="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    KEYWAY_ALLOWED_NETWORKS="127.0.0.0/8,::1/128",
    KEYWAY_LOG_LEVEL="WARNING",
)
os.environ.setdefault("KEYWAY_VAR_DIR", tempfile.mkdtemp(prefix="keyway-test-"))

from config.settings import *  # noqa: F403

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
KEYWAY_SCIM_RATE = 0
KEYWAY_API_RATE = 0
PASSWORD_HASHERS = ["tests.fakes.hashers.CheapHasher"]
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: tests of races open several connections.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}  # noqa: F405
