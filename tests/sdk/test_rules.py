"""What the design says of the rooms and can be held by a test."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_arrows_between_the_rooms_point_down():
    program = shutil.which("lint-imports", path=Path(sys.executable).parent)
    if program is None:
        pytest.skip("import-linter is not installed")
    found = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_sdk_works_where_there_is_no_django():
    script = (
        "import sys; sys.modules['django'] = None; import portal.sdk; print(portal.sdk.Money('1', 'EUR'))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("1.00 EUR\n", "")


def test_only_the_pump_makes_a_schedule():
    """A malformed schedule stops all of them, so there is one."""
    makers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "portal").rglob("*.py")
        if "Schedule.objects" in path.read_text()
    ]
    assert makers == ["portal/sync/management/commands/pump.py"]


def test_tasks_are_put_into_the_queue_in_two_places_only():
    """Rows are the queue, tasks are doorbells: the rings and the canary."""
    makers = sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "portal").rglob("*.py")
        if "async_task(" in path.read_text()
    )
    assert makers == ["portal/sync/doors.py", "portal/sync/pump.py"]


def test_no_tables_change_without_a_migration(settings):
    found = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
