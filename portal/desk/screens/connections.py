"""Connections: add, look after, test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from portal.connections.budget import rate_of, waits
from portal.connections.crypto import Unreadable
from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.desk import show
from portal.desk.abilities import abilities, promises
from portal.desk.buttons import button
from portal.desk.panels import Panel, table, text, values
from portal.desk.plugged import Plugged
from portal.desk.quality import quality_panel, quality_pill
from portal.desk.screens.webhooks import WebhookButtons, webhook_panels
from portal.desk.settings_form import ConnectionForm, connection_form, setting_names, shown_settings
from portal.plugins.manager import UnknownConnector, connector_class, connector_classes
from portal.plugins.ratings import standing
from portal.records.subjects import info_of
from portal.sdk import ConnectionInfo, Connector
from portal.sync.doors import ring_pulls
from portal.sync.health import OPEN_AFTER, probe, wake
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Case, Flow, Job


def _class(connection: Connection) -> type[Connector] | None:
    try:
        return connector_class(connection.connector)
    except UnknownConnector:
        return None


@admin.register(Connection)
class ConnectionAdmin(Plugged, WebhookButtons):
    kind = "connection"
    list_display = ["name", "light", "since", "connector_title", "enabled", "open_cases", "said"]
    list_filter = ["health", "enabled", "connector"]
    search_fields = ["name", "slug", "connector", "health_text"]
    prepopulated_fields = {"slug": ["name"]}
    empty = "Add the shop and the ERP; then make flows between them."
    buttons = ["test", "read_now", *WebhookButtons.webhook_buttons]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        found = Count("cases", filter=Q(cases__state=Case.State.OPEN))
        return super().get_queryset(request).annotate(case_count=found)

    def subject(self, row: Connection) -> ConnectionInfo:
        return info_of(row)

    def connection(self, row: Connection) -> Connection:
        return row

    # -- the list --

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        closed = [str(row) for row in Connection.objects.all() if isinstance(row.credentials, Unreadable)]
        if closed and request.method == "GET":
            messages.error(request, f"{', '.join(closed)}: {Unreadable.SAID} {Unreadable.MEND}")
        return super().changelist_view(request, extra_context)

    @admin.display(description="health", ordering="health")
    def light(self, row: Connection) -> str:
        return show.light(row.health, row.get_health_display())

    @admin.display(ordering="health_since")
    def since(self, row: Connection) -> str:
        return show.ago(row.health_since)

    @admin.display(description="connector", ordering="connector")
    def connector_title(self, row: Connection) -> str:
        cls = _class(row)
        return cls.title if cls else f"{row.connector} (not installed)"

    @admin.display(ordering="case_count")
    def open_cases(self, row: Connection) -> str:
        if not row.case_count:  # type: ignore[attr-defined]
            return show.NOTHING
        where = show.listing(Case, state__exact="open", connection__id__exact=row.pk)
        return show.link(where, row.case_count)  # type: ignore[attr-defined]

    @admin.display(description="what it said", ordering="health_text")
    def said(self, row: Connection) -> str:
        return format_html('<span class="desk-clip">{}</span>', row.health_text or show.NOTHING)

    # -- the form --

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First which connector, then its form."""
        if request.GET.get("connector") in connector_classes() or not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        choices = [
            {
                "key": key,
                "title": cls.title,
                "abilities": abilities(cls),
                "quality": quality_pill(standing(cls)),
                "means": standing(cls).means,
            }
            for key, cls in connector_classes().items()
        ]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Add connection"}
        return render(request, "desk/choose_connector.html", {**context, "choices": choices})

    def _connector(self, request: HttpRequest, row: Connection | None) -> str:
        return row.connector if row else request.GET.get("connector", "")

    def get_form(
        self, request: HttpRequest, obj: Connection | None = None, change: bool = False, **kwargs: Any
    ) -> type[ConnectionForm]:
        kwargs["form"] = connection_form(self._connector(request, obj), obj)
        form: type[ConnectionForm] = super().get_form(request, obj, change, **kwargs)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> list[Any]:
        own: list[Any] = [(None, {"fields": ["name", "slug", "enabled", "calls_per_second"]})]
        may_edit = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        connector = self._connector(request, obj)
        if may_edit and (names := setting_names(connector)):
            own.append((f"Settings of {connector_class(connector).title}", {"fields": names}))
        return own

    def get_prepopulated_fields(self, request: HttpRequest, obj: Connection | None = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        if not change:
            obj.connector = self._connector(request, None)
        if form.connector:
            save_connection(obj, form.setting_values())
            wake(obj)
        else:
            obj.save(update_fields=["name", "slug", "enabled", "calls_per_second"])
        ensure_jobs()

    # -- the page --

    def panels(self, request: HttpRequest, row: Connection) -> list[Panel]:
        cls = _class(row)
        if cls is None:
            return [_health(row), text("Connector", f"No installed plugin brings “{row.connector}”.", "bad")]
        found = [
            *_closed(row),
            _health(row),
            text("What it can do", f"{cls.title} {_listed(abilities(cls))}."),
        ]
        if not self.has_change_permission(request, row):
            found.append(values("Settings", shown_settings(cls, row)))
        return [
            *found,
            _promises(cls),
            quality_panel(cls),
            *self._neighbours(request, row),
            *webhook_panels(row),
        ]

    def _neighbours(self, request: HttpRequest, row: Connection) -> list[Panel]:
        found = []
        if show.may_view(request, Flow):
            found.append(_flows(row))
        if show.may_view(request, Job):
            found.append(_jobs(row))
        if show.may_view(request, Case):
            found.append(_cases(row))
        return found

    # -- the buttons --

    @button("Test", permission="connections.test_connection", icon="network_check", style="primary")
    def test(self, request: HttpRequest, row: Connection) -> str:
        works, said = probe(row)
        if not works:
            raise ValueError(f"{row} does not work: {said}")
        return f"{row} works: {said}"

    @button("Read now", permission="sync.change_job", icon="sync")
    def read_now(self, request: HttpRequest, row: Connection) -> str:
        names = list(row.jobs.filter(enabled=True, name__startswith="pull:").values_list("name", flat=True))
        if not names:
            raise ValueError(f"Nothing is read from {row} yet: no active flow starts there.")
        ring_pulls(row, names)
        return f"{row} is being read now: {', '.join(name.partition(':')[2] for name in names)}."

    @admin.action(description="Test", permissions=["test"])
    def test_chosen(self, request: HttpRequest, rows: QuerySet[Connection]) -> None:
        for row in rows:
            works, said = probe(row)
            self.message_user(request, f"{row}: {said}", messages.SUCCESS if works else messages.ERROR)

    def has_test_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("connections.test_connection"))

    actions = ["test_chosen"]


def _closed(row: Connection) -> list[Panel]:
    if not isinstance(row.credentials, Unreadable):
        return []
    return [text("Credentials", f"{Unreadable.SAID} {Unreadable.MEND}", "bad", wide=True, above=True)]


def _health(row: Connection) -> Panel:
    return values(
        "Health",
        [
            ("Now", show.light(row.health, row.get_health_display())),
            ("Since", show.ago(row.health_since, "it was never tested")),
            ("It said", row.health_text),
            ("Calls", _calls(row)),
            ("Failures in a row", _circuit(row)),
        ],
        wide=True,
        above=True,
    )


def _calls(row: Connection) -> str:
    """Whether the next call waits, until when and why; and how many are allowed."""
    cls = _class(row)
    rate = rate_of(row, cls.rate if cls else None)
    wait, why = waits(row, rate)
    rested = row.resting_until - timezone.now() if row.resting_until else timedelta(0)
    if rested > wait:
        wait, why = rested, "" if row.failures == 0 else "it rests after failing."
    allowed_now = f"{rate}, by all workers and hosts together" if rate else "as many as there is work for"
    if wait <= timedelta(0):
        return allowed_now
    until = timezone.localtime(timezone.now() + wait)
    return f"waiting until {until:%H:%M:%S}: {why}" if why else f"waiting until {until:%H:%M:%S}"


def _circuit(row: Connection) -> str:
    if row.failures < OPEN_AFTER:
        return str(row.failures)
    return f"{row.failures}: after each rest one call alone is tried; when it works, everything goes on by itself"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "does nothing by itself"


def _promises(cls: type[Connector]) -> Panel:
    return table(
        "What it promises about what it takes",
        ["Kind", "Class", "What that means"],
        [
            (kind, show.pill(letter, "bad" if letter == "E" else "info"), means)
            for kind, letter, means in promises(cls)
        ],
        empty=f"{cls.title} takes nothing: it is only read.",
    )


def _flows(row: Connection) -> Panel:
    flows = Flow.objects.filter(Q(source=row) | Q(target=row)).select_related("source", "target")
    return table(
        "Flows",
        ["Flow", "State"],
        [(show.row_link(flow), show.state(flow)) for flow in flows],
        empty="No flow begins or ends here yet. Add one under Flows.",
    )


def _jobs(row: Connection) -> Panel:
    return table(
        "Jobs",
        ["Job", "Due", "Last went well", "Failures#"],
        [
            (
                show.row_link(job, job.name),
                show.ago(job.due_at),
                show.ago(job.last_ok_at, "never"),
                job.failures,
            )
            for job in row.jobs.filter(enabled=True)
        ],
        empty="No job is needed. Jobs appear when a flow of this connection is started.",
    )


def _cases(row: Connection) -> Panel:
    cases = row.cases.filter(state=Case.State.OPEN)[:20]
    return table(
        "Open cases",
        ["Case", "Since"],
        [(show.row_link(case), show.ago(case.opened_at)) for case in cases],
        empty="Nothing here needs a person.",
        link=(show.listing(Case, state__exact="open", connection__id__exact=row.pk), "All of them"),
    )
