import pytest

from plugins.demoshop.connector import DemoShop, DemoShopSettings
from portal.testing.shop import ShopServer


@pytest.fixture
def shop():
    with ShopServer(page_size=20) as server:
        yield server


@pytest.fixture
def connect():
    """A connector to a shop, with changed settings: `connect(shop, token="wrong")`."""
    made = []

    def make(shop, **changes):
        made.append(DemoShop(DemoShopSettings(**{"url": shop.url, "token": shop.token} | changes)))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


@pytest.fixture
def connector(shop, connect):
    return connect(shop)


@pytest.fixture
def an_order():
    def make(**changes):
        return {
            "currency": "EUR",
            "tax_included": True,
            "location": "wien-1",
            "email": "gast@example.com",
            "billing_address": {"name": "Gast", "postal_code": "1070", "city": "Wien", "country": "AT"},
            "lines": [{"sku": "TEA-001", "quantity": 3}, {"sku": "CUP-001", "quantity": 2}],
            "shipping": {"amount": "4.90"},
        } | changes

    return make
