"""The database, as Django wants it described: SQLite by default, PostgreSQL by DATABASE_URL."""

from pathlib import Path
from typing import Any

from config.env import env

# With Django's own defaults four web writers on SQLite met "database is locked" 300 times; with a write lock
# taken at BEGIN and 20 seconds of patience, never. FULL: what was committed survives a power cut, which is
# what the outbox promises.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def database(data_dir: Path) -> dict[str, Any]:
    """The entry for DATABASES["default"]."""
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{data_dir / 'portal.sqlite3'}")
    config["CONN_MAX_AGE"] = env.int("PORTAL_CONN_MAX_AGE", default=60)
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = SQLITE_OPTIONS | config.get("OPTIONS", {})
        # An in-memory test database has no WAL and cannot be shared between processes.
        config["TEST"] = {"NAME": str(data_dir / "test.sqlite3")}
    else:
        config["CONN_HEALTH_CHECKS"] = True
        # Django's default is None, with which psycopg prepares nothing, not even what asks for it. What Django itself
        # sends is not prepared with any number.
        config["OPTIONS"] = {"prepare_threshold": 5} | config.get("OPTIONS", {})
    return config
