from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.sync import mark, quarantine
from portal.sync.models import Quarantine


class Command(BaseCommand):
    help = (
        "Says how far the quarantine after a restore is; begins one by hand, as after a lost second of a failover, "
        "which nothing notices by itself; or ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--begin", metavar="WHY", help="look up everything before it is sent, from now on")
        which.add_argument(
            "--end", metavar="WHY", help="wait for no source any more; what is in doubt is looked up"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["begin"]:
            quarantine.begin(options["begin"][:300], remembered=None, known=None)
            mark.grow()
        if options["end"] is not None:
            try:
                quarantine.end(None, options["end"])
            except ValueError as error:
                raise CommandError(str(error)) from error
        last = Quarantine.objects.first()
        if last is None or not last.open:
            ended = f" The last one ended {last.ended_at:%Y-%m-%d %H:%M} UTC: {last.reason}" if last else ""
            self.stdout.write(f"There is no quarantine.{ended}")
            return
        told = quarantine.progress(last)
        self.stdout.write(f"Quarantine since {last.began_at:%Y-%m-%d %H:%M:%S} UTC: {last.how}.")
        self.stdout.write(f"  {told.read} of {told.reads} sources read again")
        if told.unread:
            self.stdout.write(f"  waiting for {', '.join(told.unread)}")
        self.stdout.write(
            f"  {told.to_look_up:,} operations to look up, {told.found:,} found to be done already"
        )
        self.stdout.write(f"  {told.for_people:,} operations for a person")
