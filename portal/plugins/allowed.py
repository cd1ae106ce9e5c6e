"""The list of plugins that an operator allows: by name, version and a hash of the installed files.

A line of the file is `NAME VERSION sha256:HASH`; empty lines and those that begin with `#` do not count. The hash is
that of the distribution's files as they lie on the disk: of every file that its RECORD names and of every other
file in its packages, sorted by path, the line `PATH`, a NUL, the file's own sha256 in hex, a newline. Left out are
compiled files (`*.pyc`), what pip notes about the installation (RECORD, INSTALLER, REQUESTED, direct_url.json),
and scripts outside the packages' directory, as these differ from machine to machine.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

from portal.plugins.discovery import PluginSource

NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
HEAD = (
    "# The plugins that this portal may import. Written by ./run manage plugins lock; see docs/plugins.md.\n"
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of the list."""

    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class AllowList:
    """The whole list; ``fault`` says why the file cannot be used, in which case it allows nothing."""

    path: Path
    plugins: Mapping[str, Allowed]
    fault: str = ""

    def why_not(self, source: PluginSource) -> str:
        """Why this plugin may not be imported; empty when it may."""
        if self.fault:
            return self.fault
        lock = f"If you trust it, allow it: ./run manage plugins lock {source.name}"
        allowed = self.plugins.get(source.name)
        if allowed is None:
            return f"the list of allowed plugins ({self.path}) does not name it. {lock}"
        if allowed.version != source.version:
            return f"the list of allowed plugins ({self.path}) names version {allowed.version} of it. {lock}"
        try:
            found = fingerprint(source)
        except CannotBeHashed as error:
            return str(error)
        if found != allowed.hash:
            return f"its files are not those that {self.path} allows. Install it again from where you trust it. {lock}"
        return ""


class CannotBeHashed(ValueError):
    """The installed files of a distribution are not known. The message is a sentence for the operator."""


def read(path: str) -> AllowList | None:
    """The list in that file; None where no file is wanted."""
    if not path:
        return None
    file = Path(path)
    try:
        return AllowList(file, dict(_lines(file.read_text(encoding="utf-8"))))
    except OSError as error:
        why = f"PORTAL_PLUGINS_ALLOWED names {path}, which cannot be read ({error.strerror})."
    except ValueError as error:
        why = f"PORTAL_PLUGINS_ALLOWED names {path}, which has a line that is not NAME VERSION sha256:HASH: {error}"
    return AllowList(file, {}, f"{why} Write it with ./run manage plugins lock.")


def write(path: Path, allowed: Mapping[str, Allowed]) -> None:
    """Whoever reads meanwhile sees the old file or the new one, whole."""
    lines = [f"{name} {each.version} {each.hash}\n" for name, each in sorted(allowed.items())]
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(HEAD + "".join(lines), encoding="utf-8")
    draft.replace(path)


def locked(sources: Iterable[PluginSource]) -> dict[str, Allowed]:
    """What allows these plugins as they are installed now. Raises ``CannotBeHashed``."""
    return {source.name: Allowed(source.version, fingerprint(source)) for source in sources}


def fingerprint(source: PluginSource) -> str:
    """The hash of the plugin's installed files, as the list has it. Raises ``CannotBeHashed``."""
    dist = source.entry_point.dist
    record = dist.read_text("RECORD") if dist else None
    if dist is None or not record:
        raise CannotBeHashed(
            f"nobody has noted which files belong to {source.distribution} (it has no RECORD), so that they cannot be "
            "compared with a list. Install it with pip."
        )
    if _editable(dist):
        raise CannotBeHashed(
            f"{source.distribution} is installed as editable, so that its files may change at any time. "
            "Install it without --editable."
        )
    root = Path(str(dist.locate_file("")))
    digest = hashlib.sha256()
    for path in sorted({str(path) for path in _files(root, record)}):
        try:
            content = (root / path).read_bytes()
        except OSError as error:
            raise CannotBeHashed(
                f"the file {path} of {source.distribution} cannot be read ({error.strerror}). Install it again."
            ) from error
        digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _editable(dist: Distribution) -> bool:
    said = json.loads(dist.read_text("direct_url.json") or "{}")
    return bool(said.get("dir_info", {}).get("editable"))


def _files(root: Path, record: str) -> Iterator[PurePosixPath]:
    """The files that RECORD names, and the others that lie in its packages."""
    homes = set()
    for row in csv.reader(record.splitlines()):
        path = PurePosixPath(row[0]) if row else PurePosixPath("..")
        home = path.parts[0]
        if home == ".." or path.is_absolute():
            continue
        noted = home.endswith(".dist-info") and path.name in NOTES
        if path.suffix != ".pyc" and not noted:
            yield path
        if len(path.parts) > 1 and not home.endswith((".dist-info", ".data")):
            homes.add(home)
    for home in homes:
        for found in (root / home).rglob("*"):
            if found.is_file() and found.suffix != ".pyc":
                yield PurePosixPath(found.relative_to(root).as_posix())


def _lines(text: str) -> Iterator[tuple[str, Allowed]]:
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3 or not words[2].startswith("sha256:"):
            raise ValueError(line)
        yield words[0], Allowed(words[1], words[2])
