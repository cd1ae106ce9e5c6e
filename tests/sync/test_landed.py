from concurrent.futures import Future
from threading import Timer
from time import monotonic

import pytest

from portal.sync.landed import Landed

LONG = 20.0


@pytest.fixture
def landed():
    return Landed()


@pytest.fixture
def flying(landed):
    futures = [Future() for _ in range(3)]
    for future in futures:
        future.add_done_callback(landed)
    return futures


def test_the_last_receipt_ends_the_wait_for_others(landed, flying):
    began = monotonic()
    flying[0].set_result("first")
    for future in flying[1:]:
        Timer(0.02, future.set_result, ["later"]).start()
    assert landed.gather(3, patience=LONG, gather=LONG) == set(flying)
    assert monotonic() - began < LONG / 2


def test_what_is_still_on_its_way_comes_with_the_next(landed, flying):
    flying[0].set_result("quick")
    assert landed.gather(3, patience=LONG, gather=0.01) == {flying[0]}
    flying[1].set_result("slow")
    flying[2].set_result("slow")
    assert landed.gather(2, patience=LONG, gather=LONG) == set(flying[1:])


def test_nothing_came_while_the_remote_thinks(landed, flying):
    assert landed.gather(3, patience=0.01, gather=LONG) == set()
