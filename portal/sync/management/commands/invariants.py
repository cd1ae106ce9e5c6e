from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.sync.invariants import ask, report


class Command(BaseCommand):
    help = "Asks the database whether our own books contradict themselves. Exit code 1 when a rule is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        verdicts = ask()
        report(verdicts)
        for verdict in verdicts:
            mark = "✓" if not verdict.count else f"✗ {verdict.count}"
            self.stdout.write(f"{mark:8} {verdict.rule.sentence}")
            for example in verdict.examples:
                self.stdout.write(f"           {example}")
        if any(verdict.count for verdict in verdicts):
            raise SystemExit(1)
