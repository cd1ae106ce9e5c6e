"""`manage.py plugins`: which are installed, whether they can be used, switching them, and being rid of one."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from portal.connections.models import Connection
from portal.connections.plugin_switches import switch_for
from portal.plugins import allowed, ratings
from portal.plugins.discovery import installed
from portal.plugins.manager import UnknownConnector
from portal.plugins.overview import Line, as_text, overview
from portal.plugins.preflight import LIMIT, changed, preflight
from portal.plugins.switches import switch, switched_off
from portal.plugins.transforms import transform
from portal.plugins.verdicts import one_at_a_time
from portal.sdk import PortalError
from portal.sync import removal
from portal.sync.notices import retry_parked
from portal.sync.purging import StillNeeded


class Command(BaseCommand):
    help = "Which plugins are installed and what became of them; examine them; switch one on or off."
    # What the checks say about plugins is what this command is there to mend.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all installed plugins with their state and what they bring")
        rated = actions.add_parser("ratings", help="what the connectors are worth on the quality scale")
        rated.add_argument("connector", nargs="?", help="one connector's key: every rule, and what it lacks")
        flight = actions.add_parser("preflight", help="try every plugin that is not the portal's own, now")
        flight.add_argument(
            "--if-changed", action="store_true", help="only when one was never tried; says nothing otherwise"
        )
        flight.add_argument(
            "--limit", type=float, default=LIMIT, help="seconds that a plugin may take (%(default)g)"
        )
        lock = actions.add_parser("lock", help="write the list of allowed plugins as they are installed now")
        lock.add_argument(
            "names", nargs="*", metavar="name", help="only these; the others stay as they are listed"
        )
        for action, words in (("enable", "let it work again"), ("disable", "begin nothing of it any more")):
            switched = actions.add_parser(action, help=words)
            switched.add_argument("name")
            switched.add_argument("--connection", metavar="SLUG", help="only for this connection")
        for action, words in (
            ("makemigrations", "write the migrations of a plugin that you are making"),
            ("retell", "tell it again what it could not be told and was given up"),
        ):
            actions.add_parser(action, help=words).add_argument("name")
        rid = actions.add_parser(
            "remove", help="be rid of a plugin and of what it left; first it only says what that is"
        )
        rid.add_argument("name")
        rid.add_argument("--yes", action="store_true", help="do it, after writing all of it to a file")
        rid.add_argument(
            "--connections", choices=("archive", "purge"), help="what becomes of its connections"
        )
        rid.add_argument("--export", metavar="FILE", help="where to write what goes, as lines of JSON")
        rid.add_argument(
            "--app", default="", metavar="LABEL", help="its Django app, where nobody knows any more"
        )
        trial = actions.add_parser("transform", help="try a transform on a value")
        trial.add_argument("name", help="its whole name, such as acme.upper")
        trial.add_argument("value", help="JSON, such as '\"ab 1\"'")

    def handle(self, *args: Any, action: str, **options: Any) -> str:
        if action == "list":
            return _table(overview())
        if action == "preflight":
            return _preflight(if_changed=options["if_changed"], limit=options["limit"])
        if action == "ratings":
            return _ratings(options["connector"])
        if action == "lock":
            return _lock(options["names"])
        if action == "remove":
            return _remove(**{key: options[key] for key in ("name", "yes", "connections", "export", "app")})
        if action == "transform":
            return _transform(options["name"], options["value"])
        _require(options["name"])
        if action == "makemigrations":
            return _make_migrations(options["name"])
        if action == "retell":
            return f"Notices that are told to {options['name']} again: {retry_parked(options['name'])}."
        return _switch(options["name"], options["connection"], on=action == "enable")


def _preflight(*, if_changed: bool, limit: float) -> str:
    """What was found, a line for each plugin; empty when nothing was to be done."""
    with one_at_a_time(settings.DATA_DIR):
        if if_changed and not changed(settings.PLUGINS):
            return ""
        candidates = settings.PLUGINS.candidates
        verdicts = preflight(candidates, limit=limit)
    wrong = [each.reason for each in settings.PLUGINS.left_out if each.source not in candidates]
    fine = []
    for source in candidates:
        if reason := verdicts[source.name].reason:
            wrong.append(f"{source} is in quarantine: {reason}")
        else:
            fine.append(f"{source} can be used.")
    if settings.STRICT and wrong:
        raise CommandError(
            "\n".join(["With PORTAL_STRICT the portal does not start while a plugin cannot be used.", *wrong])
        )
    return "\n".join([*wrong, *fine]) or "No plugin is installed but the portal's own."


def _ratings(connector: str | None) -> str:
    try:
        return ratings.account(connector) if connector else ratings.table()
    except UnknownConnector as error:
        raise CommandError(str(error)) from error


def _require(name: str) -> None:
    if name not in (names := {line.name for line in overview()}):
        raise CommandError(f"No plugin {name} is installed. There are {', '.join(sorted(names))}.")


def _make_migrations(name: str) -> str:
    """In a process of its own, as the plugin is not admitted in this one."""
    command = [sys.executable, "-m", "portal.plugins.makemigrations", name]
    made = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True)
    if made.returncode:
        raise CommandError(f"No migrations were made for {name}: {made.stderr.strip()}")
    return made.stdout.strip()


def _switch(name: str, slug: str | None, *, on: bool) -> str:
    done = f"The plugin {name} is switched {'on' if on else 'off'}"
    if slug is None:
        switch(name, on=on)
        return f"{done}. This holds at once."
    connection = Connection.objects.filter(slug=slug).first()
    if connection is None:
        slugs = ", ".join(Connection.objects.values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no connection {slug}. There are {slugs}.")
    switch_for(connection, name, on=on)
    return f"{done} for {connection}. This holds at once."


def _lock(names: list[str]) -> str:
    """The list anew, for all that are installed or for some of them."""
    known = settings.PLUGINS_ALLOWED
    if known is None:
        raise CommandError("Say where the list is to be: set PORTAL_PLUGINS_ALLOWED to the path of a file.")
    ours = [source for source in installed() if not source.bundled]
    for name in names:
        if name not in {source.name for source in ours}:
            raise CommandError(f"No plugin {name} is installed that would have to be allowed.")
    chosen = [source for source in ours if not names or source.name in names]
    try:
        new = allowed.locked(chosen)
    except allowed.CannotBeHashed as error:
        raise CommandError(f"Nothing was written: {error}") from error
    kept = known.plugins if names else {}
    allowed.write(known.path, {**kept, **new})
    return "\n".join([*(f"{source} is allowed." for source in chosen), f"Written to {known.path}."])


def _remove(name: str, *, yes: bool, connections: str | None, export: str | None, app: str) -> str:
    if any(source.name == name and source.bundled for source in installed()):
        raise CommandError(
            f"The plugin {name} is the portal's own. Switch it off: ./run manage plugins disable {name}"
        )
    left = removal.remains(name, app)
    if left is None:
        raise CommandError(
            f"Nobody knows of a plugin {name}. Is the name right? If its tables are left, add --app."
        )
    said = [f"Of the plugin {name} there are:", *removal.account(left)]
    if left.connections and connections is None:
        said.append(
            "What shall become of its connections and all that is listed with them? --connections=archive keeps it, "
            "switched off; --connections=purge deletes it, their orders with it."
        )
        if yes:
            raise CommandError("\n".join(said))
    if not yes:
        return "\n".join([*said, "Nothing was done. Add --yes to remove it; keep a backup."])
    path = Path(export) if export else removal.export_path(name)
    try:
        lines = removal.write_export(left, path)
        removal.remove(left, purge=connections == "purge")
    except (OSError, StillNeeded) as error:
        raise CommandError(f"{error} The plugin {name} is switched off.") from error
    last = (
        f"Now uninstall its package and restart: pip uninstall {left.distribution}" if left.installed else ""
    )
    return "\n".join(
        [*said, f"{lines} rows were written to {path}.", f"The plugin {name} is removed.", last]
    ).strip()


def _transform(name: str, value: str) -> str:
    try:
        return json.dumps(transform(name, json.loads(value)), ensure_ascii=False)
    except json.JSONDecodeError as error:
        raise CommandError(f"{value} is not JSON ({error}). Put text into double quotes.") from error
    except PortalError as error:
        raise CommandError(str(error)) from error


def _table(lines: Iterable[Line]) -> str:
    try:
        off = switched_off()
    except DatabaseError:
        off = []  # the list is there to help also before the first migrate
    rows = [("plugin", "version", "distribution", "state", "brings")]
    rows += [
        (
            line.name,
            line.version,
            line.distribution,
            f"{line.state}, switched off" if line.name in off else line.state,
            as_text(line.brings) or "–",
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*table, *(f"\n{reason}" for line in lines for reason in line.reasons)])
