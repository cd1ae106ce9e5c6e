"""A real backup, a real loss, a real restore, on whichever database the stack has. The remotes in memory are
the witness: they do not forget."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.backup import services
from portal.records.models import Order
from portal.sync.clock import db_now
from portal.sync.models import Beat, Operation, Quarantine
from tests.toys import order

pytestmark = pytest.mark.django_db(transaction=True)


def restore(*words):
    call_command("restore", *words, "--yes")


def everything(house):
    house.work(house.shop, "pull:order")
    for name in ("location", "product", "stock", "shipment"):
        house.work(house.erp, f"pull:{name}")
    for name in ("location", "product", "refund"):
        house.work(house.shop, f"pull:{name}")
    house.deliver()


def test_what_was_done_between_backup_and_loss_is_done_once_and_undo_brings_the_loss_back(
    house, place, capsys
):
    house.shop_remote.feed["order"].append(order(1))
    everything(house)
    call_command("backup")
    [file] = services.backups().iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    house.shop_remote.feed["order"] += [order(2), order(1, 2, state="cancelled")]
    everything(house)
    assert Order.objects.count() == 2

    restore(str(file))
    assert Order.objects.count() == 1
    assert Quarantine.objects.get().open
    said = capsys.readouterr().out
    assert "Keep a copy of .env in another place" in said
    assert "is kept as" in said
    everything(house)
    everything(house)
    assert sorted(house.erp_remote.held["order"]) == ["toyerp-o1", "toyerp-o2"]
    assert house.erp_remote.held["order"]["toyerp-o1"].state == "cancelled"
    assert not Operation.objects.exclude(state="done").exists()

    Order.objects.filter(number="#2").update(customer="Seen after the restore")
    restore("--undo")
    assert not Order.objects.filter(customer="Seen after the restore").exists()
    assert Order.objects.count() == 2
    assert Quarantine.objects.get().how.startswith("./run manage restore --undo")


def test_nothing_is_restored_while_the_portal_runs(house, place):
    call_command("backup", str(place / "one.zip"))
    Beat.objects.create(name="pump", at=db_now(), note="here:42")
    with pytest.raises(CommandError, match="its pump \\(here:42\\) gave a sign of life"):
        restore(str(place / "one.zip"))
    Beat.objects.all().delete()
    with another_connection(), pytest.raises(CommandError, match="stop the portal"):
        restore(str(place / "one.zip"))
    assert not Quarantine.objects.exists()


def another_connection():
    if connection.vendor == "postgresql":
        import psycopg

        connection.ensure_connection()
        other = psycopg.connect(connection.connection.info.dsn)
    else:
        other = sqlite3.connect(connection.settings_dict["NAME"])
    other.execute("SELECT count(*) FROM sync_operation")
    return closing(other)


def test_a_dump_that_cannot_be_restored_leaves_the_database_as_it_was(house, place, monkeypatch):
    call_command("backup", str(place / "one.zip"))

    def spoilt(file, target):
        Path(target).write_bytes(b"PGDMP is what it was once" * 400)

    monkeypatch.setattr("portal.backup.archive.unpack", spoilt)
    house.told(order(1))
    with pytest.raises(CommandError, match=r"Nothing was restored\."):
        restore(str(place / "one.zip"))
    assert Order.objects.count() == 1
    assert not Quarantine.objects.exists()
