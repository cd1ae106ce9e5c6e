from __future__ import annotations

import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo.check import as_table, compare
from portal.demo.play import Play
from portal.demo.setup import PASSWORD, USER, set_up
from portal.demo.stage import TOKEN, staged
from portal.demo.warehouse import Shift
from portal.runner.address import obstacle
from portal.runner.plugins import examine_new_plugins
from portal.runner.processes import portal_processes
from portal.sync.invariants import ask

MARK, DATABASE = "this-is-a-demo", "portal.sqlite3"


class Command(BaseCommand):
    help = (
        "A shop, a real Tryton server and the portal between them, on this machine. Ctrl-C stops everything."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="let the day pass, compare both sides, and end"
        )
        parser.add_argument("--fresh", action="store_true", help="forget what earlier demos left")
        parser.add_argument("--orders", type=int, default=320, help="how many the shop sells in its day")
        parser.add_argument("--refunds", type=int, default=45)
        parser.add_argument("--parcels", type=int, default=80, help="how many leave Tryton's warehouses")
        parser.add_argument("--seconds", type=float, default=90, help="how long the shop's day lasts")
        parser.add_argument(
            "--faults", type=float, default=0.05, help="share of the shop's calls that go wrong"
        )
        parser.add_argument(
            "--kill", action="store_true", help="kill -9 the workers in the middle of the day"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "The demo keeps to its own data: start it with ./run demo, which sets PORTAL_DEMO=1."
            )
        examine_new_plugins()
        if said := obstacle(settings.BIND):
            raise CommandError(f"{said} The demo wants PORTAL_BASE_URL set along with it.")
        self.began = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        try:
            agreed = self._play(options)
        except KeyboardInterrupt:
            self.say("Stopped.")
            return
        if not agreed:
            raise SystemExit(1)

    def say(self, line: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {line}")
        self.stdout.flush()

    def _play(self, options: dict[str, Any]) -> bool:
        directory = Path(settings.DATA_DIR)
        claim(directory, settings.DATABASES["default"]["NAME"])
        if options["fresh"]:
            forget(directory)
        self.say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        with staged(directory, faults=options["faults"], say=self.say) as stage:
            for child in portal_processes():
                stage.runner.start(replace(child, env={"GUNICORN_CMD_ARGS": "--log-level warning"}))
            set_up(stage)
            self.say(f"The portal is at {settings.BASE_URL}/ (user {USER}, password {PASSWORD}).")
            self.say(
                f"The shop's API is at {stage.shop_url}/ (token {TOKEN}), Tryton's at {stage.tryton.url}/."
            )
            self.say(f"Tryton's key, should you try a wrong one: {directory / 'tryton' / 'access.json'}.")
            play = Play(stage, self.say)
            play.let_catalogue_in()
            stage.start_day(orders=options["orders"], refunds=options["refunds"], seconds=options["seconds"])
            with Shift(stage, directory / "warehouse.done", most=options["parcels"], say=self.say) as shift:
                if options["kill"]:
                    play.kill_cluster_halfway(options["orders"])
                play.watch(shift)
            if not options["check"]:
                self.say("Everything has arrived. Look around; Ctrl-C stops it.")
                while True:
                    time.sleep(3600)
            rows, verdicts = compare(stage), ask()
        self.stdout.write("\n" + as_table(rows))
        broken = [verdict for verdict in verdicts if verdict.count]
        for verdict in broken:
            self.stdout.write(f"✗ not {verdict.rule.sentence}: {'; '.join(verdict.examples)}")
        self.stdout.write(
            f"{len(verdicts) - len(broken)} of {len(verdicts)} rules of the portal's own books hold."
        )
        return not broken and all(row.agrees for row in rows)


def claim(directory: Path, database: object) -> None:
    """Mark the directory as a demo's. Raises ``CommandError`` where a portal lives that no demo made."""
    own = directory / DATABASE
    if Path(str(database)) != own:
        raise CommandError(
            f"The demo keeps to its own database, {own}, and is told to use another. Start it with ./run demo, "
            "which leaves DATABASE_URL and .env aside."
        )
    if own.exists() and not (directory / MARK).exists():
        raise CommandError(
            f"{own} was not made by a demo, so the demo does not touch it. Start it with ./run demo, which "
            "has a directory of its own, or name another with PORTAL_DATA_DIR."
        )
    (directory / MARK).touch()


def forget(directory: Path) -> None:
    """Remove what earlier demos left; the secrets stay."""
    for name in ("shop", "tryton"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for leftover in [*directory.glob(f"{DATABASE}*"), directory / "warehouse.done"]:
        leftover.unlink(missing_ok=True)
