"""Tryton's JSON: how it writes what JSON has no word for."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

MOMENT = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def encoded(value: Any) -> Any:
    """A value as Tryton wants it: exact decimals, dates, and moments in UTC without a zone."""
    if isinstance(value, dict):
        return {key: encoded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return {"__class__": "datetime"} | {name: getattr(moment, name) for name in MOMENT}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


def plain(value: Any) -> Any:
    """Tryton's answer as ordinary JSON: numbers with a point and decimals as text, moments in ISO 8601.

    A word that is not whole stays as it is, so that it spoils the object it stands in and no other.
    """
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    if not isinstance(value, dict):
        return value
    try:
        match value.get("__class__"):
            case "Decimal":
                return value["decimal"]
            case "datetime":
                return datetime(**{name: value[name] for name in MOMENT}, tzinfo=UTC).isoformat()
            case "date":
                return date(value["year"], value["month"], value["day"]).isoformat()
    except (LookupError, TypeError, ValueError):
        return value
    return {key: plain(item) for key, item in value.items()}


def packed(value: Any) -> str:
    """A domain, order or context as it travels in a URL or header."""
    return base64.urlsafe_b64encode(json.dumps(encoded(value)).encode()).decode()
