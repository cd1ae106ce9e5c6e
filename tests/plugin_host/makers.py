"""Small distributions as pip would leave them on the path: modules beside a `.dist-info` with its metadata."""

from __future__ import annotations

from textwrap import dedent

CONNECTOR = """
    from portal.sdk import Connector, Settings, hook

    class Acme(Connector):
        key, title, Settings = "{name}", "Acme", Settings

        def check(self):
            return "Acme 1"

        def pull_order(self, cursor):
            return iter(())

    @hook
    def register_connectors():
        return [Acme]
"""

APP = """
    from django.apps import AppConfig

    class Config(AppConfig):
        name = "portal_{name}"
"""

MODEL = """
    from django.db import models

    class Parcel(models.Model):
        number = models.CharField(max_length=20)
"""

FIRST = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        initial = True
        operations = [
            migrations.CreateModel(
                "Parcel",
                [
                    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                    ("number", models.CharField(max_length=20)),
                ],
            )
        ]
"""

SECOND = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("portal_{name}", "0001_initial")]
"""


def distribution(site, name, files=None, *, version="1.0", requires=("erp-portal>=0.1,<0.2",), entry=None):
    """Write the distribution `portal-NAME` with the package `portal_NAME` into the directory `site`.

    `files` are sources by their path in the package; without `__init__.py` it brings a good connector.
    """
    package = site / f"portal_{name}"
    for path, source in {"__init__.py": CONNECTOR, **(files or {})}.items():
        file = package / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source).replace("{name}", name))
    info = site / f"portal_{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: portal-{name.replace('_', '-')}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {line}\n" for line in requires)
    )
    (info / "entry_points.txt").write_text(f"[portal.plugins]\n{entry or name} = portal_{name}\n")


def with_models(files=None):
    """The files of a plugin that is a Django app with one model and its migration."""
    return {
        "apps.py": APP,
        "models.py": MODEL,
        "migrations/__init__.py": "",
        "migrations/0001_initial.py": FIRST,
        **(files or {}),
    }
