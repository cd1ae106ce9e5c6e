"""A new connector package from the templates in this directory: `write` puts it where the author wants it.

A template is a plain file whose name ends in `.tmpl`; `$name` and the like stand for the words of `Words`.
The directory `package` becomes the Python package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from packaging.version import Version

TEMPLATES = Path(__file__).parent
ENDING = ".tmpl"


@dataclass(frozen=True, slots=True)
class Words:
    """What stands for the placeholders: `acme_shop`, `portal-acme-shop`, `portal_acme_shop`, `AcmeShop`, `Acme Shop`
    and the range of portals, such as `>=0.1,<0.2`."""

    name: str
    distribution: str
    package: str
    class_name: str
    title: str
    range: str


def words(name: str, portal: str) -> Words:
    """The words for the plugin `name`, made for the version `portal`."""
    parts = name.split("_")
    made_for = Version(portal)
    return Words(
        name=name,
        distribution="-".join(["portal", *parts]),
        package=f"portal_{name}",
        class_name="".join(part.capitalize() for part in parts),
        title=" ".join(part.capitalize() for part in parts),
        range=f">={made_for.major}.{made_for.minor},<{made_for.major}.{made_for.minor + 1}",
    )


def files(chosen: Words) -> Iterator[tuple[Path, str]]:
    """The package's files: path within it, and text."""
    for template in sorted(TEMPLATES.rglob(f"*{ENDING}")):
        inside = template.relative_to(TEMPLATES).with_suffix("")
        if inside.parts[0] == "package":
            inside = Path(chosen.package, *inside.parts[1:])
        yield inside, Template(template.read_text("utf-8")).substitute(asdict(chosen))


def write(directory: Path, chosen: Words) -> None:
    """Write the package. Raises ``FileExistsError`` when the directory is there already."""
    directory.mkdir(parents=True)
    for inside, text in files(chosen):
        (directory / inside).parent.mkdir(exist_ok=True)
        (directory / inside).write_text(text, "utf-8")
