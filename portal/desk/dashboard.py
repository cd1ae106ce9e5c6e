"""Is anything wrong? The first page, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from portal.connections.models import Connection, Reference
from portal.desk import show, surfaces
from portal.desk.dashboard_panels import of_cases, of_connections, of_flows, of_operations
from portal.desk.panels import Panel
from portal.desk.picture import picture
from portal.records.models import Order, Refund, Shipment
from portal.sync.models import Beat, Case, CaseItem, Flow, Job, Operation
from portal.sync.pump import CANARY_LATE

MOST_CASES = 12


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, with where to mend it."""

    tone: str
    text: str
    link: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback: what this person may see of the state of things."""

    def sees(model: type[Any]) -> bool:
        return show.may_view(request, model)

    troubles: list[Trouble] = []
    panels: list[Panel] = []
    if sees(Flow):
        pairs = picture()
        panels.append(of_flows(pairs))
        troubles += _of_flows(pairs)
    if sees(Case):
        cases = _cases()
        panels.append(of_cases(cases))
        troubles += _of_cases(cases)
    if sees(Operation):
        operations = _operations()
        panels.append(of_operations(operations))
        troubles += _of_operations(operations)
    connections = None
    if sees(Connection):
        connections = list(Connection.objects.defer("credentials", "webhook_secrets"))
        panels.append(of_connections(connections))
        troubles += _of_connections(connections)
    if sees(Reference):
        context["untied"] = Reference.objects.filter(record_id=None).count()
    if sees(Job):
        troubles += _of_engine()
    context["panels"] = panels
    context["today"] = [_today(*each) for each in TODAY if sees(each[1])]
    context["plugin_tiles"] = surfaces.tiles(request)
    context["troubles"] = sorted(troubles, key=lambda trouble: trouble.tone)
    may_connect = request.user.has_perm("connections.add_connection")
    context["begin"] = may_connect and connections == []
    context["worst"] = min((trouble.tone for trouble in troubles), default="good")
    context["as_of"] = timezone.now()
    context["title"] = "Dashboard"
    return context


# -- connections, flows, engine --


def _of_connections(connections: list[Connection]) -> list[Trouble]:
    words = {
        Connection.Health.BROKEN: ("bad", "{} does not work: {}"),
        Connection.Health.WAITING: ("warn", "{} is waited for: {}"),
    }
    return [
        Trouble(tone, text.format(each, each.health_text), each.get_absolute_url())
        for each in connections
        if each.enabled and each.health in words
        for tone, text in [words[Connection.Health(each.health)]]
    ]


def _of_flows(pairs: list[Any]) -> list[Trouble]:
    paused = [arrow.flow for pair in pairs for arrow in pair.arrows if arrow.flow.state == Flow.State.PAUSED]
    return [Trouble("warn", f"The flow {flow} is paused.", show.address(Flow, flow.pk)) for flow in paused]


def _of_engine() -> list[Trouble]:
    """Jobs that fail, and a pump or workers that gave no sign of life for too long."""
    found = []
    now = timezone.now()
    if failing := Job.objects.filter(enabled=True, failures__gte=3).count():
        words = "job keeps failing" if failing == 1 else "jobs keep failing"
        found.append(Trouble("warn", f"{failing} {words}.", f"{show.listing(Job)}?o=-6"))
    beats = dict(Beat.objects.filter(name__in=["pump", "canary"]).values_list("name", "at"))
    for name, who in (("pump", "The pump"), ("canary", "No worker")):
        if name in beats and now - beats[name] > CANARY_LATE:
            silent = show.span(now - beats[name])
            said = "has been silent" if name == "pump" else "has answered"
            text = f"{who} {said} for {silent}: start the portal's processes again."
            found.append(Trouble("bad", text, show.listing(Job)))
    return found


# -- cases and operations --


def _cases() -> list[dict[str, Any]]:
    """Open cases by cause: how many, what they hold up, since when, whose."""
    items = dict(
        CaseItem.objects.filter(resolved_at=None, case__state=Case.State.OPEN)
        .order_by()
        .values("case__cause")
        .annotate(number=Count("pk"))
        .values_list("case__cause", "number")
    )
    causes = (
        Case.objects.filter(state=Case.State.OPEN)
        .order_by()
        .values("cause")
        .annotate(number=Count("pk"), since=Min("opened_at"), unowned=Count("pk", filter=Q(owner=None)))
        .order_by("-number")[:MOST_CASES]
    )
    return [
        {
            "cause": each["cause"],
            "words": each["cause"].replace("-", " "),
            "number": each["number"],
            "unowned": each["unowned"],
            "items": items.get(each["cause"], 0),
            "since": each["since"],
            "link": show.listing(Case, state__exact="open", cause=each["cause"]),
        }
        for each in causes
    ]


def _of_cases(cases: list[dict[str, Any]]) -> list[Trouble]:
    number = sum(each["number"] for each in cases)
    if not number:
        return []
    words = "case needs" if number == 1 else "cases need"
    return [Trouble("warn", f"{number} {words} a person.", show.listing(Case, state__exact="open"))]


def _operations() -> list[dict[str, Any]]:
    """Unfinished operations by state with the oldest of each; what is ended is not counted."""
    waiting = [*Operation.OPEN, Operation.State.DEAD]
    rows = (
        Operation.objects.filter(state__in=waiting)
        .order_by()
        .values("state")
        .annotate(number=Count("pk"), oldest=Min("created_at"))
    )
    found: dict[str, dict[str, Any]] = {row["state"]: dict(row) for row in rows}
    return [
        {
            "state": state.value,
            "pill": show.pill(state.label, show.TONES[state]),
            "number": found[state]["number"],
            "oldest": found[state]["oldest"],
            "link": show.listing(Operation, state__exact=state.value),
        }
        for state in waiting
        if state in found
    ]


def _of_operations(operations: list[dict[str, Any]]) -> list[Trouble]:
    """What is stuck has a case; an old one that is on its way has not."""
    late = [
        each
        for each in operations
        if each["state"] in ("ready", "sending", "unknown") and _late(each["oldest"])
    ]
    return [
        Trouble(
            "warn",
            f"Operations have been {each['state']} for {show.span_since(each['oldest'])}.",
            each["link"],
        )
        for each in late
    ]


def _late(oldest: datetime | None) -> bool:
    return oldest is not None and timezone.now() - oldest > timedelta(minutes=15)


# -- today --

TODAY: list[tuple[str, type[Any], str]] = [
    ("Orders today", Order, "placed_at"),
    ("Shipments today", Shipment, "shipped_at"),
    ("Refunds today", Refund, "refunded_at"),
]


def _today(title: str, model: type[Any], moment: str) -> dict[str, Any]:
    begin = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = model.objects.filter(**{f"{moment}__gte": begin}).order_by()
    link = show.listing(model, **{f"{moment}__gte": begin.date().isoformat()})
    if model is Shipment:
        return {"title": title, "number": rows.count(), "sums": [], "link": link}
    sums = list(rows.values(code=F("currency")).annotate(number=Count("pk"), total=Sum("total_minor")))
    return {
        "title": title,
        "number": sum(each["number"] for each in sums),
        "sums": [show.money(each["total"], each["code"]) for each in sums],
        "link": link,
    }
