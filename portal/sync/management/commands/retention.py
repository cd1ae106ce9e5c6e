from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.sync.retention import clean_up, forecast


class Command(BaseCommand):
    help = (
        "Removes what is older than the settings PORTAL_KEEP_… say, in small bites beside the running portal. A job "
        "does the same once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        for line in forecast() if dry_run else clean_up():
            kept = f"kept {line.keep.days} days" if line.keep else "kept for ever"
            number = "asked of its plugin" if line.count is None else f"{line.count:,}"
            self.stdout.write(f"{number:>20}  {line.title}, {kept}")
        self.stdout.write("Nothing was removed." if dry_run else "Removed.")
