"""Trying plugins before they may take part: each in a process of its own, several at once, with a time limit.

Whatever a plugin does to its process, the verdict is a sentence and this process goes on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings

from portal.plugins import verdicts
from portal.plugins.admission import Admissions
from portal.plugins.discovery import PluginSource
from portal.plugins.verdicts import Verdict

LIMIT = 60.0
"""Seconds that one examination may take."""


def changed(admissions: Admissions) -> bool:
    """Whether some plugin of this name and version was never examined under this portal."""
    known = verdicts.read(settings.DATA_DIR)
    return any(
        source.name not in known or not known[source.name].is_about(source)
        for source in admissions.candidates
    )


def preflight(candidates: Sequence[PluginSource], *, limit: float = LIMIT) -> dict[str, Verdict]:
    """Examine the candidates, alone and then together, and keep the verdicts, by the plugins' names."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        alone = list(pool.map(lambda source: examine([source], limit=limit), candidates))
    reasons = {source.name: reason for source, reason in zip(candidates, alone, strict=True)}
    reasons |= _together([source for source in candidates if not reasons[source.name]], limit=limit)
    found = {
        source.name: Verdict(source.distribution, source.version, reasons[source.name])
        for source in candidates
    }
    verdicts.write(settings.DATA_DIR, found)
    return found


def _together(passed: Sequence[PluginSource], *, limit: float) -> dict[str, str]:
    """Two that pass alone may clash. Only when they do, they are added one by one to find who is too many."""
    if len(passed) < 2 or not examine(passed, limit=limit):
        return {}
    accepted: list[PluginSource] = []
    reasons = {}
    for source in passed:
        if reason := examine([*accepted, source], limit=limit):
            names = ", ".join(each.name for each in accepted)
            reasons[source.name] = f"it does not go together with {names}: {reason}"
        else:
            accepted.append(source)
    return reasons


def examine(sources: Sequence[PluginSource], *, limit: float) -> str:
    """Why these plugins, all in one process, cannot be used; empty when they can."""
    with tempfile.TemporaryDirectory(prefix="preflight-") as directory:
        answer = Path(directory, "answer.json")
        command = [sys.executable, "-m", "portal.plugins.examine", str(answer)]
        process = subprocess.Popen(
            [*command, *(f"{source.distribution}:{source.name}" for source in sources)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            _, said = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return f"it was not ready after {limit:g} s, and was stopped. Something in it waits while it is imported."
        finally:
            _end_all(process)
        if answer.is_file():
            return str(json.loads(answer.read_text(encoding="utf-8"))["reason"])
    last = said.strip().rpartition("\n")[2]
    how = (
        f"by signal {-process.returncode}" if process.returncode < 0 else f"with status {process.returncode}"
    )
    return f"it ended its process {how} while it was examined" + (f" ({last})." if last else ".")


def _end_all(process: subprocess.Popen[str]) -> None:
    """The examined process and all that a plugin started in it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
