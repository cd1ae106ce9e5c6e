"""The database's clock: what several hosts compare is stamped by it, so that their own clocks may differ."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone


def db_now() -> datetime:
    """The moment by the database's clock. SQLite has none but this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def in_(delay: timedelta) -> ExpressionWrapper:
    """An expression for the moment ``delay`` from now by the database's clock."""
    return ExpressionWrapper(Now() + delay, output_field=DateTimeField())
