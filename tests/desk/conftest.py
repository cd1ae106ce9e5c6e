import pytest

from portal.desk.roles import create_roles
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
