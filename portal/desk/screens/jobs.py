"""Jobs with their cursors, and the runs they left behind. A job can be run now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import button
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, table, text, values
from portal.sync.doors import ring_pulls
from portal.sync.models import Job, Run

RUN_NOW = "sync.change_job"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    joined = ["connection"]
    list_display = ["name", "connection_link", "rhythm", "due", "last_ok", "failing", "said", "enabled"]
    list_filter = ["enabled", ("connection", ConnectionFilter), "name"]
    search_fields = ["name", "connection__name", "last_error"]
    empty = "Jobs appear by themselves when a flow is started."
    actions = ["run_chosen"]
    buttons = ["run_now"]

    def has_run_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(RUN_NOW))

    @admin.display(description="connection", ordering="connection__name")
    def connection_link(self, row: Job) -> str:
        return show.row_link(row.connection)

    @admin.display(description="every", ordering="every")
    def rhythm(self, row: Job) -> str:
        return show.span(timedelta(seconds=row.every))

    @admin.display(ordering="due_at")
    def due(self, row: Job) -> str:
        return show.ago(row.due_at) if row.enabled else show.NOTHING

    @admin.display(description="last went well", ordering="last_ok_at")
    def last_ok(self, row: Job) -> str:
        return show.ago(row.last_ok_at, "never")

    @admin.display(description="failures", ordering="failures")
    def failing(self, row: Job) -> str:
        return show.pill(f"{row.failures} in a row", "bad") if row.failures else show.NOTHING

    @admin.display(description="error", ordering="last_error")
    def said(self, row: Job) -> str:
        return format_html('<span class="desk-clip" title="{0}">{0}</span>', row.last_error or show.NOTHING)

    @admin.action(description="Run now", permissions=["run"])
    def run_chosen(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        for row in rows:
            ring_pulls(row.connection, [row.name])  # type: ignore[arg-type]
        self.message_user(request, f"{len(rows)} jobs are due now.")

    def panels(self, request: HttpRequest, row: Job) -> Iterator[Panel]:
        if row.last_error:
            yield text("The last error", row.last_error, "bad", wide=True)
        yield values(
            "Job",
            [
                ("Connection", show.row_link(row.connection)),
                ("Needed", "yes" if row.enabled else "no active flow needs it"),
                ("Every", self.rhythm(row)),
                ("Due", self.due(row)),
                ("At work until", show.moment(row.lease_until)),
                ("Last went well", show.ago(row.last_ok_at, "never")),
                ("Last whole round began", show.moment(row.last_began_at)),
                ("Failures in a row", row.failures),
                ("Cursor", format_html("<code>{}</code>", row.cursor or "at the beginning")),
            ],
        )
        yield table(
            "Latest runs",
            ["Began", "State", "What it did"],
            [
                (show.row_link(run, f"{run.started_at:%d %b, %H:%M:%S}"), show.state(run), counted(run))
                for run in row.runs.all()[:15]
            ],
            empty="No run had anything to do yet.",
        )

    @button("Run now", permission=RUN_NOW, icon="play_arrow", style="primary", shown=lambda row: row.enabled)
    def run_now(self, request: HttpRequest, row: Job) -> str:
        ring_pulls(row.connection, [row.name])  # type: ignore[arg-type]
        return f"{row} is due now; a worker takes it in a moment."


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    joined = ["job__connection"]
    list_display = ["job_name", "status", "started", "took", "what_it_did", "progress"]
    list_filter = ["state", ("job__connection", ConnectionFilter), "job__name"]
    search_fields = ["job__name", "job__connection__name", "error"]
    date_hierarchy = "started_at"
    empty = "A run is written when a job has something to do."

    @admin.display(description="job", ordering="job__name")
    def job_name(self, row: Run) -> str:
        return str(row.job)

    @admin.display(description="state", ordering="state")
    def status(self, row: Run) -> str:
        return show.state(row)

    @admin.display(description="began", ordering="started_at")
    def started(self, row: Run) -> str:
        return show.ago(row.started_at)

    @admin.display()
    def took(self, row: Run) -> str:
        return show.span((row.finished_at or timezone.now()) - row.started_at)

    @admin.display(description="what it did")
    def what_it_did(self, row: Run) -> str:
        return counted(row)

    @admin.display()
    def progress(self, row: Run) -> str:
        return show.bar(sum(row.counts.values()), row.total) if row.total else show.NOTHING

    def panels(self, request: HttpRequest, row: Run) -> Iterator[Panel]:
        if row.error:
            yield text("It failed", row.error, "bad", wide=True)
        yield values(
            "Run",
            [
                ("Job", show.row_link(row.job)),
                ("State", show.state(row)),
                ("Began", show.moment(row.started_at)),
                ("Ended", show.moment(row.finished_at)),
                ("Took", self.took(row)),
                ("Progress", self.progress(row)),
            ],
        )
        if row.said:
            yield text("It said", row.said)
        yield values(
            "What it did", [(name, number) for name, number in row.counts.items()] or [("Nothing", "")]
        )


def counted(run: Run) -> str:
    """Its counts, else the sentence of a plugin's own job, else why it failed."""
    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in run.counts.items())
    return counts or run.said or run.error or show.NOTHING
