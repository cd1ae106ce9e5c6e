"""What a plugin's own jobs may do to a worker: each thing is laid to it, and the others go on."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.conf import Conf
from django_q.exceptions import TimeoutException

from portal.connections.plugin_switches import switch_for
from portal.plugins import memory
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.sdk import ConnectionInfo, PluginJob
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Job, Run
from portal.sync.sweep import sweep
from tests.engine import connect
from tests.plugin_host.makers import distribution
from tests.toys import ToyShop, order


@pytest.fixture
def own_job(owned, monkeypatch):
    """Let the plugin `shops` have one job that does what is given; its name."""

    def make(run, **more):
        own = PluginJob("print", "Print labels", timedelta(minutes=1), run, **more)
        monkeypatch.setattr(plugins(), "jobs", lambda: [("shops", own)])
        ensure_jobs()
        return "plugin:shops:print"

    return make


def test_what_a_job_says_stands_on_its_run(owned, own_job):
    name = own_job(lambda: "Printed 3 labels.")
    owned.work(None, name)
    assert [run.said for run in Run.objects.filter(job__name=name)] == ["Printed 3 labels."]


def test_a_job_that_had_nothing_to_do_leaves_no_run(owned, own_job):
    name = own_job(str)
    assert owned.work(None, name) == "nothing new"
    assert not Run.objects.filter(job__name=name).exists()


def test_a_job_that_returns_no_sentence_is_charged(owned, own_job):
    assert "it returned None; a job returns a sentence" in owned.work(None, own_job(lambda: None))
    assert Plugin.objects.get(name="shops").failures == 1


def test_a_job_for_each_connection_gets_its_connector_opened(owned, own_job):
    seen = []
    name = own_job(
        lambda connector, connection: seen.append((connector, connection)) or "", connectors=("toyshop",)
    )
    other = connect("toyshop", "other")
    ensure_jobs()
    assert set(Job.objects.filter(name=name).values_list("connection__slug", flat=True)) == {"shop", "other"}
    owned.work(other, name)
    ((connector, connection),) = seen
    assert isinstance(connector, ToyShop)
    assert connection == ConnectionInfo("other", "OTHER", "toyshop")


def test_a_plugin_that_is_off_for_one_connection_does_nothing_there_and_goes_on_elsewhere(
    owned, own_job, client, rings
):
    name = own_job(lambda connector, connection: "Done.", connectors=("toyshop",))
    other = connect("toyshop", "other")
    ensure_jobs()
    switch_for(owned.shop, "shops", on=False)
    assert owned.work(owned.shop, name) == "switched off"
    assert owned.work(owned.shop, "pull:order") == "switched off"
    assert client.post("/hooks/shop/", b"{}", "application/json").status_code == 503
    assert owned.work(other, name) != "switched off"
    owned.told(order(1))
    assert owned.deliver() != "switched off", "the ERP's plugin is another"
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1), rung_at=None)
    rings.clear()
    sweep()
    rung = {arguments[0] for _, arguments in rings}
    jobs = Job.objects.filter(pk__in=rung)
    assert not jobs.filter(connection=owned.shop).exists()
    assert jobs.filter(connection=owned.erp).exists()
    switch_for(owned.shop, "shops", on=True)
    assert owned.work(owned.shop, name) != "switched off"


def test_a_job_that_the_workers_patience_ended_is_said_to_have_hung(owned, own_job):
    def hangs():
        raise TimeoutException("Task exceeded maximum timeout value (300 seconds)")

    assert "it did not come to an end: Task exceeded" in owned.work(None, own_job(hangs))


@pytest.fixture
def holds(monkeypatch):
    """How much memory this process holds, in megabytes, one reading after the other."""
    monkeypatch.setattr(memory, "_added", {})
    monkeypatch.setattr(Conf, "MAX_RSS", None)

    def readings(*megabytes):
        left = [number * 1024**2 for number in megabytes]
        monkeypatch.setattr(memory, "resident", lambda: left.pop(0) if len(left) > 1 else left[0])

    return readings


def test_memory_left_behind_is_charged_and_the_worker_is_replaced(owned, own_job, holds):
    name = own_job(lambda: "Read 1 file.")
    holds(100, 400, 400)
    owned.work(None, name)
    assert Plugin.objects.get(name="shops").last_error == (
        "It has left 300 MB of memory behind in a worker, which is replaced."
    )
    assert Conf.MAX_RSS == 1


def test_a_slow_leak_is_charged_when_it_has_summed_up(db, holds):
    for turn in range(10):
        holds(100 + turn * 30, 130 + turn * 30)
        with memory.watched("shops"):
            assert not Plugin.objects.exists()
        if Plugin.objects.exists():
            break
    assert "left 270 MB" in Plugin.objects.get().last_error


def test_memory_that_is_given_back_is_not_charged(db, holds):
    for _ in range(5):
        holds(100, 300)
        with memory.watched("shops"):
            pass
        holds(300, 100)
        with memory.watched("shops"):
            pass
    assert not Plugin.objects.exists()


def test_this_machine_tells_how_much_memory_a_process_holds():
    before = memory.resident()
    kept = b"x" * (64 * 1024**2)
    assert memory.resident() - before > 50 * 1024**2
    assert len(kept)


# -- on a real cluster --

JOBS = """
    import os, signal, sys, time
    from datetime import timedelta
    from portal.sdk import PluginJob, hook

    def waits():
        time.sleep(600)
        return ""

    def holds_on():
        while True:
            try:
                time.sleep(600)
            except BaseException:
                continue

    def leaves():
        sys.exit(3)

    def dies():
        os.kill(os.getpid(), signal.SIGKILL)

    def works():
        return "Done."

    @hook
    def register_jobs():
        return [
            PluginJob(run.__name__, run.__name__, timedelta(seconds=5 if run is works else 600), run)
            for run in (waits, holds_on, leaves, dies, works)
        ]
"""

LEAK = """
    from datetime import timedelta
    from portal.sdk import PluginJob, hook

    kept = []

    def reads():
        kept.append(b"x" * (400 * 1024**2))
        return "Read it all."

    @hook
    def register_jobs():
        return [PluginJob("read", "Read", timedelta(hours=1), reads)]
"""

IMPATIENT = """
    from config.settings import *

    Q_CLUSTER = {**Q_CLUSTER, "timeout": 3, "retry": 30, "workers": 4, "queue_limit": 4}
    # The engine's own turns take longer than that; there are none here.
    SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "portal.E003"]
"""


@contextmanager
def process(portal, *words):
    child = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        env={**portal.env, "DJANGO_SETTINGS_MODULE": "impatient"},
        cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@pytest.mark.processes
@pytest.mark.timeout(200)
def test_on_a_real_cluster_every_way_to_spoil_a_worker_is_recorded_and_the_rest_goes_on(portal):
    distribution(portal.site, "rough", {"__init__.py": JOBS})
    distribution(portal.site, "leaky", {"__init__.py": LEAK})
    (portal.site / "impatient.py").write_text("\n".join(line[4:] for line in IMPATIENT.splitlines()))
    portal.ok("plugins", "preflight")
    portal.ok("migrate")
    (database,) = portal.data.glob("*.sqlite3")

    def read(query):
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20) as reading:
            return reading.execute(query).fetchall()

    def rows():
        found = read("SELECT name, last_error, last_ok_at FROM sync_job WHERE name LIKE 'plugin:rough:%'")
        return {name.rpartition(":")[2]: (error, ok) for name, error, ok in found}

    def leaked():
        return read("SELECT last_error FROM portal_plugins_plugin WHERE name = 'leaky'")

    with process(portal, "qcluster") as cluster, process(portal, "pump") as pump:
        end, found = time.monotonic() + 150, {}
        bad = ("waits", "holds_on", "leaves", "dies")
        while not (found and all(found[name][0] for name in bad) and leaked()):
            assert time.monotonic() < end, f"not all was recorded: {found}, {leaked()}"
            assert cluster.poll() is pump.poll() is None
            time.sleep(0.3)
            found = rows()
        last = found["works"][1]
        while rows()["works"][1] == last and time.monotonic() < end:
            time.sleep(0.3)
        assert rows()["works"][1] != last, "the others go on"
    assert "did not come to an end: Task exceeded maximum timeout value (3 seconds)" in found["waits"][0]
    assert "its worker was killed" in found["holds_on"][0]
    assert "it called sys.exit(3)" in found["leaves"][0]
    assert "its worker was killed" in found["dies"][0]
    assert "MB of memory behind in a worker, which is replaced" in leaked()[0][0]
