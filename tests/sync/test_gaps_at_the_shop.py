"""The demo shop, over HTTP: an order that was never told is found by its count, and fetched."""

from datetime import timedelta

from django.utils import timezone

from plugins.demoshop.connector import DemoShop
from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.plugins.manager import plugins
from portal.records.models import Order
from portal.sync import gaps
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Backfill, Case, Job
from portal.sync.tasks import answer
from portal.testing.shop import ShopServer
from tests.engine import flow
from tests.toys import ToyErp

ORDER = {
    "currency": "EUR",
    "tax_included": True,
    "location": "BER",
    "email": "gast@example.com",
    "billing_address": {"name": "Gast", "postal_code": "1070", "city": "Wien", "country": "AT"},
    "lines": [{"sku": "TEA-001", "quantity": 1}],
    "shipping": {"amount": "4.90"},
}


def work(connection, name):
    job = Job.objects.get(connection=connection, name=name)
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now(), lease_until=None)
    return answer(job.pk)


def test_an_order_that_the_shop_never_told_of_is_found_and_fetched(erp, monkeypatch):
    monkeypatch.setattr(plugins(), "_connectors", {"demoshop": DemoShop, "toyerp": ToyErp})
    monkeypatch.setattr(gaps, "ROOM", timedelta(minutes=-4))
    with ShopServer(page_size=3) as shop:
        far = save_connection(
            Connection(slug="far", name="Far", connector="demoshop"), {"url": shop.url, "token": shop.token}
        )
        flow("order", far, erp)
        ensure_jobs()
        told = [shop.trade.place(ORDER)["id"] for _ in range(7)]
        work(far, "pull:order")
        assert work(far, "gaps") == "nothing new"
        cursor = Job.objects.get(connection=far, name="pull:order").cursor
        never_told = shop.trade.place(ORDER)["id"]
        Job.objects.filter(name="pull:order").update(last_began_at=timezone.now())

        assert work(far, "gaps") == "1 missing"
        case = Case.objects.get(cause="gap-order")
        assert gaps.fetch_missing(case, by="Ada") == 1
        work(far, "backfill")
        row = Backfill.objects.get()
        assert (row.state, row.total, row.done) == ("done", 8, 8)
        assert set(Order.objects.values_list("external_id", flat=True)) == {*told, never_told}
        assert Job.objects.get(connection=far, name="pull:order").cursor == cursor
        assert work(far, "gaps") == "nothing new"
    case.refresh_from_db()
    assert case.state == "resolved"
