"""One product that an ERP has and a shop sells, and what moves its figures."""

from decimal import Decimal

import pytest

from portal.records.models import StockLevel
from tests.toys import line, order

HERE, THERE = ("erp-1", "erp-main"), ("shop-1", "shop-main")


@pytest.fixture
def store(house):
    """The house with ten pieces on both sides, and both readings done."""
    house.erp_remote.stock[HERE] = Decimal(10)
    house.shop_remote.stock[THERE] = Decimal(10)
    settle_down(house)
    assert house.operations("stock") == []
    house.shop_remote.effects.clear()
    return house


def settle_down(house, rounds=4):
    """Everything that the jobs would do in a while, until nothing moves any more."""
    for _ in range(rounds):
        house.work(house.shop, "check:stock")
        house.work(house.erp, "pull:stock")
        house.work(house.shop, "pull:order")
        house.work(house.shop, "pull:refund")
        house.deliver(house.erp)
        house.work(house.erp, "pull:stock")
        house.deliver(house.shop)


def sell(house, number, pieces, version=1):
    """The shop sells, and books it at once; the portal hears of it only when it reads."""
    house.shop_remote.stock[THERE] -= pieces
    sold = order(number, version, line(quantity=pieces, total=str(10 * pieces)))
    house.shop_remote.feed["order"].append(sold)
    return sold


def shown(house):
    return house.shop_remote.stock[THERE]


def believed(house):
    return StockLevel.objects.get(connection=house.shop).available
