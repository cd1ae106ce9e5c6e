"""What staff see after a restore."""

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.sync import quarantine
from portal.sync.models import Operation, Quarantine


@pytest.fixture
def restored(world):
    return quarantine.begin("./run manage restore put back monday.zip", remembered=timezone.now(), known=None)


def page(row):
    return reverse("admin:sync_quarantine_change", args=[row.pk])


def test_a_banner_tells_on_every_page_and_goes_with_the_quarantine(boss, restored):
    said = boss.get(reverse("admin:index")).content.decode()
    assert "The database was restored" in said
    assert page(restored) in said
    quarantine.end(None, "Done.")
    assert "The database was restored" not in boss.get(reverse("admin:index")).content.decode()


def test_nobody_who_is_not_signed_in_is_told(client, restored):
    assert "was restored" not in client.get(reverse("admin:login")).content.decode()


def test_the_page_says_how_far_it_is(boss, restored):
    doubted = Operation.objects.filter(look_up_first=True)
    said = boss.get(page(restored)).content.decode()
    assert "monday.zip" in said
    assert doubted.filter(state__in=["held", "review"]).exists()
    assert "Sources read again" in said


def test_it_is_ended_with_a_reason_that_is_kept_with_the_name(boss, restored):
    address = reverse("admin:sync_quarantine_do", args=[restored.pk, "end_now"])
    assert "looked up first" in boss.get(address).content.decode()
    boss.post(address, {"reason": ""})
    assert Quarantine.objects.get().open
    boss.post(address, {"reason": "The shop is closed for a week."})
    row = Quarantine.objects.get()
    assert (row.open, row.reason, row.ended_by.username) == (False, "The shop is closed for a week.", "boss")


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("operator", True)])
def test_who_may_end_it(as_role, restored, role, may):
    client = as_role(role)
    address = reverse("admin:sync_quarantine_do", args=[restored.pk, "end_now"])
    assert client.post(address, {"reason": "Enough."}).status_code == (302 if may else 403)
    assert Quarantine.objects.get().open is not may


def test_an_operation_in_doubt_says_so(boss, restored):
    row = Operation.objects.filter(look_up_first=True).first()
    said = boss.get(reverse("admin:sync_operation_change", args=[row.pk])).content.decode()
    assert "it may have been sent before the restore" in said
