"""Speed that comes from the shape: what is ready together is stored together."""

import time

from portal.sync import deliver
from tests.toys import ToyErp, order


def test_receipts_that_come_one_shortly_after_the_other_are_stored_together(house, monkeypatch):
    stored = []
    settle = deliver.settle
    monkeypatch.setattr(deliver, "settle", lambda *told: (stored.append(len(told[1])), settle(*told))[1])
    monkeypatch.setattr(deliver, "GATHER", 5.0)
    number = ToyErp.in_flight * 2
    house.told(*map(order, range(number)))
    house.erp_remote.then("push_order", *[lambda act: (time.sleep(0.02), act())[1]] * number)
    house.deliver()
    assert house.states() == ["done"] * number
    assert stored == [number]
