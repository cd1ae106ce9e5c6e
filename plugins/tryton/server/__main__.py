"""``python -m plugins.tryton.server install | prepare CATALOGUE | start DIRECTORY [CATALOGUE]``"""
# ruff: noqa: T201 - a command talks to its terminal

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from . import ServerError, TrytonServer, install


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m plugins.tryton.server", description="Run a real Tryton.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install Tryton's requirements into its own environment")
    command = commands.add_parser("prepare", help="build the seeded database for a catalogue (JSON)")
    command.add_argument("catalogue", type=Path)
    command = commands.add_parser("start", help="serve the database in a directory until Ctrl-C")
    command.add_argument("directory", type=Path)
    command.add_argument(
        "catalogue", type=Path, nargs="?", help="build the database from this if there is none"
    )
    command.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        if arguments.command == "install":
            print(install())
        elif arguments.command == "prepare":
            print(TrytonServer.prepare(arguments.catalogue))
        else:
            _serve(arguments.directory, arguments.catalogue, arguments.port)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(directory: Path, catalogue: Path | None, port: int) -> None:
    install()
    prepared = TrytonServer.prepare(catalogue) if catalogue else None
    with TrytonServer.start(directory, prepared, port) as server:
        print(
            f"{server.url} database {server.database} user {server.user}; sign-in data in {directory}/access.json"
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    sys.exit(main())
