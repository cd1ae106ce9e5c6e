"""How things look on every screen: moments, money, pills, links. Each returns text that is safe to print."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.sdk import Money

NOTHING = "–"

TONES = {
    # connections
    "unknown": "doubt",
    "good": "good",
    "waiting": "warn",
    "broken": "bad",
    # flows
    "draft": "quiet",
    "rehearsal": "info",
    "live": "good",
    "paused": "warn",
    # operations
    "ready": "info",
    "sending": "info",
    "retry_wait": "warn",
    "held": "bad",
    "review": "bad",
    "done": "good",
    "dead": "bad",
    "cancelled": "quiet",
    # records, cases, references, runs, events
    "open": "info",
    "closed": "good",
    "resolved": "good",
    "suggested": "warn",
    "confirmed": "good",
    "rejected": "quiet",
    "running": "info",
    "failed": "bad",
    "stopped": "quiet",
    "new": "info",
    "gone": "quiet",
    "parked": "bad",
}
"""One colour a state, the same everywhere. (A connection nobody tested and an unknown outcome are doubts.)"""


def pill(text: str, tone: str = "quiet") -> SafeString:
    return format_html('<span class="desk-pill desk-{}">{}</span>', tone, text)


def state(row: Model, field: str = "state") -> SafeString:
    """A row's state in its own words and colour."""
    value = getattr(row, field)
    return pill(getattr(row, f"get_{field}_display")(), TONES.get(value, "quiet"))


def light(health: str, words: str) -> SafeString:
    """A connection's health light with its words, so that colour alone says nothing."""
    return format_html(
        '<span class="desk-light desk-{}"><i aria-hidden="true"></i>{}</span>',
        TONES.get(health, "quiet"),
        words,
    )


def money(minor: int | None, currency: str) -> SafeString | str:
    return NOTHING if minor is None else amount(Money.from_minor(minor, currency))


def amount(value: Money | str) -> SafeString:
    """With its thousands apart: ``12,345.60 EUR``."""
    figure, _, currency = str(value).partition(" ")
    shown = f"{Decimal(figure):,} {currency}" if currency else figure
    return format_html('<span class="desk-number">{}</span>', shown)


def number(value: Decimal | int | str) -> SafeString:
    """A quantity without trailing zeros."""
    plain = Decimal(value).normalize()
    return format_html('<span class="desk-number">{}</span>', f"{plain:f}")


def span(duration: timedelta) -> str:
    """``3 min``, ``2 h``, ``5 d``: the largest unit that fits."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def span_since(when: datetime) -> str:
    return span(timezone.now() - when)


def ago(when: datetime | None, never: str = NOTHING) -> SafeString | str:
    """How long it is since then (or until then), with the exact moment on hover."""
    if when is None:
        return never
    passed = timezone.now() - when
    words = f"{span(passed)} ago" if passed >= timedelta(0) else f"in {span(-passed)}"
    return _time(when, words)


def moment(when: datetime | None) -> SafeString | str:
    """The moment itself, in the portal's time zone."""
    if when is None:
        return NOTHING
    return _time(when, f"{timezone.localtime(when):%d %b %Y, %H:%M}")


def _time(when: datetime, words: str) -> SafeString:
    local = timezone.localtime(when)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', when.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", words
    )


def link(to: str, text: Any) -> SafeString:
    return format_html('<a class="desk-link" href="{}">{}</a>', to, text)


def address(model: type[Model] | Model, pk: Any) -> str:
    """The page of a row. Empty when that kind of row has no page."""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def row_link(row: Model | None, text: Any = None) -> SafeString | str:
    if row is None:
        return NOTHING
    return link(address(row, row.pk), text or str(row) or row.pk)


def listing(model: type[Model], **filters: Any) -> str:
    """The list of a model with filters as Django writes them: ``state__exact="open"``."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    place = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{place}?{query}" if query else place


def bar(done: int, total: int) -> SafeString:
    """A progress bar; ``done`` may be beyond ``total`` while both still grow."""
    share = min(100, done * 100 // total) if total else 100
    return format_html(
        '<span class="desk-bar"><span class="desk-bar-track"><i style="width:{}%"></i></span>{} of {}</span>',
        share,
        done,
        total,
    )


def pretty(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)


def lines(parts: Iterable[Any]) -> SafeString | str:
    """The parts that are not empty, one a line."""
    return format_html_join(SafeString("<br>"), "{}", ((part,) for part in parts if part)) or NOTHING


def may_view(request: Any, model: type[Model]) -> bool:
    """Whether this person may open the pages of that kind, as its screen says."""
    return admin.site.is_registered(model) and admin.site.get_model_admin(model).has_view_permission(request)
