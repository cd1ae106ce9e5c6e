"""`manage.py serve`: the portal's processes on a company's server, all of them or the ones named."""

import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from portal.runner import Runner
from portal.runner.address import obstacle
from portal.runner.plugins import examine_new_plugins
from portal.runner.processes import PROCESSES, portal_processes


class Command(BaseCommand):
    help = (
        "Run the portal until it is told to stop: web (pages and webhooks), cluster (the workers) and pump "
        "(which wakes the workers up). Name some of them to run only those on this host."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("process", nargs="*", help=f"of {', '.join(PROCESSES)}; all of them unless named")

    def handle(self, *args: Any, process: list[str], **options: Any) -> None:
        if unknown := set(process) - set(PROCESSES):
            raise CommandError(f"There is no process {', '.join(unknown)}. There are {', '.join(PROCESSES)}.")
        examine_new_plugins()
        _refuse_an_old_database()
        children = portal_processes(process or PROCESSES)
        serves = any(child.name == "web" for child in children)
        if serves and (said := obstacle(settings.BIND)):
            raise CommandError(said)
        if settings.PRODUCTION and serves:
            call_command("collectstatic", interactive=False, verbosity=0)
        # What systemd and a closed terminal say means what Ctrl-C means.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        self.stdout.write(
            f"The portal starts: {', '.join(child.name for child in children)}. Ctrl-C stops it."
        )
        try:
            with Runner(children):
                while True:
                    time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            self.stdout.write("The portal has stopped.")


def _refuse_an_old_database() -> None:
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    except OperationalError as error:
        raise CommandError(f"The database of DATABASE_URL does not answer: {error}".strip()) from error
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migration(s) of this version of the portal. Make a backup, run "
            "`./run manage migrate`, then start again."
        )
    connections.close_all()
