"""A real Tryton for the session, and orders to send to it."""

import itertools
from pathlib import Path

import pytest

from plugins.tryton import Tryton
from plugins.tryton.server import ServerError, TrytonServer, install
from plugins.tryton.server.ledger import Ledger
from plugins.tryton.server.warehouse import Warehouse
from portal.sdk import Refund
from tests.plugins.tryton.makers import change

CATALOGUE = Path(__file__).parents[3] / "portal" / "testing" / "shop" / "catalogue.json"
NUMBERS = itertools.count(1001)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    try:
        install()
    except ServerError as error:
        pytest.skip(f"Tryton cannot be installed on this machine: {error}")
    prepared = TrytonServer.prepare(CATALOGUE)
    with TrytonServer.start(tmp_path_factory.mktemp("tryton"), prepared) as running:
        yield running


@pytest.fixture(scope="session")
def settings(server):
    return {
        "url": server.url,
        "database": server.database,
        "key": server.key,
        "web_shop": server.web_shop,
    }


@pytest.fixture(scope="session")
def tryton(settings):
    connector = Tryton(Tryton.Settings(**settings))
    yield connector
    connector.close()


@pytest.fixture(scope="session")
def ledger(server):
    return Ledger(server)


@pytest.fixture(scope="session")
def warehouse(server):
    return Warehouse(server, seed=1)


@pytest.fixture(scope="session")
def refs(tryton):
    """What the portal would have tied: the shop calls places by their code, goods by their SKU."""
    places = [found.record for page in tryton.pull_location(None) for found in page.found]
    goods = [found.record for page in tryton.pull_product(None) for found in page.found]
    tied = {("location", place.code): place.external_id for place in places}
    return tied | {("product", item.sku): item.external_id for item in goods}


@pytest.fixture
def order_id():
    return f"o{next(NUMBERS)}"


@pytest.fixture
def send(tryton, refs):
    """Push a record as the engine would: ``send(record, remote_id)`` gives the receipt."""

    def push(record, remote_id="", connector=tryton):
        kind = connector.push_refund if isinstance(record, Refund) else connector.push_order
        return kind(change(record, refs, remote_id))

    return push


@pytest.fixture
def look(tryton, refs):
    """Look a record up as the engine would after a lost answer."""

    def find(record):
        kind = tryton.find_refund if isinstance(record, Refund) else tryton.find_order
        return kind(change(record, refs))

    return find


@pytest.fixture
def sale(tryton):
    """Read the sale of an order as it stands in Tryton: ``sale(order_id)``."""
    return tryton._orders._sales.find
