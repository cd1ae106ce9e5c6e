"""New plugins, before the portal starts with them."""

import os
import sys

from django.core.management import call_command


def examine_new_plugins() -> None:
    """Those that pass take part from the start: this process begins again, with settings that admit them."""
    if call_command("plugins", "preflight", "--if-changed"):
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the words this process was started with
