"""The portal's own processes as children of the runner."""

import sys
from collections.abc import Iterable

from django.conf import settings

from portal.runner.child import Child

PROCESSES = ("web", "cluster", "pump")


def portal_processes(names: Iterable[str] = PROCESSES) -> list[Child]:
    """The children for the processes named, in the order they start. The pump ends first and the web last, so
    that nothing new is begun while the workers finish."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    web = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi"),
        *("--bind", settings.BIND),
        *("--workers", str(settings.WEB_WORKERS), "--threads", "4"),
        *("--graceful-timeout", "15"),
        # The heartbeat files of gunicorn's workers: on a disk that hangs, a worker would be taken for dead.
        *("--worker-tmp-dir", "/dev/shm"),  # noqa: S108
        "--no-control-socket",
    ]
    commands = {
        "web": Child("web", web, cwd=settings.BASE_DIR),
        "cluster": Child("cluster", [*manage, "qcluster"], cwd=settings.BASE_DIR, drain=30),
        "pump": Child("pump", [*manage, "pump"], cwd=settings.BASE_DIR),
    }
    return [commands[name] for name in PROCESSES if name in set(names)]
