"""All settings, read from the environment or from `.env`.

Every name that starts with KEYWAY_ is described in docs/reference/settings.md.
A secret can also come from a file: NAME_FILE instead of NAME.
"""

from __future__ import annotations

import ipaddress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.environment import BASE_DIR, env, key_ring, push_key
from config.logs import configure_logging

# Where we run

KEYWAY_ENV = env.str("KEYWAY_ENV", default="production")
if KEYWAY_ENV not in {"production", "development"}:
    raise ImproperlyConfigured("KEYWAY_ENV must be production or development.")
DEVELOPMENT = KEYWAY_ENV == "development"
DEBUG = env.bool("KEYWAY_DEBUG", default=False)

VAR_DIR = Path(env.str("KEYWAY_VAR_DIR", default=str(BASE_DIR / "var")))
ADDRESS_FILE = VAR_DIR / "address"
"""Written by `make run`, so that commands in another shell print the same URLs."""

PORT = env.int("PORT", default=8000)
KEYWAY_PUBLIC_URL = env.str("KEYWAY_PUBLIC_URL", default="").rstrip("/")
if not KEYWAY_PUBLIC_URL and DEVELOPMENT:
    KEYWAY_PUBLIC_URL = (
        ADDRESS_FILE.read_text(encoding="utf-8").strip()
        if ADDRESS_FILE.is_file()
        else f"http://localhost:{PORT}"
    )
_public = urlsplit(KEYWAY_PUBLIC_URL)
HTTPS = _public.scheme == "https"

ALLOWED_HOSTS = [_public.hostname] if _public.hostname else []
if DEVELOPMENT:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = (
    [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []
)

# Secrets

SECRET_KEY = env.str("KEYWAY_SECRET_KEY", default="") or "unset"
SECRET_KEY_FALLBACKS = env.list("KEYWAY_SECRET_KEY_FALLBACKS", default=[])
KEYWAY_ENCRYPTION_KEYS = key_ring("KEYWAY_ENCRYPTION_KEYS")
KEYWAY_TOKEN_KEYS = key_ring("KEYWAY_TOKEN_KEYS")

KEYWAY_PUSH_KEY = push_key(env.str("KEYWAY_PUSH_KEY", default=""))
KEYWAY_PUSH_IS_ON = bool(KEYWAY_PUSH_KEY) and find_spec("pywebpush") is not None
"""Without the key or the extra `push`, phones ask for themselves while they are open."""

# Applications, in the one direction that imports may take: down this list.

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "integrations.apps.IntegrationsConfig",
    "scim.apps.ScimConfig",
    "tokens.apps.TokensConfig",
    "workspaces.apps.WorkspacesConfig",
    "config.apps.KeywayAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "config.apps.LogInsConfig",
    "csp",
    "django_cotton.apps.SimpleAppConfig",
    "django_htmx",
    "django_otp",
    "django_otp_webauthn",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "rest_framework",
    "template_partials.apps.SimpleAppConfig",
]
if find_spec("django_linear_migrations"):
    # A tool for those who write migrations; `make setup` alone does not install it.
    INSTALLED_APPS.append("django_linear_migrations")

MIDDLEWARE = [
    "config.operations.gate.OperationsGate",
    "scim.api.gate.ScimGate",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "workspaces.middleware.KeepNewerSession",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workspaces.middleware.SignInFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspaces.middleware.WorkspaceMiddleware",
    "workspaces.factors.gate.TwoStepsFirst",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            # Partials and cotton each want the loaders for themselves; this is
            # the one order in which both work.
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context.portal",
            ],
        },
    }
]
FORM_RENDERER = "config.forms.PortalFormRenderer"

# Database

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'keyway.sqlite3'}")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
            "PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        options=(
            "-c statement_timeout=9000 -c lock_timeout=8000"
            " -c idle_in_transaction_session_timeout=60000"
        ),
        # Prepared statements: planning would cost more than most of our queries.
        server_side_binding=True,
        prepare_threshold=2,
        # A server that vanished without a word is noticed in seconds, not in hours.
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
    )

# A cache that all processes share, for limits that hold over all of them.

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
CACHE_IS_SHARED = not CACHES["default"]["BACKEND"].endswith("LocMemCache")
if CACHES["default"]["BACKEND"].endswith("RedisCache"):
    # Nothing waits long for a cache.
    CACHES["default"]["OPTIONS"] = {
        "socket_timeout": 0.25,
        "socket_connect_timeout": 0.25,
    }

# People and sessions

AUTH_USER_MODEL = "workspaces.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "workspaces.hashers.KeywayArgon2Hasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "workspaces:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "workspaces:login"
SESSION_COOKIE_AGE = env.int("KEYWAY_SESSION_IDLE_SECONDS", default=60 * 60)
KEYWAY_SESSION_LONGEST_SECONDS = env.int(
    "KEYWAY_SESSION_LONGEST_SECONDS", default=24 * 60 * 60
)
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "keyway_session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "keyway_csrf"

OTP_WEBAUTHN_CREDENTIAL_MODEL = "workspaces.Passkey"
OTP_WEBAUTHN_RP_NAME = "Keyway"
OTP_WEBAUTHN_RP_ID = _public.hostname or "localhost"
# The origin is that of KEYWAY_PUBLIC_URL, read at each use: workspaces.factors.passkeys.
SILENCED_SYSTEM_CHECKS = ["otp_webauthn.E030"]

CSRF_FAILURE_VIEW = "workspaces.views.errors.csrf_failure"

AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "workspaces.sign_in.who_was_tried"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_TEMPLATE = "workspaces/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_IPWARE_PROXY_COUNT = env.int("KEYWAY_PROXY_COUNT", default=0)
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log tells of log-ins
AXES_ENABLE_ADMIN = False  # workspaces.admin shows those that failed

# E-mail. In development it is written to files instead of being sent.

_email = env.email_url(
    "KEYWAY_EMAIL_URL",
    default=f"filemail://{VAR_DIR / 'mail'}" if DEVELOPMENT else "smtp://localhost:25",
)
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str(
    "KEYWAY_EMAIL_FROM", default=f"Keyway <keyway@{_public.hostname or 'localhost'}>"
)

# What browsers are told

if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Plain http on the APIs is refused, never redirected: it would carry a token.
    SECURE_REDIRECT_EXEMPT = [r"^scim/", r"^api/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb")
}

# Static files

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.BundlingStorage"},
}

# Language and time

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]

# Limits on what may come in

DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
KEYWAY_SCIM_MAX_BODY_BYTES = env.int("KEYWAY_SCIM_MAX_BODY_BYTES", default=1_048_576)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(1_048_576, KEYWAY_SCIM_MAX_BODY_BYTES)
KEYWAY_SCIM_RATE = env.int("KEYWAY_SCIM_RATE", default=100)
KEYWAY_SCIM_BURST = env.int("KEYWAY_SCIM_BURST", default=500)
KEYWAY_API_RATE = env.int("KEYWAY_API_RATE", default=10)
KEYWAY_API_BURST = env.int("KEYWAY_API_BURST", default=100)
KEYWAY_RECORD_DAYS = env.int("KEYWAY_RECORD_DAYS", default=90)

# Outgoing calls and work

KEYWAY_ALLOWED_NETWORKS = [
    ipaddress.ip_network(network)
    for network in env.list("KEYWAY_ALLOWED_NETWORKS", default=[])
]
# Which servers prove domains; without any, those of the machine.
KEYWAY_DNS_SERVERS = [
    (host, int(port or 53))
    for host, _, port in (
        entry.partition("#") for entry in env.list("KEYWAY_DNS_SERVERS", default=[])
    )
]
# The Chromium of the `browser` connector; empty to look in the usual places.
KEYWAY_CHROMIUM = env.str("KEYWAY_CHROMIUM", default="")
KEYWAY_WORKER_THREADS = env.int("KEYWAY_WORKER_THREADS", default=4)
KEYWAY_JOBS = env.str("KEYWAY_JOBS", default="worker")
KEYWAY_CELERY_BROKER_URL = env.str("KEYWAY_CELERY_BROKER_URL", default="")
if KEYWAY_JOBS not in {"worker", "celery"}:
    raise ImproperlyConfigured("KEYWAY_JOBS must be worker or celery.")
if KEYWAY_JOBS == "celery":
    if not KEYWAY_CELERY_BROKER_URL or find_spec("celery") is None:
        raise ImproperlyConfigured(
            "KEYWAY_JOBS=celery needs the extra celery and KEYWAY_CELERY_BROKER_URL."
        )
    if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        raise ImproperlyConfigured("KEYWAY_JOBS=celery needs PostgreSQL.")
KEYWAY_CONFIRM_SECONDS = env.int("KEYWAY_CONFIRM_SECONDS", default=25)
KEYWAY_CONFIRM_AT_ONCE = env.int("KEYWAY_CONFIRM_AT_ONCE", default=2)
KEYWAY_JOBS_PER_LANE = env.int("KEYWAY_JOBS_PER_LANE", default=3)

# Who may read /metrics; without either, nobody.
KEYWAY_METRICS_TOKEN = env.str("KEYWAY_METRICS_TOKEN", default="")
KEYWAY_METRICS_NETWORKS = [
    ipaddress.ip_network(network)
    for network in env.list("KEYWAY_METRICS_NETWORKS", default=[])
]

# Logs: JSON lines with ids, never bodies, headers or local variables.

LOGGING = configure_logging(level=env.str("KEYWAY_LOG_LEVEL", default="INFO"))

REST_FRAMEWORK: dict[str, object] = {
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "Keyway management API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATION_PARAMETERS": False,
    "PREPROCESSING_HOOKS": ["integrations.api.openapi.only_api"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "integrations.api.openapi.complete",
    ],
}
