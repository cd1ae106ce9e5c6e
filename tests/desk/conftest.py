import pytest

from portal.desk.roles import create_roles
from portal.plugins.manager import plugins
from tests import factories


@pytest.fixture
def roles(db):
    return {role.name: role for role in create_roles()}


@pytest.fixture
def as_role(roles, client):
    """A signed-in client for somebody of that role."""

    def sign_in(name):
        client.force_login(factories.user(name, name))
        return client

    return sign_in


@pytest.fixture
def boss(db, client):
    """A client that may do everything."""
    client.force_login(factories.user("boss", superuser=True))
    return client


@pytest.fixture
def world(db):
    return factories.world()


@pytest.fixture
def one_of_each(db):
    """One record of each kind, and three orders."""
    shop, erp = factories.shop(), factories.erp()
    factories.products(erp, 2)
    rows = factories.orders(shop, 3)
    factories.shipment(rows[0], erp)
    factories.refund(rows[0])
    factories.levels(erp)
    factories.case(shop, "unknown-product")


@pytest.fixture
def brings(monkeypatch):
    """The plugin `labels` brings these."""

    def bring(*things):
        for thing in things:
            already = plugins()._things[type(thing)]
            monkeypatch.setitem(plugins()._things, type(thing), [*already, ("labels", thing)])

    return bring
