"""Tryton's own Python environment: it never shares one with the portal."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "requirements" / "tryton.txt"
ENVIRONMENT = ROOT / ".venv-tryton"
CACHE = ROOT / ".cache" / "tryton"

Say = Callable[[str], None]


class ServerError(Exception):
    """The Tryton server could not be installed, built or started; the sentence says why."""


def interpreter() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@contextlib.contextmanager
def alone(work: str) -> Iterator[None]:
    """Wait until no other process on this machine does the same work."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{work}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(say: Say = print) -> Path:
    """Make sure that the environment holds exactly the locked requirements, and return its Python.

    Uses uv where it is found, else venv and pip; both check the hashes. Raises ``ServerError``.
    """
    with alone("install"):
        return _installed(say)


def _installed(say: Say) -> Path:
    stamp = ENVIRONMENT / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if interpreter().exists() and stamp.exists() and stamp.read_text() == wanted:
        return interpreter()
    say(f"Tryton: installing its requirements into {ENVIRONMENT.name} (a minute without a cache)")
    if uv := shutil.which("uv"):
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)])
        run(
            [
                uv,
                "pip",
                "sync",
                "--quiet",
                "--python",
                str(interpreter()),
                "--require-hashes",
                str(REQUIREMENTS),
            ]
        )
    else:
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
        run([str(interpreter()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--require-hashes", "-r", str(REQUIREMENTS)])  # fmt: skip
    stamp.write_text(wanted)
    return interpreter()


def run(command: list[str], say: Say | None = None, **environment: str) -> None:
    """Run a command to its end, passing each line it prints to ``say``. Raises ``ServerError``."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=inherited | {"PYTHONUTF8": "1"} | environment,
    ) as process:
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            output.append(line.rstrip())
            if say:
                say(f"Tryton: {line.rstrip()}")
    if process.returncode:
        tail = "\n".join(output[-15:])
        raise ServerError(f"“{Path(command[0]).name} {' '.join(command[1:4])} …” failed:\n{tail}")
