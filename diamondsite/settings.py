"""All settings, read from the environment; docs/operations.md lists every variable read here."""

import re
import sys
import tomllib
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, ValidationError, validate

from predictor.history.sqlite import PrivateConnection


class Environment(Env):
    """Treats an empty variable as not set: compose and make pass empty ones on."""

    def _get_value(self, env_key, default):
        return super()._get_value(env_key, default) or default


env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
# A relative path is relative to the folder where the command was called. It is resolved here, once:
# quickstart passes on the result before it changes to the project's own folder.
VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var").resolve()
BAKED_DIR = env.path("BAKED_DIR", BASE_DIR / "baked").resolve()
SECRET_KEY_FILE = VAR_DIR / "secret_key"


def stored_secret_key():
    """The key that quickstart created on the first start; empty before that."""
    return SECRET_KEY_FILE.read_text().strip() if SECRET_KEY_FILE.exists() else ""


# Signs receipts; machines that share a database share this file.
RECEIPT_KEYS_FILE = env.path("RECEIPT_KEYS_FILE", VAR_DIR / "receipt_keys.json").resolve()
# The seals of the history; whoever may write to the database should not be able to write here.
SEALS_DIR = env.path("SEALS_DIR", VAR_DIR / "seals").resolve()

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or stored_secret_key()
a_path = validate.Regexp(r"(/[A-Za-z0-9._~-]+)*/?$", error="Must be a path like /diamonds.")
FORCE_SCRIPT_NAME = env.str("SCRIPT_NAME", "", validate=a_path).rstrip("/") or None
HOST = env.str("HOST", "127.0.0.1").strip("[]")
PORT = env.int("PORT", 5010, validate=validate.Range(1, 65535))
WITH_WORKER = env.bool("WITH_WORKER", False)
JOB_LOST_SECONDS = env.int("JOB_LOST_SECONDS", 60, validate=validate.Range(8, 3600))
JOB_KEPT_DAYS = env.int("JOB_KEPT_DAYS", 90, validate=validate.Range(0, 36_500))
WORKERS = env.int("WORKERS", 2, validate=validate.Range(1, 64))
ALARM_POINTS = env.float("ALARM_POINTS", 1, validate=validate.Range(0, 50))
ALARM_PERCENT = env.float("ALARM_PERCENT", 10, validate=validate.Range(0, 100))
# This machine may always connect, also by the address that the server listens on.
OWN_HOSTS = ["localhost", "127.0.0.1", "[::1]", f"[{HOST}]" if ":" in HOST else HOST]
# Or nothing: a list may end with a comma.
HOST_NAME = re.compile(r"(\*|\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])?")


def known_hosts(hosts):
    """Refuses values that no request's host is compared with, which has neither scheme nor port."""
    for host in hosts:
        if not HOST_NAME.fullmatch(host):
            raise ValidationError(
                "Must be host names like shop.example, without https:// or a port, by commas."
            )


SITE_HOSTS = env.list("ALLOWED_HOSTS", [], subcast=str.strip, validate=known_hosts)
ALLOWED_HOSTS = [*dict.fromkeys(OWN_HOSTS), *SITE_HOSTS]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [], subcast=str.strip)


ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def known_origins(origins):
    """Refuses values that no browser sends as Origin."""
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ValidationError("Must be origins like https://shop.example:8443, by commas.")


# Sites whose scripts may use the API in a browser. Without any, a request's Origin is not checked.
CORS_ALLOWED_ORIGINS = env.list(
    "CORS_ALLOWED_ORIGINS", [], subcast=str.strip, validate=known_origins
)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "idempotent-replayed",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "traceresponse",
    "x-request-id",
]

BEHIND_HTTPS = env.bool("BEHIND_HTTPS", False)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 10))

INSTALLED_APPS = [
    "diamondsite.apps.DiamondsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "csp",
    "rangefilter",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "predictor",
]

MIDDLEWARE = [
    "predictor.web.middleware.observed",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "predictor.web.shortcut.Shortcut",
    "predictor.web.encodings.Compression",
    "predictor.web.middleware.own_cookies",
    "django.middleware.security.SecurityMiddleware",
    "predictor.web.headers.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "predictor.web.languages.LanguageMiddleware",
    "predictor.web.middleware.limited",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "predictor.web.exceptions.UnavailablePageMiddleware",
    "predictor.admin.bad_requests.BadRequestMiddleware",
    "predictor.admin.limits.AdminLimits",
    "axes.middleware.AxesMiddleware",
]

DEFAULT_EXCEPTION_REPORTER_FILTER = "predictor.web.debugging.AddressesWithoutSecrets"
ROOT_URLCONF = "diamondsite.urls"
WSGI_APPLICATION = "diamondsite.wsgi.application"

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
                "predictor.web.footer.prices_of_today",
            ]
        },
    }
]

# Without DATABASE_URL it is a file, named by its path: in a URL "#", "?" and "%" mean something
# else.
FILE = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "history.sqlite3")}
DATABASES = {"default": env.dj_db_url("DATABASE_URL") if env.str("DATABASE_URL", "") else FILE}
if not DATABASES["default"]["ENGINE"].endswith(("sqlite3", "postgresql")):
    raise ImproperlyConfigured(
        'Environment variable "DATABASE_URL" invalid: Must begin with postgres:// or sqlite:///.'
    )
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    if not DATABASES["default"]["NAME"].startswith((":memory:", "file:")):
        DATABASES["default"]["NAME"] = str(Path(DATABASES["default"]["NAME"]).resolve())
    # A connection is kept as long as its thread: opening the file again takes longer than a price.
    # A command merges the log into the file every 40 MB, a server between its requests
    # (history/checkpoints.py).
    pragmas = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=10000")
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "factory": PrivateConnection,
        "transaction_mode": "IMMEDIATE",
        "timeout": 3,  # seconds that a request waits for another's lock, before its 503
        "init_command": "; ".join(f"PRAGMA {pragma}" for pragma in pragmas),
    }
else:
    # A server that has disappeared without closing the connection is noticed within about three
    # seconds. Only predictor/history/record.py sends statements that can be prepared: that halves
    # the database's work.
    patience = {
        "connect_timeout": 2,
        "tcp_user_timeout": 3000,
        "keepalives_idle": 1,
        "keepalives_interval": 1,
        "keepalives_count": 2,
        "prepare_threshold": 0,
    }
    options = patience | DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


DATABASE_NUMBER = re.compile(r"/?[0-9]*")


def known_redis(url):
    """Refuses values that the redis library would read as another server or database than was meant."""
    try:
        parts = urlsplit(url)
        whole = parts.hostname and DATABASE_NUMBER.fullmatch(parts.path) and not parts.query
        if parts.scheme in ("redis", "rediss") and whole and parts.port != 0:
            return
    except ValueError:
        pass  # a port that is not a number, a bracket that is not closed
    raise ValidationError("Must be an address like redis://host:6379/0.")


REDIS_URL = env.str("REDIS_URL", "", validate=known_redis)
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "diamonds",
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }


def known_store(url):
    """Refuses anything but an S3 bucket, with or without a folder."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise ValidationError("Must be an address like s3://bucket/folder.")


def forests_in(url):
    """Django's storage of the forest files in S3; address and credentials are configured as in
    boto3."""
    try:
        from botocore.config import Config
    except ImportError:
        raise ImproperlyConfigured(
            "FOREST_STORE needs the packages of requirements-cluster.txt"
        ) from None
    bucket = urlsplit(url)
    patience = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket.netloc,
            "location": bucket.path.strip("/"),
            "file_overwrite": False,
            "client_config": patience,
        },
    }


FOREST_STORE = env.str("FOREST_STORE", "", validate=known_store)
IN_MEDIA = {"BACKEND": "predictor.private_files.PrivateStorage"}
STORAGES = {
    "default": forests_in(FOREST_STORE) if FOREST_STORE else IN_MEDIA,
    "staticfiles": {"BACKEND": "predictor.web.static.StaticFiles"},
}
MEDIA_ROOT = VAR_DIR / "media"
# The internal location of a proxy that serves MEDIA_ROOT: the proxy then sends the files of jobs.
ACCEL_REDIRECT = env.str("ACCEL_REDIRECT", "", validate=a_path)
STATIC_ROOT = VAR_DIR / "static"
STATIC_URL = "static/"
FILE_UPLOAD_PERMISSIONS = None  # of static files: by the umask, which quickstart makes private

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Five failed log-ins of a user from an address lock only this pair, in the database, so for all
# workers; the user can still sign in from elsewhere.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "predictor.web.clients.counted_address"
AXES_LOCKOUT_CALLABLE = "predictor.web.access.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGES = [("pl", "Polski"), ("en", "English")]
a_language = validate.OneOf([code for code, _ in LANGUAGES])
LANGUAGE_CODE = env.str("DEFAULT_LANGUAGE", "pl", validate=a_language)
FALLBACK_LANGUAGE = env.str("FALLBACK_LANGUAGE", "en", validate=a_language)
LOCALE_PATHS = [BASE_DIR / "locale"]


def known_time_zone(name):
    """Refuses names at which Django would stop without naming the variable."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValidationError("Must be a time zone like Europe/Warsaw.") from None


TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=known_time_zone)
USE_TZ = True

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = BEHIND_HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000, validate=validate.Range(min=0))
HSTS_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", True)
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_HSTS_SECONDS = HSTS_SECONDS if BEHIND_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_HTTPS and HSTS_SUBDOMAINS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^(.+/)?metrics$"]  # and the probes that predictor.web.shortcut answers

# The public pages' policy; predictor.web.headers has those of the admin, the API's page and JSON.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

API_ACCESS = env.str("API_ACCESS", "open", validate=validate.OneOf(["open", "token"]))
RATE = re.compile(r"([1-9][0-9]{0,8})/(s(ec(ond)?)?|m(in(ute)?)?|h(our)?|d(ay)?)")


@env.parser_for("rate")
def rate(text):
    """(requests, seconds) of a text like 600/min; None for an empty one."""
    if not text:
        return None
    found = RATE.fullmatch(text)
    if not found:
        raise ValidationError("Must be a rate like 600/min: requests per s, min, hour or day.")
    return int(found[1]), {"s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2][0]]


API_THROTTLE = env.rate("API_THROTTLE", "")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "predictor.web.exceptions.as_response",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Diamond prices",
    "DESCRIPTION": "A price for a polished diamond: in a range, on record, reproducible.",
    "VERSION": tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [
        "predictor.api.documentation.completed",
        "predictor.api.documentation.servers_are_named",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# A server logs to stdout; a command to stderr, where it does not mix with what the command prints.
LOG_STREAM = "stderr" if Path(sys.argv[0]).name == "manage.py" else "stdout"
at_terminal = getattr(getattr(sys, LOG_STREAM), "isatty", bool)  # None if it was closed
LOG_FORMAT = env.str(
    "LOG_FORMAT",
    "text" if at_terminal() else "json",
    validate=validate.OneOf(["json", "text"]),
)
LOG_INPUTS = env.bool("LOG_INPUTS", False)
LOG_LEVEL = env.str(
    "LOG_LEVEL",
    "INFO",
    validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "predictor.telemetry.logs.JsonFormatter", "inputs": LOG_INPUTS},
        "text": {"()": "predictor.telemetry.logs.TextFormatter", "inputs": LOG_INPUTS},
    },
    "filters": {"refusals": {"()": "predictor.telemetry.logs.Refusals"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": f"ext://sys.{LOG_STREAM}",
            "filters": ["refusals"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "NOTSET"},
        # The request's own line reports refusals; what remains here has a traceback.
        "django.request": {"level": "ERROR"},
        # At DEBUG these write whole requests and statements, including submitted values.
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.db.backends": {"level": "INFO"},
        "django.template": {"level": "INFO"},
        "gunicorn.error": {"level": LOG_LEVEL, "propagate": True},
        "botocore": {"level": "WARNING"},  # at INFO a line per command about its credentials
    },
}


def installed_exporter(name):
    """Refuses an exporter whose packages are not installed."""
    if name and not find_spec("opentelemetry"):
        raise ImproperlyConfigured(
            "OTEL_TRACES_EXPORTER needs the packages of requirements-tracing.txt"
        )


# How the server sends spans; OpenTelemetry reads its other variables (OTEL_…) itself.
an_exporter = validate.OneOf(["", "none", "console", "otlp"])
OTEL_TRACES_EXPORTER = env.str("OTEL_TRACES_EXPORTER", "", validate=an_exporter).removeprefix(
    "none"
)
installed_exporter(OTEL_TRACES_EXPORTER)

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
