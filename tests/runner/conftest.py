import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually

# A family of three that ignores SIGTERM below its head, as a wedged cluster does: each writes its process number.
FAMILY = """
import os, signal, subprocess, sys, time
from pathlib import Path
place = Path(sys.argv[1])
if len(sys.argv) == 2:
    for child in ("one", "two"):
        subprocess.Popen([sys.executable, __file__, str(place), child])
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
(place / f"{os.getpid()}.pid").touch()
print("up", flush=True)
while True:
    time.sleep(60)
"""


class Family:
    """Processes that a test starts through the runner, and what has become of them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.script = place / "family.py"
        self.script.write_text(FAMILY)

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self.script), str(self.place)]

    def pids(self) -> list[int]:
        return sorted(int(path.stem) for path in self.place.glob("*.pid"))

    def living(self) -> list[int]:
        return [pid for pid in self.pids() if is_alive(pid)]


def is_alive(pid: int) -> bool:
    """A zombie is dead: it only waits for someone to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def family(tmp_path):
    family = Family(tmp_path)
    yield family
    for pid in family.living():
        os.kill(pid, 9)


@pytest.fixture
def runner_process(family):
    """A runner in a process of its own, looking after one family; a callable starts it."""
    started = []

    def start(*, drain: float = 0.5) -> subprocess.Popen[str]:
        code = (
            "import signal, sys, time\n"
            "from portal.runner import Child, Runner\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            # A shell that put the suite into the background has it ignore SIGINT.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"with Runner([Child('family', {family.command!r}, drain={drain})], pause=0.1) as runner:\n"
            "    print('keeper', runner.keeper.pid, flush=True)\n"
            "    time.sleep(600)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        started.append(process)
        eventually(lambda: len(family.living()) == 3)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
