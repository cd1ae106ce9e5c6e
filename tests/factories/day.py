"""A whole company in the middle of its day."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.connections.webhook_secrets import add_webhook_secret
from portal.plugins.switches import note_installed
from portal.records.models import Product, StockLevel
from portal.sync.facts import note
from portal.sync.models import Backfill, Beat, Effect, Event, Flow, Operation, Run
from tests.factories.records import known_at, levels, orders, products, refund, shipment
from tests.factories.setup import erp, flow, shop
from tests.factories.work import case, event, job, operation, refusals, run, untied

State = Operation.State


def world(number=40):
    """A company in the middle of its day: something of everything, in every state. Returns (shop, erp)."""
    far, near = shop(), erp()
    products(near)
    known_at(far)
    levels(far, near)
    carried = {
        "order": flow("order", far, near),
        "refund": flow("refund", far, near),
        "stock": flow("stock", near, far),
        "shipment": flow("shipment", near, far, Flow.State.PAUSED),
    }
    rows = orders(far, number)
    _send(carried, rows)
    _trouble(far, near)
    _engine(far, near)
    note_installed(["demoshop", "tryton"])
    return far, near


def _send(carried, rows):
    states = [State.READY, State.HELD, State.DONE, State.UNKNOWN, State.REVIEW, State.RETRY_WAIT, State.DEAD]
    for at, row in enumerate(rows):
        state = states[at % 7] if at % 3 == 0 else State.DONE
        made = operation(carried["order"], row, state)
        product, location = Product.objects.first(), row.location
        if location is not None:
            Effect.objects.create(operation=made, product=product, location=location, quantity=-2)
        if state == State.DONE and at % 4 == 1:
            operation(
                carried["shipment"], shipment(row, carried["order"].target, f"3SABCD{at:07}"), State.READY
            )
        if state == State.DONE and at % 9 == 2:
            operation(carried["refund"], refund(row), State.DONE)
    level = StockLevel.objects.filter(connection=carried["stock"].target).first()
    operation(carried["stock"], level, State.DONE, promise="D")


def _trouble(far, near):
    held = list(Operation.objects.filter(state=State.HELD))
    case(near, "missing-product", held, title="The product MUG-XL is not tied to anything in Tryton")
    case(
        near,
        "outcome-unknown",
        list(Operation.objects.filter(state=State.REVIEW)),
        title="Orders for Tryton are held: outcome unknown",
        mend="Look in Tryton whether it is there, then mark it done with its id, or try it again.",
    )
    case(far, "unknown-product")
    for label in ("MUG-XL", "TEA POT", "mug-100"):
        untied(far, label)


def _engine(far, near):
    _backfill(far)
    pull = job(far, "pull:order")
    run(pull)
    run(pull, Run.State.RUNNING, total=400)
    job(far, "pull:refund", every=300)
    job(far, "inbox", every=30)
    job(far, "deliver", every=30)
    job(near, "deliver", every=30)
    job(near, "pull:stock")
    job(near, "check:stock", every=900)
    bad = job(near, "pull:shipment", failures=4, last_error="Tryton did not answer within 20 seconds.")
    run(bad, Run.State.FAILED, error="Tryton did not answer within 20 seconds.", counts={})
    for number in range(1, 9):
        event(far, number, Event.State.NEW if number == 8 else Event.State.DONE)
    refusals(far)
    add_webhook_secret(far)
    Beat.objects.create(name="pump", at=timezone.now(), note="web1:4711")
    Beat.objects.create(name="canary", at=timezone.now(), note="1 web1 4711")


def _backfill(far):
    """The orders of three days are being read again, a third of them is through."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    asked = Backfill.objects.create(
        connection=far,
        kind="order",
        since=midnight - timedelta(days=3),
        until=midnight,
        state=Backfill.State.RUNNING,
        asked_by="boss",
        done=430,
        total=1310,
        counts={"new": 12, "unchanged": 418},
        going_since=timezone.now() - timedelta(minutes=2),
    )
    note("backfill", [(asked.pk, "boss asked for it.", None)], timezone.now() - timedelta(minutes=3))
