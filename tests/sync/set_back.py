"""A database that was set back. Rolling back to a savepoint sets the database back and leaves the remotes as
they are, which is what a restored backup is; their effect logs tell whether anything was done twice."""

from contextlib import contextmanager

import pytest
from django.db import transaction

from portal.sync import quarantine
from portal.sync.models import Job
from tests.toys import ToyErp


@contextmanager
def forgotten():
    """What happens inside is forgotten by the database, and not by the remotes."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


@pytest.fixture
def doubled(toys):
    """What the ERP was asked to create although it has it: the second one of it, whatever its key was."""
    found, push = [], ToyErp._push

    def pushing(self, kind, change, **how):
        if not change.remote_id and f"toyerp-{change.record.external_id}" in self.remote.held[kind]:
            found.append(change.key)
        return push(self, kind, change, **how)

    toys.setattr(ToyErp, "_push", pushing)
    yield found
    assert found == []


def tell(house, *items, kind="order"):
    house.shop_remote.feed[kind].extend(items)


def read_everything(house):
    for job in Job.objects.filter(enabled=True, name__startswith="pull:").order_by("name"):
        house.work(job.connection, job.name)


def begin():
    return quarantine.begin("A test", remembered=None, known=None)


def settle_down(house):
    """Both sides are read and written until nothing moves; the quarantine ends as the pump ends it."""
    for _ in range(3):
        read_everything(house)
        house.deliver(house.erp)
        house.deliver(house.shop)
    quarantine.review()
