"""The units of deploy/, as systemd reads them."""

import shutil
import subprocess
from configparser import ConfigParser

import pytest
from django.conf import settings

from portal.runner.processes import PROCESSES, portal_processes

UNITS = sorted((settings.BASE_DIR / "deploy").glob("*.service"))


SERVING = [unit for unit in UNITS if "/run serve" in unit.read_text()]


@pytest.fixture(params=SERVING, ids=lambda unit: unit.name)
def service(request):
    parsed = ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str
    parsed.read(request.param)
    return parsed["Service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit_as_it_stands(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd on this machine: `apt install systemd` lets its units be verified")
    run = tmp_path / "run"
    run.write_text("#!/bin/sh\n")
    run.chmod(0o755)
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/srv/portal", str(tmp_path)).replace("User=portal\n", ""))
    told = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")


def test_only_the_head_is_asked_to_stop_and_it_has_time_for_all_that_it_stops(service):
    # A SIGTERM to every process at once hangs django-q2's cluster.
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > sum(child.drain for child in portal_processes(PROCESSES))


def test_what_ends_is_started_again_whatever_it_ended_of(service):
    assert service["Restart"] == "always"
