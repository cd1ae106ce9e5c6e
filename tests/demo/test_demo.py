"""The main job from end to end, as `./run demo --check` does it: the shop, a real Tryton, every process.

A small day, with the shop's faults on and the workers killed in the middle; then once more over the same data;
then with the shop changed behind the portal's back, to see that the table can disagree.
"""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.tryton.server import ServerError, TrytonServer
from portal.demo.check import as_table, compare
from portal.demo.stage import staged
from portal.testing.shop import CATALOGUE

ROOT = Path(__file__).parents[2]
DAY = ["--orders", "60", "--refunds", "12", "--parcels", "12", "--seconds", "20"]
BOOKS = ("sale_sale", "sale_line", "stock_move", "account_invoice", "account_move", "party_party")

pytestmark = [pytest.mark.tryton, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    try:
        TrytonServer.prepare(CATALOGUE, print)
    except ServerError as error:
        pytest.skip(f"no Tryton on this machine: {error}")
    return tmp_path_factory.mktemp("demo")


def demo(place, *options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--check", *DAY, *options],
        cwd=ROOT,
        env={
            **{name: value for name, value in kept.items() if name not in ("DATABASE_URL", "REDIS_URL")},
            "PORTAL_DEMO": "1",
            "PORTAL_ENV_FILE": str(place / "none"),
            "PORTAL_DATA_DIR": str(place),
            "PORTAL_BIND": address,
            "PORTAL_BASE_URL": f"http://{address}",
        },
        capture_output=True,
        text=True,
        timeout=540,
    )
    print(done.stdout, done.stderr)
    return done


def books(place):
    """How many rows Tryton's tables have, and when each was last written."""
    with sqlite3.connect(next((place / "tryton").glob("*.sqlite"))) as tryton:
        return {
            table: tryton.execute(
                f"SELECT COUNT(*), MAX(COALESCE(write_date, create_date)) FROM {table}"
            ).fetchone()
            for table in BOOKS
        }


def test_shop_and_tryton_agree_after_a_day_with_faults_and_killed_workers(place):
    done = demo(place, "--faults", "0.05", "--kill")
    assert done.returncode == 0
    assert "killed the cluster" in done.stdout
    assert "✗" not in done.stdout
    assert done.stdout.count("✓") >= 20


def test_a_second_run_over_the_same_data_changes_nothing_in_tryton(place):
    before = books(place)
    done = demo(place)
    assert done.returncode == 0
    assert books(place) == before


def test_the_table_disagrees_when_the_shop_sold_something_that_nobody_was_told(place):
    with staged(place, faults=0, say=print) as stage:
        assert all(row.agrees for row in compare(stage))
        stage.shop.post(
            "/_demo/do/place",
            json={
                "order": {
                    "currency": "EUR",
                    "tax_included": True,
                    "location": "BER",
                    "lines": [{"sku": "TEA-001", "quantity": 3}],
                }
            },
        )
        rows = compare(stage)
    print(as_table(rows))
    assert {row.question for row in rows if not row.agrees} == {
        "orders",
        "orders missing there",
        "orders, sum in EUR",
        "pieces available in BER",
        "places whose stock differs",
    }
