"""A backlog too long for one turn of a worker."""

from portal.records.models import Order
from portal.sync import pull
from portal.sync.models import Job
from tests.toys import order


def test_a_long_backlog_is_read_in_several_turns_and_rung_for_at_once(house, rings, monkeypatch):
    monkeypatch.setattr(pull, "BUDGET", 0.0)
    house.shop_remote.page_size = 10
    house.shop_remote.feed["order"].extend(order(number) for number in range(1, 26))
    job = Job.objects.get(connection=house.shop, name="pull:order")
    for read in (10, 20, 25):
        rings.clear()
        house.work(house.shop, "pull:order")
        assert Order.objects.count() == read
        job.refresh_from_db()
        assert job.last_began_at is None, "an unfinished round must not count as having read everything"
        assert ("portal.sync.tasks.answer", (job.pk,)) in rings
