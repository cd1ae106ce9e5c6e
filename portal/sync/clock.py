"""The database's clock: what several hosts compare is stamped by it, so that their own clocks may differ."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Q
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


def unleased() -> Q:
    """A condition on rows with a lease: nobody holds it, or whoever did has let it run out."""
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def in_(delay: timedelta) -> ExpressionWrapper:
    """An expression for the moment ``delay`` from now by the database's clock."""
    return ExpressionWrapper(Now() + delay, output_field=DateTimeField())
