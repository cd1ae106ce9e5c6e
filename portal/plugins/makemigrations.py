"""Migrations for a plugin that is being written, which is not admitted before it has them.

`python -m portal.plugins.makemigrations NAME` starts Django as an examination does, so no database is touched.
"""

from __future__ import annotations

import sys

from portal.plugins.discovery import installed
from portal.plugins.examine import labels, start


def main(name: str) -> None:
    sources = [source for source in installed() if source.name == name]
    start(sources)
    from django.core.management import call_command

    call_command("makemigrations", *labels(sources))


if __name__ == "__main__":
    main(*sys.argv[1:])
