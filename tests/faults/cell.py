"""One row on one stack, in a process of its own: ``python -m tests.faults.cell ROW STACK SCALE TEMPLATE PLACE``.

The figure is written to ``PLACE.json``, so that whatever a row prints stays apart from it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

import django

from tests.faults.row import Figure, Scale, rows
from tests.faults.stack import fresh


def main() -> None:
    name, stack, scale, template, place = sys.argv[1:]
    try:
        with fresh(stack, Path(template), Path(place)) as own:
            os.environ |= own.env
            importlib.invalidate_caches()
            django.setup()
            figure = rows()[name].measure(own, Scale(short=scale == "short"))
    except BaseException as error:
        traceback.print_exc()
        figure = Figure(f"{type(error).__name__}: {error}"[:300], good=False)
    Path(f"{place}.json").write_text(json.dumps(asdict(figure)))


if __name__ == "__main__":
    main()
