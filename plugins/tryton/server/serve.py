"""Serve Tryton until the parent goes away. Runs in Tryton's own environment.

The parent holds the other end of this process' standard input and never writes to it: the end of that
pipe is the one sign of a parent's death that no signal can prevent.
"""

from __future__ import annotations

import os
import sys
import threading

from trytond.cli import main


def leave_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=leave_with_the_parent, daemon=True).start()
sys.exit(main())
