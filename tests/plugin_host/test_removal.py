"""`plugins remove`: what a plugin leaves is told, exported and gone, whether its code is still there or not."""

import json
import re
import sqlite3
from contextlib import closing
from importlib.metadata import EntryPoint

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from portal.connections.models import Connection, PluginPause, PluginSettings, Reference
from portal.connections.plugin_switches import switch_for
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.permissions import make_permissions
from portal.plugins.switches import remember
from portal.records.models import Order, Product
from portal.sdk import Permission
from portal.sync.models import Case, CaseItem, Fact, Flow, Job, Notice, Operation
from tests.plugin_host.makers import distribution, with_models
from tests.toys import line, order, product


@pytest.fixture
def remove(tmp_path, capsys):
    """Run the command; what it says, and where it writes the export."""

    def run(name, *words):
        call_command("plugins", "remove", name, "--export", str(tmp_path / "export.jsonl"), *words)
        return capsys.readouterr().out

    run.exported = lambda: [json.loads(each) for each in (tmp_path / "export.jsonl").read_text().splitlines()]
    return run


@pytest.fixture
def shops(owned, monkeypatch):
    """The plugin `shops`, which brought the shop's connector and is uninstalled now."""
    owned.told(order(1), order(2, 1, line("NEW")))
    owned.deliver()
    owned.told(order(1, 2, note="b"))
    Plugin.objects.create(name="shops", connectors=["toyshop"])
    monkeypatch.setattr(plugins(), "_owners", {"toyerp": "erps"})
    return owned


def test_first_it_only_tells_what_there_is(shops, remove):
    said = remove("shops")
    assert "The connection SHOP (shop) is of its connector toyshop:" in said
    told = {words: int(number) for number, words in re.findall(r"^ +(\d+)  (\w.*)$", said, re.MULTILINE)}
    assert (told["orders"], told["operations"], told["flows"], told["references"]) == (2, 3, 4, 5)
    assert "--connections=archive keeps it" in said
    assert said.rstrip().endswith("Nothing was done. Add --yes to remove it; keep a backup.")
    assert Order.objects.count() == 2


def test_it_asks_what_shall_become_of_the_connections(shops, remove):
    with pytest.raises(CommandError, match="What shall become of its connections"):
        remove("shops", "--yes")
    assert Plugin.objects.get(name="shops").enabled


def test_archived_connections_keep_everything_and_do_nothing(shops, remove):
    shops.apply(shops.shop, "product", product("UNKNOWN", "shop-9"))
    assert CaseItem.objects.filter(case__connection=shops.shop, resolved_at=None).exists()
    remove("shops", "--yes", "--connections=archive")
    shop = Connection.objects.get(slug="shop")
    assert not shop.enabled
    assert set(Flow.objects.values_list("state", flat=True)) == {"draft"}
    assert not Case.objects.filter(connection=shop, state="open").exists()
    assert not CaseItem.objects.filter(case__connection=shop, resolved_at=None).exists()
    assert (Order.objects.count(), Reference.objects.filter(connection=shop).exists()) == (2, True)
    assert not Plugin.objects.filter(name="shops").exists()


def test_purged_connections_go_with_all_that_is_theirs_and_nobody_elses(shops, remove):
    erp_ties = Reference.objects.filter(connection=shops.erp, kind="product").count()
    said = remove("shops", "--yes", "--connections=purge")
    assert list(Connection.objects.values_list("slug", flat=True)) == ["erp"]
    assert not Order.objects.exists()
    assert not Operation.objects.exists()
    assert not Reference.objects.filter(kind="order").exists()
    assert not Fact.objects.filter(kind="order").exists()
    assert not Case.objects.filter(state="open").exists()
    assert Product.objects.exists()
    assert Reference.objects.filter(connection=shops.erp, kind="product").count() == erp_ties
    call_command("invariants")
    exported = remove.exported()
    assert f"{len(exported)} rows were written" in said
    orders = [each["fields"]["number"] for each in exported if each["model"] == "records.order"]
    assert sorted(orders) == ["#1", "#2"]
    assert "shop-token" not in str(exported)


def test_what_others_need_is_not_deleted_and_it_is_said_by_whom(shops, remove):
    Plugin.objects.create(name="erps", connectors=["toyerp"])
    plugins()._owners.clear()
    with pytest.raises(CommandError, match="are needed by the .*order.* of other connections"):
        remove("erps", "--yes", "--connections=purge")
    assert Connection.objects.filter(slug="erp").exists()
    assert Operation.objects.exists()
    assert not Plugin.objects.get(name="erps").enabled


def test_rows_of_ours_about_the_plugin_go(owned, remove, monkeypatch):
    monkeypatch.setitem(plugins()._things, Permission, [("labels", Permission("print", "Can print"))])
    from django.apps import apps

    make_permissions(apps)
    Plugin.objects.create(name="labels")
    now = timezone.now()
    Job.objects.create(name="plugin:labels:tidy", due_at=now)
    Job.objects.create(name="plugin:labels_too:tidy", due_at=now)
    Notice.objects.create(plugin="labels", hook="on_webhook", about={}, created_at=now, due_at=now)
    PluginSettings.objects.create(plugin="labels", values={"printer": "office"}, secrets={"token": "s3cret"})
    switch_for(owned.shop, "labels", on=False)
    said = remove("labels", "--yes")
    assert "The plugin labels is removed." in said
    assert not Plugin.objects.filter(name="labels").exists()
    assert list(Job.objects.filter(name__startswith="plugin:").values_list("name", flat=True)) == [
        "plugin:labels_too:tidy"
    ]
    assert [model.objects.count() for model in (Notice, PluginSettings, PluginPause)] == [0, 0, 0]
    assert "office" in str(remove.exported())
    assert "s3cret" not in str(remove.exported())


@pytest.fixture
def gone(db):
    """The tables of the plugin `acme`, whose code is gone: one of its own, and one that only looks so."""
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE acme_parcel (id INTEGER PRIMARY KEY, number VARCHAR(20))")
        cursor.execute("INSERT INTO acme_parcel (id, number) VALUES (7, 'P-7')")
        cursor.execute("CREATE TABLE acmeparcel (id INTEGER PRIMARY KEY)")
    MigrationRecorder.Migration.objects.create(app="acme", name="0001_initial")
    ContentType.objects.create(app_label="acme", model="parcel")
    Plugin.objects.create(name="acme", app="acme")


def test_the_tables_of_a_plugin_that_is_gone_are_found_by_name(gone, remove):
    said = remove("acme", "--yes")
    assert "1  rows of the table acme_parcel" in said
    assert "1  migrations of its app acme, to be unapplied" in said
    assert "Its app acme is not loaded, so its migrations cannot be run backwards" in said
    assert {"table": "acme_parcel", "row": {"id": 7, "number": "P-7"}} in remove.exported()
    names = database.introspection.table_names()
    assert "acme_parcel" not in names
    assert "acmeparcel" in names
    assert not MigrationRecorder.Migration.objects.filter(app="acme").exists()
    assert not ContentType.objects.filter(app_label="acme").exists()


def test_the_tables_of_a_plugin_that_is_broken_are_found_by_what_its_files_say(
    db, remove, tmp_path, monkeypatch, settings
):
    distribution(tmp_path, "acme", with_models({"__init__.py": "import no_such_library"}))
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("acme", "portal_acme", GROUP)
    source = PluginSource("acme", "portal_acme", "portal-acme", "1.0", point)
    settings.PLUGINS = Admissions((Admission(source, State.QUARANTINED, "It is broken."),))
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE portal_acme_parcel (id INTEGER PRIMARY KEY)")
    said = remove("acme", "--yes")
    assert "0  rows of the table portal_acme_parcel" in said
    assert "pip uninstall portal-acme" in said
    assert "portal_acme_parcel" not in database.introspection.table_names()
    assert not Plugin.objects.get(name="acme").enabled, "it does not begin anew while it is installed"


def test_of_a_plugin_that_nobody_remembers_the_app_is_named(gone, remove):
    Plugin.objects.all().delete()
    with pytest.raises(CommandError, match="Nobody knows of a plugin acme"):
        remove("acme")
    assert "rows of the table acme_parcel" in remove("acme", "--app", "acme")


def test_the_portals_own_plugins_are_not_removed(db, remove):
    with pytest.raises(CommandError, match="The plugin tryton is the portal's own. Switch it off"):
        remove("tryton", "--yes")


def test_what_outlives_a_plugin_is_noted_while_it_is_in_use(db):
    remember()
    remember()
    assert Plugin.objects.get(name="demoshop").connectors == ["demoshop"]


@pytest.mark.processes
def test_a_plugin_with_models_is_removed_while_it_is_installed(portal):
    distribution(portal.site, "acme", with_models())
    portal.ok("plugins", "preflight")
    portal.ok("migrate")
    (file,) = portal.data.glob("*.sqlite3")

    def sql(statement):
        with closing(sqlite3.connect(file)) as opened, opened:
            return opened.execute(statement).fetchall()

    sql("INSERT INTO portal_acme_parcel (number) VALUES ('P-7')")
    said = portal.ok("plugins", "remove", "acme", "--yes")
    assert "1  rows of the table portal_acme_parcel" in said
    assert "Now uninstall its package and restart: pip uninstall portal-acme" in said
    (path,) = (portal.data / "removed").iterdir()
    assert '"number": "P-7"' in path.read_text()
    assert sql("SELECT name FROM django_migrations WHERE app = 'portal_acme'") == []
    assert sql("SELECT name FROM sqlite_master WHERE name LIKE 'portal_acme%'") == []
    assert sql("SELECT enabled FROM portal_plugins_plugin WHERE name = 'acme'") == [(0,)]
