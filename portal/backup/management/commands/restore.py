from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.backup.archive import read_manifest
from portal.backup.manifest import Manifest, obstacles, warnings
from portal.backup.services import restore, undo
from portal.backup.words import CannotRestore, Damaged

AFTER = (
    "Start the portal again. It is in quarantine: sources are read again, and nothing is sent before its remote was "
    "asked whether it has it. A banner tells how far that is. What people did since the backup (ties, cases, "
    "settings) has to be done again."
)


class Command(BaseCommand):
    help = (
        "Puts a backup in the place of the database, keeps the old one aside, and begins the quarantine in which "
        "nothing is sent before it was looked up. Stop the portal first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="a file that `./run manage backup` made")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--check", action="store_true", help="only say what is in it, and whether it can be"
        )
        parser.add_argument("--undo", action="store_true", help="put back what the last restore kept aside")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        if bool(file) is options["undo"]:
            raise CommandError("Name the backup to restore, or say --undo.")
        try:
            if file is None:
                self._ask(options, "Put back the database that the last restore kept aside?")
                kept = undo()
            else:
                self._tell(about := read_manifest(file))
                if options["check"]:
                    return
                self._ask(
                    options, f"Put this in the place of the database, {about.made_at:%Y-%m-%d %H:%M} UTC?"
                )
                kept = restore(file)
        except (CannotRestore, Damaged, OSError) as error:
            raise CommandError(f"Nothing was restored. {error}") from error
        if kept:
            self.stdout.write(
                f"What was there is kept as {kept}; `./run manage restore --undo` puts it back."
            )
        self.stdout.write(AFTER)

    def _tell(self, about: Manifest) -> None:
        held = ", ".join(f"{name} {number:,}" for name, number in about.rows.items())
        self.stdout.write(
            f"A backup of {about.made_at:%Y-%m-%d %H:%M:%S} UTC, portal {about.portal} on {about.engine}: {held}."
        )
        for warning in warnings(about):
            self.stdout.write(self.style.WARNING(warning))
        if said := obstacles(about):
            raise CannotRestore(" ".join(said))

    def _ask(self, options: dict[str, Any], question: str) -> None:
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to be asked: add --yes.")
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was restored.")
