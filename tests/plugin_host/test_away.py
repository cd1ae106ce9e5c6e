"""A connection whose plugin is refused, in quarantine or uninstalled waits, and holds up nobody else."""

from decimal import Decimal

import pytest

from portal.plugins.manager import plugins
from portal.sync.models import Case
from tests.toys import ToyErp, ToyShop, order


@pytest.fixture
def without(house, monkeypatch):
    """The house once one of its connectors is not there any more."""

    def take_away(kept):
        monkeypatch.setattr(plugins(), "_connectors", {kept.key: kept})
        return house

    return take_away


def test_orders_are_read_for_a_target_whose_plugin_is_away_and_wait_for_it(without, monkeypatch):
    house = without(ToyShop)
    house.shop_remote.feed["order"].append(order(1))
    assert "failed" not in house.work(house.shop, "pull:order")
    assert "No installed plugin brings the connector “toyerp”" in house.deliver()
    assert (house.states(), house.operations()[0].attempts) == (["ready"], 0)
    assert "toyerp" in Case.objects.get(connection=house.erp).title
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": ToyShop, "toyerp": ToyErp})
    house.deliver()
    assert house.states() == ["done"]


def test_stock_is_read_for_a_target_whose_plugin_is_away_and_set_once_it_is_back(house, monkeypatch):
    here, there = ("erp-1", "erp-main"), ("shop-1", "shop-main")
    house.erp_remote.stock[here] = house.shop_remote.stock[there] = Decimal(10)
    house.work(house.shop, "check:stock")
    house.work(house.erp, "pull:stock")
    for name in ("pull:order", "pull:refund"):
        house.work(house.shop, name)
    monkeypatch.setattr(plugins(), "_connectors", {"toyerp": ToyErp})
    house.erp_remote.stock[here] = Decimal(7)
    assert "failed" not in house.work(house.erp, "pull:stock")
    house.deliver(house.shop)
    assert (house.states("stock"), house.shop_remote.stock[there]) == (["ready"], 10)
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": ToyShop, "toyerp": ToyErp})
    house.deliver(house.shop)
    assert (house.states("stock"), house.shop_remote.stock[there]) == (["done"], 7)


def test_its_webhooks_are_answered_503(without, client):
    without(ToyErp)
    assert client.post("/hooks/shop/", b"{}", "application/json").status_code == 503
