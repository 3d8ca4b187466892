"""Superset's configuration: no example data, nothing fetched from other hosts, the marts read-only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from bi.declarations import load_marts
from bi.marts_connection import open_duckdb, open_postgres
from bi.palette import load_palette
from bi.places import metadata_url, secret, warehouse_url

APP_NAME = "Rebuttal"
SECRET_KEY = secret("secret_key")
SQLALCHEMY_DATABASE_URI = metadata_url()
SQLALCHEMY_ENGINE_OPTIONS: dict[str, Any] = {}
if SQLALCHEMY_DATABASE_URI.startswith("sqlite"):
    # Several workers write log entries and filter states.
    SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}

LANGUAGES = {
    "en": {"flag": "gb", "name": "English"},
    "ru": {"flag": "ru", "name": "Русский"},
    "uk": {"flag": "ua", "name": "Українська"},
}
FEATURE_FLAGS = {
    "DRILL_TO_DETAIL": True,
    "DRILL_BY": True,
    "HORIZONTAL_FILTER_BAR": True,
    "ALERT_REPORTS": False,
    # What a chart's author writes stays SQL: no templates that run in the server.
    "ENABLE_TEMPLATE_PROCESSING": False,
}
ROW_LIMIT = 10_000
SQL_MAX_ROW = 100_000
SUPERSET_WEBSERVER_TIMEOUT = 60
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Sessions of another Superset on this host (cookies know no ports) must not log people out here.
SESSION_COOKIE_NAME = "rebuttal_bi"

# No results are kept: the published copy is replaced at any moment, and its queries are quick.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

CONTENT_SECURITY_POLICY_WARNING = False
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "frame-ancestors": ["'self'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

_PALETTE = load_palette()
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "rebuttal",
        "description": "Rebuttal",
        "label": "Rebuttal",
        "isDefault": True,
        "colors": list(_PALETTE.scheme),
    }
]
_MARTS = load_marts()


def DB_CONNECTION_MUTATOR(
    uri: Any, params: dict[str, Any], _username: str, _security_manager: Any, _source: Any
) -> tuple[Any, dict[str, Any]]:
    """Open our warehouse as marts_connection.py says; other databases as they are."""
    url = warehouse_url()
    ours = make_url(url)
    if (uri.drivername, uri.host, uri.database) != (ours.drivername, ours.host, ours.database):
        return uri, params
    kept = {name: value for name, value in params.items() if name != "connect_args"}
    if url.startswith("duckdb"):
        path = Path(url.removeprefix("duckdb:///"))
        return uri, kept | {"creator": lambda: open_duckdb(path, _MARTS)}
    return uri, kept | {"creator": lambda: open_postgres(url, _MARTS)}
