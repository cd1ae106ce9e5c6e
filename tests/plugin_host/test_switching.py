"""A plugin that is switched off does nothing any more, at once, and nothing is lost meanwhile."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.connections.plugin_switches import off_for, switch_for
from portal.connections.services import check_connection
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.switches import note_installed, switch, switched_off
from portal.sdk.hooks import PluginJob
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Event, Job
from portal.sync.sweep import sweep
from tests.toys import order


@pytest.fixture
def knock(client, owned):
    def post(event):
        body = json.dumps({"topic": "order.updated", "id": "o1", "event": event}).encode()
        secret = owned.shop.webhook_secrets[0].encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        return client.post("/hooks/shop/", body, "application/json", headers={"x-toy": signature})

    return post


def test_deliveries_wait_and_go_out_when_it_is_on_again(owned):
    owned.told(order(1))
    switch("erps", on=False)
    assert owned.deliver() == "switched off"
    assert (owned.states(), owned.erp_remote.did("order")) == (["ready"], [])
    switch("erps", on=True)
    owned.deliver()
    assert owned.states() == ["done"]


def test_other_plugins_go_on(owned):
    switch("erps", on=False)
    owned.shop_remote.feed["order"].append(order(1))
    assert owned.work(owned.shop, "pull:order") != "switched off"
    assert owned.states() == ["ready"], "what they send to it waits"


def test_its_webhooks_are_answered_503_so_that_they_are_sent_again(owned, knock):
    for turn in (lambda on: switch("shops", on=on), lambda on: switch_for(owned.shop, "shops", on=on)):
        assert knock("e0").status_code == 200
        turn(False)
        assert knock("e1").status_code == 503
        assert Event.objects.count() == 1
        turn(True)
    assert knock("e1").status_code == 200
    assert Event.objects.count() == 2


def rung_for(rings):
    """Whose jobs the next sweep rings for."""
    rings.clear()
    sweep()
    jobs = Job.objects.filter(pk__in=[job for _, (job,) in rings])
    return {job.connection.slug if job.connection else job.name for job in jobs}


def test_nobody_rings_for_it_until_it_is_on_again(owned, rings):
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1), rung_at=None)
    switch("shops", on=False)
    assert {"shop", "erp"} & rung_for(rings) == {"erp"}
    switch("shops", on=True)
    assert {"shop", "erp"} & rung_for(rings) == {"shop"}, "the other was rung for a moment ago"


def test_its_own_jobs_are_not_run(owned, rings, monkeypatch):
    done = []
    jobs = [
        (name, PluginJob("tidy", "Tidy", timedelta(minutes=1), lambda name=name: done.append(name)))
        for name in ("shops", "shops_too")
    ]
    monkeypatch.setattr(plugins(), "jobs", lambda: jobs)
    ensure_jobs()
    switch("shops", on=False)
    Job.objects.filter(connection=None).update(due_at=timezone.now() - timedelta(seconds=1))
    ours = {"plugin:shops:tidy", "plugin:shops_too:tidy"}
    assert ours & rung_for(rings) == {"plugin:shops_too:tidy"}
    assert owned.work(None, "plugin:shops:tidy") == "switched off"
    owned.work(None, "plugin:shops_too:tidy")
    assert done == ["shops_too"]


def test_a_connection_of_it_is_not_called_and_says_why(owned):
    switch("shops", on=False)
    works, said = check_connection(owned.shop)
    assert not works
    assert said == (
        "The plugin shops is switched off, so nothing is read or sent with it; what comes up waits. "
        "Switch it on under Plugins."
    )
    assert owned.shop_remote.calls == []


@pytest.mark.django_db
def test_it_is_switched_by_command_too(capsys):
    call_command("plugins", "disable", "tryton")
    assert switched_off() == ["tryton"]
    call_command("plugins", "list")
    assert "admitted, switched off" in capsys.readouterr().out
    call_command("plugins", "enable", "tryton")
    assert switched_off() == []
    with pytest.raises(CommandError, match="No plugin acme is installed. There are demoshop, tryton"):
        call_command("plugins", "disable", "acme")


def test_it_is_switched_for_one_connection_by_command_too(owned, capsys):
    call_command("plugins", "disable", "tryton", "--connection", "shop")
    assert capsys.readouterr().out == "The plugin tryton is switched off for SHOP. This holds at once.\n"
    assert (off_for("shop"), off_for("erp"), switched_off()) == ({"tryton"}, set(), [])
    call_command("plugins", "enable", "tryton", "--connection", "shop")
    assert off_for("shop") == set()
    with pytest.raises(CommandError, match=r"There is no connection till. There are erp, shop\."):
        call_command("plugins", "disable", "tryton", "--connection", "till")


@pytest.mark.django_db
def test_a_row_is_made_once_for_each_plugin_and_keeps_what_staff_said():
    switch("tryton", on=False)
    note_installed(["demoshop", "tryton", "tryton"])
    note_installed(["demoshop", "tryton"])
    assert list(Plugin.objects.values_list("name", "enabled")) == [("demoshop", True), ("tryton", False)]
