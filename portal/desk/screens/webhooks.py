"""A connection's webhooks: whether they come, who signs them, and exchanging a secret without losing one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Count, Max, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.connections.models import Connection
from portal.connections.webhook_secrets import add_webhook_secret, mark_of, retire_webhook_secret
from portal.desk import show
from portal.desk.base import DeskAdmin
from portal.desk.buttons import Button, button
from portal.desk.panels import Panel, table, values
from portal.plugins.manager import UnknownConnector, connector_class
from portal.sdk.capabilities import HearsWebhooks
from portal.sync.hooks import hook_url, last_won_back, subscribe
from portal.sync.models import Event, Job, Refusals

DAY = timedelta(days=1)
CHANGE = "connections.change_connection"


def hears(connection: Connection) -> bool:
    try:
        return issubclass(connector_class(connection.connector), HearsWebhooks)
    except UnknownConnector:
        return False


def _several(connection: Connection) -> bool:
    return hears(connection) and len(connection.webhook_secrets) > 1


class AddSecret(forms.Form):
    secret = forms.CharField(
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Leave it empty to have one made up. Enter one if the other system makes them itself.",
    )


class RetireSecret(forms.Form):
    mark = forms.ChoiceField(
        label="Secret",
        widget=UnfoldAdminSelectWidget(),
        help_text="Webhooks signed with it are refused from then on.",
    )

    def __init__(self, connection: Connection, data: Any) -> None:
        super().__init__(data)
        self.fields["mark"].choices = [  # type: ignore[attr-defined]
            (mark, f"{mark}: {use}") for mark, use in _secrets(connection)
        ]


class WebhookButtons(DeskAdmin):
    """The buttons of a connection that hears webhooks."""

    webhook_buttons = ("subscribe", "add_secret", "retire_secret")

    def button_form(self, row: Any, button: Button, data: Any) -> Any:
        return (
            RetireSecret(row, data) if button.form is RetireSecret else super().button_form(row, button, data)
        )

    @button("Subscribe webhooks", permission=CHANGE, icon="notifications", shown=hears)
    def subscribe(self, request: HttpRequest, row: Connection) -> str:
        return subscribe(row)

    @button("Add webhook secret", permission=CHANGE, icon="key", form=AddSecret, shown=hears)
    def add_secret(self, request: HttpRequest, row: Connection, secret: str) -> str:
        mark = add_webhook_secret(row, secret)
        return (
            f"The webhook secret {mark} is in force, and those before it still are. Press Subscribe webhooks, so that "
            f"{row} signs with it; retire the old one when no webhook is signed with it any more."
        )

    @button("Retire webhook secret", permission=CHANGE, icon="key_off", form=RetireSecret, shown=_several)
    def retire_secret(self, request: HttpRequest, row: Connection, mark: str) -> str:
        retire_webhook_secret(row, mark)
        return f"The webhook secret {mark} is retired: what is signed with it is refused from now on."


def webhook_panels(row: Connection) -> list[Panel]:
    if not hears(row):
        return []
    since = timezone.now() - DAY
    last = Event.objects.filter(connection=row).order_by("-pk").values_list("received_at", flat=True).first()
    job = Job.objects.filter(connection=row, name="hooks").first()
    refused = Refusals.objects.filter(connection=row, last_at__gte=since)
    total, latest = refused.aggregate(total=Sum("count"))["total"], refused.first()
    won_back = last_won_back(row)
    return [
        values(
            "Webhooks",
            [
                ("Address", format_html("<code>{}</code>", hook_url(row))),
                ("Last one", show.ago(last, "none has come yet")),
                ("Subscription", _subscription(job)),
                (
                    "Found gone",
                    format_html("{}; it was made anew", show.ago(won_back)) if won_back else "never",
                ),
                (
                    "Refused in a day",
                    format_html("{}, the last {}: {}", total, show.ago(latest.last_at), latest.reason)
                    if latest
                    else "none",
                ),
            ],
        ),
        table(
            "Webhook secrets",
            ["Secret", "Use"],
            [(format_html("<code>{}</code>", mark), use) for mark, use in _secrets(row)],
            empty="None; webhooks are refused. Press Add webhook secret.",
        ),
    ]


def _subscription(job: Job | None) -> SafeString | str:
    if job is None or not job.enabled:
        return "not looked after: no active flow needs it"
    if job.last_error:
        return f"could not be renewed: {job.last_error}"
    return (
        format_html("looked after {}", show.ago(job.last_ok_at)) if job.last_ok_at else "not looked after yet"
    )


def _secrets(row: Connection) -> list[tuple[str, str]]:
    """Each secret's mark, the newest first, and what it does, so that people see which one may be retired."""
    signed = {
        mark: (count, last)
        for mark, count, last in Event.objects.filter(connection=row, received_at__gte=timezone.now() - DAY)
        .order_by()
        .values_list("signed_with")
        .annotate(count=Count("pk"), last=Max("received_at"))
    }
    found = []
    for index, secret in enumerate(row.webhook_secrets):
        count, last = signed.get(mark_of(secret), (0, None))
        use = (
            f"signed {count} webhooks in a day, the last {show.span_since(last)} ago"
            if last
            else "signed none in a day"
        )
        found.append((mark_of(secret), use + ("; the next subscription takes it" if index == 0 else "")))
    return found
