"""What a database believes of its tables, once it has had them for a while."""

from __future__ import annotations

from django.db import connection

from portal.sync import statistics
from portal.sync.models import Job
from portal.sync.progress import Progress


def learn() -> None:
    """What PostgreSQL's autovacuum learns within a minute, and the portal's own job on SQLite within a day."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    else:
        job = Job.objects.get(name="statistics")
        statistics.work(job, Progress(job))
