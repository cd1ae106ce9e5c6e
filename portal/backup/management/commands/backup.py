from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.backup.services import back_up, backups, prune
from portal.backup.words import CannotBackUp, Damaged


class Command(BaseCommand):
    help = (
        "Makes a backup of the database, consistent also while the portal runs, with what is needed to know "
        "whether it can be restored. The secrets of .env are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help=f"default: a new file in {backups()}")
        parser.add_argument(
            "--keep", type=int, help="afterwards keep only so many of those in the usual place"
        )

    def handle(self, *args: Any, file: Path | None, keep: int | None, **options: Any) -> None:
        if keep is not None and keep < 1:
            raise CommandError("--keep takes a number from 1 on: the newest backup always stays.")
        try:
            file, about = back_up(file)
        except (CannotBackUp, Damaged, OSError) as error:
            raise CommandError(f"No backup was made. {error}") from error
        held = ", ".join(f"{name} {number:,}" for name, number in about.rows.items())
        self.stdout.write(
            f"{file}: {file.stat().st_size:,} bytes, portal {about.portal} on {about.engine}; {held}."
        )
        self.stdout.write(
            "Not in it: PORTAL_SECRET_KEY and PORTAL_CREDENTIAL_KEYS. Keep a copy of .env in another place: the "
            f"credentials in this backup can be read with the key {about.keys[0]} only."
        )
        for old in prune(keep) if keep else ():
            self.stdout.write(f"Removed {old}.")
