"""Stock when the ERP had booked an order long before its receipt reached us, as after a killed worker."""

from decimal import Decimal

import pytest

from portal.records.models import StockLevel
from tests.toys import ToyErp, level, line, order, page

PLACE = ("shop-1", "shop-main")


@pytest.fixture
def announcing(monkeypatch):
    """An ERP whose pull tells only the levels that changed since the cursor, as real ones do."""
    told = {}

    def pull_stock(self, cursor):
        changed = {
            place: pieces
            for place, pieces in self.remote.stock.items()
            if cursor is None or told.get(place) != pieces
        }
        told.update(changed)
        yield page(*(level(sku, place, pieces) for (sku, place), pieces in changed.items()), cursor="now")

    monkeypatch.setattr(ToyErp, "pull_stock", pull_stock)


def test_what_the_erp_booked_before_its_receipt_came_is_not_held_back_for_ever(house, announcing):
    house.erp_remote.stock["erp-1", "erp-main"] = Decimal(10)
    house.shop_remote.stock[PLACE] = Decimal(10)
    for connection, job in ((house.shop, "check:stock"), (house.erp, "pull:stock")):
        house.work(connection, job)
    for job in ("pull:order", "pull:refund"):
        house.work(house.shop, job)

    house.shop_remote.stock[PLACE] -= 2
    house.told(order(1, 1, line(quantity=2, total="20.00", tax="3.80")))
    house.erp_remote.stock["erp-1", "erp-main"] -= 2
    house.erp_remote.booked["toyerp-o1"] = {("erp-1", "erp-main"): 2}
    house.work(house.erp, "pull:stock")
    house.deliver(house.shop)
    assert house.shop_remote.stock[PLACE] == 6, "rather too few than oversold, while nobody knows"
    house.deliver()
    house.work(house.erp, "pull:stock")
    house.deliver(house.shop)

    assert house.shop_remote.stock[PLACE] == 8
    assert StockLevel.objects.get(connection=house.shop).available == 8
