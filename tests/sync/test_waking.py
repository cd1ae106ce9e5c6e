"""A connection that was mended: nothing has to wait for the end of a rest."""

from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.sdk import Misconfigured
from portal.sync.health import probe, wake
from portal.sync.models import Case, Job, Operation
from tests.toys import fails, order


def test_a_mended_connection_goes_on_at_once_with_what_rested(house):
    house.told(order(1))
    house.erp_remote.then("push_order", fails(Misconfigured("The key was refused.", mend="Enter it again.")))
    house.deliver()
    operation = Operation.objects.get()
    assert (operation.state, operation.cause) == ("retry_wait", "connection")
    assert operation.due_at > timezone.now()
    assert Case.objects.get().state == "open"

    house.erp.refresh_from_db()
    save_connection(house.erp, {"name": "erp", "token": "the-right-one"})
    wake(house.erp)
    operation.refresh_from_db()
    assert operation.due_at <= timezone.now()
    assert Case.objects.get().state == "resolved"
    assert house.work(house.erp, "deliver") == "1 done"


def test_a_test_that_succeeds_wakes_the_jobs_and_one_that_fails_lets_them_rest(house):
    Connection.objects.filter(pk=house.erp.pk).update(health="broken")
    far = timezone.now() + timezone.timedelta(hours=1)
    Job.objects.filter(connection=house.erp).update(due_at=far)
    house.erp_remote.then("check", fails(Misconfigured("No.")))
    assert probe(house.erp)[0] is False
    assert not Job.objects.filter(connection=house.erp, due_at__lt=far).exists()
    assert probe(house.erp)[0] is True
    assert not Job.objects.filter(connection=house.erp, enabled=True, due_at__gt=timezone.now()).exists()
