"""n8n with its default database, SQLite: ``prepare`` imports and publishes its workflow, ``serve`` becomes n8n, and
``go`` rings the webhook that begins a poll."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bench.candidates import workflows

HOME = Path(sys.prefix) / "n8n"
NODE = HOME / "node" / "node_modules" / "node" / "bin" / "node"
_N8N = HOME / "node_modules" / "n8n" / "bin" / "n8n"


def address() -> str:
    """Where this run's n8n listens."""
    return f"http://127.0.0.1:{_port()}"


def _place() -> Path:
    return Path(os.environ["BENCH_DATABASE"]).parent


def _port() -> int:
    return int((_place() / "port").read_text())


def _environment() -> dict[str, str]:
    return os.environ | {
        "PATH": f"{NODE.parent}:{os.environ['PATH']}",
        "N8N_USER_FOLDER": str(_place()),
        "N8N_PORT": str(_port()),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_LOG_LEVEL": "error",
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
        "N8N_DISABLED_MODULES": "community-packages,insights,instance-reporting,mcp-registry",
        "N8N_RUNNERS_BROKER_PORT": str(_port() + 1),
        # The orders have a table of their own: that executions are not kept as well saves it half of the time.
        "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "none",
    }


def prepare() -> None:
    (_place() / "port").write_text(str(_two_free_ports()))
    file = _place() / "workflow.json"
    file.write_text(json.dumps([workflows.workflow(os.environ["BENCH_URL"])]))
    _say("import:workflow", f"--input={file}")
    _say("publish:workflow", f"--id={workflows.NAME}")


def _two_free_ports() -> int:
    """The first of two, below those that the system gives to whoever calls somebody: one of these may be taken between
    now and n8n's start, and n8n then ends without an error."""
    for port in random.sample(range(20000, 30000, 2), 100):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise OSError("Of a hundred pairs of ports none was free.")


def _say(*words: str) -> None:
    subprocess.run([NODE, _N8N, *words], env=_environment(), stdout=subprocess.DEVNULL, check=True)


def serve() -> None:
    os.execve(NODE, ["node", str(_N8N), "start"], _environment())


def go() -> None:
    _wait()
    print("ready", flush=True)
    for _ in sys.stdin:
        _poll()


def _poll() -> None:
    """Raises ``OSError`` when it is not begun: while n8n starts, whatever it is asked is answered somehow."""
    request = urllib.request.Request(f"{address()}/webhook/poll", b"{}", {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        said = answer.read()
    if b"Workflow was started" not in said:
        raise OSError(f"n8n answered {said[:200]!r}")


def _wait() -> None:
    """Until a poll is accepted, which is some time after n8n says that it is ready. Raises ``OSError`` after three
    minutes."""
    for _ in range(1800):
        try:
            _poll()
        except OSError:  # which the answer "not found" is as well
            time.sleep(0.1)
        else:
            return
    raise OSError("n8n did not come up within three minutes.")


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve, "go": go}[sys.argv[1]]()
