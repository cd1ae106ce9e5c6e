"""Django's settings, for every deployment. What differs between deployments comes from `config.env`."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.database import database
from config.env import BASE_DIR, credential_keys, env, secret_key
from config.jobs import cluster
from config.logs import logging_config
from portal.desk import look
from portal.plugins import allowed, verdicts
from portal.plugins.admission import admit
from portal.plugins.discovery import installed

SHORTEST_LOG = 14
"""Days. No remote that we know repeats a webhook for longer."""

# --- What kind of place this is -------------------------------------------------------------------------------
DEBUG = env.bool("PORTAL_DEBUG", default=False)
DEMO = env.bool("PORTAL_DEMO", default=False)
PRODUCTION = not (DEBUG or DEMO)
DATA_DIR = Path(env.str("PORTAL_DATA_DIR", default=str(BASE_DIR / "var" / ("demo" if DEMO else ""))))
DATA_DIR.mkdir(parents=True, exist_ok=True)

# --- Secrets --------------------------------------------------------------------------------------------------
_KEEP_SECRETS_IN = None if PRODUCTION else DATA_DIR / "secrets"
SECRET_KEY = secret_key(_KEEP_SECRETS_IN)
CREDENTIAL_KEYS = credential_keys(_KEEP_SECRETS_IN)

# --- Address --------------------------------------------------------------------------------------------------
BASE_URL = env.str("PORTAL_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
BIND = env.str("PORTAL_BIND", default="127.0.0.1:8000")
WEB_WORKERS = env.int("PORTAL_WEB_WORKERS", default=2, least=1)
_ADDRESS = urlsplit(BASE_URL)
ALLOWED_HOSTS = env.list("PORTAL_ALLOWED_HOSTS", default=[_ADDRESS.hostname or "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [f"{_ADDRESS.scheme}://{_ADDRESS.netloc}"]

# Over https a proxy stands in front. gunicorn believes X-Forwarded-Proto from the addresses in
# FORWARDED_ALLOW_IPS only (127.0.0.1 unless told), so Django needs no header setting that trusts everybody.
_HTTPS = _ADDRESS.scheme == "https"
SECURE_SSL_REDIRECT = _HTTPS
_HSTS_SECONDS = env.int("PORTAL_HSTS_SECONDS", default=3600)
SECURE_HSTS_SECONDS = _HSTS_SECONDS if _HTTPS else 0
# Whether other names of the company's domain are https too is not the portal's to promise.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_AGE = 12 * 60 * 60
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Rooms ----------------------------------------------------------------------------------------------------
ROOMS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_q",
    "portal.runner",
    "portal.plugins",
    "portal.connections",
    "portal.records",
    "portal.sync",
    "portal.backup",
    "portal.desk",
    "portal.demo",
]

# --- Plugins, none of which is imported here ------------------------------------------------------------------
STRICT = env.bool("PORTAL_STRICT", default=False)
PLUGINS_ALLOWED = allowed.read(env.str("PORTAL_PLUGINS_ALLOWED", default=""))
PLUGINS = admit(
    installed(),
    apps=ROOMS,
    disabled=env.list("PORTAL_PLUGINS_DISABLED", default=[]),
    allowed=PLUGINS_ALLOWED,
    verdicts=verdicts.read(DATA_DIR),
)
INSTALLED_APPS = [*ROOMS, *PLUGINS.apps]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.sync.middleware.webhooks_pass",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

UNFOLD = look.UNFOLD

# --- Database, queue, cache -----------------------------------------------------------------------------------
DATABASES = {"default": database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
Q_CLUSTER = cluster(REDIS_URL)

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- People ---------------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

# --- Time and language ----------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
FORMAT_MODULE_PATH = "portal.desk.formats"

# --- Static files ---------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [directory for directory in [BASE_DIR / "static"] if directory.is_dir()]
# Hashed names need `collectstatic`, which `serve` runs; demo and development read the files where they lie.
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Logs -----------------------------------------------------------------------------------------------------
LOGGING = logging_config(
    level=env.str("PORTAL_LOG_LEVEL", default="INFO"),
    secrets=[
        SECRET_KEY,
        *CREDENTIAL_KEYS,
        str(DATABASES["default"].get("PASSWORD") or ""),
        urlsplit(REDIS_URL).password or "",
    ],
)

# --- How long what is kept is kept; zero days: for ever -------------------------------------------------------
_KEEP_DAYS = {
    "raw": env.int("PORTAL_KEEP_RAW_DAYS", default=90),
    "log": env.int("PORTAL_KEEP_LOG_DAYS", default=90),
    "operations": env.int("PORTAL_KEEP_OPERATIONS_DAYS", default=730),
    "facts": env.int("PORTAL_KEEP_FACTS_DAYS", default=0),
}
if 0 < _KEEP_DAYS["log"] < SHORTEST_LOG:
    raise ImproperlyConfigured(
        f"PORTAL_KEEP_LOG_DAYS is {_KEEP_DAYS['log']}, and has to be {SHORTEST_LOG} at least (or 0, for ever): remotes "
        "repeat webhooks for days, and what was heard before is known by it."
    )
KEEP = {name: timedelta(days=days) for name, days in _KEEP_DAYS.items()}

# Last, when every variable was asked for.
UNKNOWN_VARIABLES = env.unknown()
