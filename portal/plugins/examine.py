"""One examination, in a process of its own: `python -m portal.plugins.examine ANSWER DISTRIBUTION:NAME …`

Starts Django with the portal and the plugins named, on an empty database in memory, and writes
`{"reason": "…"}` to the file ANSWER; the reason is empty when nothing is wrong. Without an answer the process
was ended by a plugin.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from portal.plugins.discovery import PluginSource, installed
from portal.plugins.words import in_words

MOST = 5
"""Faults that are told; the author has the others after mending these."""


def main(answer: str, *wanted: str) -> None:
    sources = [source for source in installed() if f"{source.distribution}:{source.name}" in wanted]
    Path(answer).write_text(json.dumps({"reason": examine(sources)}), encoding="utf-8")


def examine(sources: Sequence[PluginSource]) -> str:
    """Why these plugins cannot be used; empty when they can. Can be called once in a process."""
    step = "while it was imported as a Django app"
    try:
        start(sources)
        step = "in Django's checks"
        found = _checked(sources)
        step = "while its migrations were read"
        found += _migrated(sources)
        step = "while its hooks were asked"
        found += _asked(sources)
    except BaseException as error:
        return f"it failed {step} ({in_words(error)})."
    more = [f"and {len(found) - MOST} more faults."] if len(found) > MOST else []
    return " ".join([*found[:MOST], *more])


def start(sources: Sequence[PluginSource]) -> None:
    """Django with the portal and these plugins, admitted or not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings

    from portal.plugins.admission import django_apps

    settings.INSTALLED_APPS = [*settings.ROOMS, *django_apps(sources)]
    # Foreign code that has not shown yet what it does stays away from the portal's data.
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    django.setup(set_prefix=False)


def labels(sources: Sequence[PluginSource]) -> list[str]:
    """The labels of those that are Django apps, once Django is started."""
    from django.apps import apps

    modules = {source.module for source in sources}
    return [config.label for config in apps.get_app_configs() if config.name in modules]


def _checked(sources: Sequence[PluginSource]) -> list[str]:
    """Errors of Django's system checks. Those of the portal itself are about the deployment."""
    from django.apps import apps
    from django.core.checks import run_checks

    configs = [apps.get_app_config(label) for label in labels(sources)]
    found = run_checks(app_configs=configs) if configs else []
    return [
        f"Django's check {message.id} says about {message.obj or 'it'}: {message.msg}"
        for message in found
        if message.is_serious() and not str(message.id).startswith("portal.")
    ]


def _migrated(sources: Sequence[PluginSource]) -> Iterator[str]:
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    ours = labels(sources)
    if not ours:
        return
    loader = MigrationLoader(None)
    conflicts = loader.detect_conflicts()
    for label, names in conflicts.items():
        yield (
            f"Its migrations {', '.join(sorted(names))} of the app {label} both claim to be the last. "
            "Its author has to merge them."
        )
    if conflicts:
        return
    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(
        loader.graph
    )
    for label in ours:
        config = apps.get_app_config(label)
        if label in changes or (label in loader.unmigrated_apps and list(config.get_models())):
            name = next(source.name for source in sources if source.module == config.name)
            yield (
                f"Its app {label} has models that no migration makes. "
                f"Its author has to run ./run manage plugins makemigrations {name}."
            )


def _asked(sources: Sequence[PluginSource]) -> list[str]:
    """What the manager finds when it loads the plugins beside the bundled ones, and what their connectors lack."""
    from portal.plugins.connectors import faults
    from portal.plugins.manager import PluginManager

    names = [source.name for source in sources]
    bundled = [source for source in installed() if source.bundled and source.name not in names]
    manager = PluginManager([*bundled, *sources])
    failed = [failure.reason for failure in manager.failures if failure.plugin in names]
    classes = chain.from_iterable(manager.brings(name).connectors for name in names)
    return failed + list(chain.from_iterable(faults(cls) for cls in classes))


if __name__ == "__main__":
    main(*sys.argv[1:])
