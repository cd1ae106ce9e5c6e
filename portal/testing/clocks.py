"""Processes that live at another time: a dozen lines of C, loaded before everything else, move what they are told
the time is. How long things take is measured truly, which libfaketime does not leave to Python 3.11: its
``time.sleep`` fails or its waits never end."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

MISSING = "no C compiler on this machine: `apt install gcc` lets clocks be moved"

SOURCE = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) { const char *said = getenv("CLOCK_AHEAD"); return said ? atol(said) : 0; }

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *there) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (there) *there = exact.tv_sec;
    return exact.tv_sec;
}
"""


def shifted(seconds: int, place: Path) -> dict[str, str]:
    """What to add to the environment of a process so that its clock is ``seconds`` ahead, or behind.

    ``place`` is where the library is built. Raises ``LookupError`` with the sentence ``MISSING``.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise LookupError(MISSING)
    library = place / "clock.so"
    if not library.exists():
        command = [compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library)]
        subprocess.run(command, input=SOURCE.encode(), check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(seconds)}
