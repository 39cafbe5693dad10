"""A whole Wagtail in one file: nothing but its admin pages, on SQLite."""

from __future__ import annotations

import os
import secrets
import sys

import django
from django.conf import settings
from django.core.management import call_command, execute_from_command_line

settings.configure(
    SECRET_KEY=secrets.token_hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="__main__",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["WAGTAIL_DATA"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "wagtail.users",
        "wagtail.images",
        "wagtail.documents",
        "wagtail.snippets",
        "wagtail.search",
        "wagtail.admin",
        "wagtail",
        "modelcluster",
        "taggit",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    STATIC_URL="/static/",
    DEBUG=True,
    USE_TZ=True,
    WAGTAIL_SITE_NAME="Wagtail of the tests",
    WAGTAILADMIN_BASE_URL="http://127.0.0.1",
    WAGTAIL_ENABLE_UPDATE_CHECK=False,
)
django.setup()

# These read the settings when they are imported.
from django.contrib.auth import get_user_model  # noqa: E402
from django.urls import include, path  # noqa: E402
from wagtail.admin import urls as wagtailadmin_urls  # noqa: E402

urlpatterns = [path("admin/", include(wagtailadmin_urls))]


def prepare() -> None:
    """Make the database, with its administrator."""
    call_command("migrate", verbosity=0)
    name, password = os.environ["WAGTAIL_USERNAME"], os.environ["WAGTAIL_PASSWORD"]
    get_user_model().objects.create_superuser(name, f"{name}@example.com", password)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        server = ["runserver", "--noreload", f"127.0.0.1:{sys.argv[1]}"]
        execute_from_command_line([sys.argv[0], *server])
