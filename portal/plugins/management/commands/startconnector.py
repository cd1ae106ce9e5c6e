"""`manage.py startconnector acme [directory]`: a complete package for a connector, whose tests pass at once."""

from __future__ import annotations

import keyword
import re
from argparse import ArgumentParser
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.plugins import scaffold
from portal.plugins.discovery import PORTAL

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Command(BaseCommand):
    help = "Write a complete package for a new connector: its tests pass at once, and you make it your own."
    # An author may begin while something else is amiss.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the connector's lasting key, such as acme or acme_shop")
        parser.add_argument("directory", nargs="?", help="a new directory; portal-NAME if you name none")

    def handle(self, *args: Any, name: str, directory: str | None, **options: Any) -> str:
        _allow(name)
        chosen = scaffold.words(name, version(PORTAL))
        place = Path(directory or chosen.distribution).resolve()
        try:
            scaffold.write(place, chosen)
        except FileExistsError as error:
            raise CommandError(f"{place} exists already. Name a directory that does not.") from error
        except OSError as error:
            raise CommandError(f"Nothing can be written to {place}: {error.strerror}.") from error
        return (
            f"{place} holds the connector {chosen.title}. Try its tests: cd {place} && python -m pytest\n"
            "Then make it your own, as docs/write-a-connector.md shows."
        )


def _allow(name: str) -> None:
    """Raises ``CommandError`` with the reason why a new connector cannot have this name."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CommandError(
            f"{name!r} cannot name a connector: it becomes a Python package. "
            "Take lower-case letters and digits, words parted by _, such as acme or acme_shop."
        )
    if any(each.source.name == name for each in settings.PLUGINS.decided):
        raise CommandError(f"A plugin {name} is installed already. Take another name.")
    if find_spec(f"portal_{name}"):
        raise CommandError(f"Another package is already called portal_{name}. Take another name.")
