"""The file of a backup: a zip with the dump and its manifest. Whole or not there, readable by its owner only."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from pydantic import ValidationError

from portal.backup.manifest import Manifest
from portal.backup.words import Damaged

MANIFEST, DUMP = "manifest.json", "database"
T = TypeVar("T")
CHUNK = 1024 * 1024


def pack(file: Path, dump: Path, manifest: Manifest) -> Manifest:
    """Write ``file`` from a dump. Returns the manifest with the dump's size and checksum."""
    digest, size = hashlib.sha256(), 0
    draft = file.with_name(f".{file.name}.part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            with dump.open("rb") as source, zipped.open(DUMP, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
            manifest = manifest.model_copy(update={"sha256": digest.hexdigest(), "size": size})
            zipped.writestr(MANIFEST, manifest.model_dump_json(indent=2))
        _to_disk(draft)
        draft.replace(file)
        _to_disk(file.parent)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """Raises ``Damaged``, or ``FileNotFoundError``."""
    return _read(file, lambda zipped: Manifest.model_validate_json(zipped.read(MANIFEST)))


def unpack(file: Path, target: Path) -> None:
    """Write the dump to ``target``, and to the disk. Raises ``Damaged`` when it is not what was packed."""
    manifest = read_manifest(file)

    def copy(zipped: zipfile.ZipFile) -> str:
        with zipped.open(DUMP) as source, target.open("wb") as out:
            target.chmod(0o600)
            return _copy(source, out)

    if _read(file, copy) != manifest.sha256:
        target.unlink()
        raise Damaged(f"{file} is damaged: its database is not the one that was backed up (checksum).")
    _to_disk(target)


def _read(file: Path, read: Callable[[zipfile.ZipFile], T]) -> T:
    try:
        with zipfile.ZipFile(file) as zipped:
            return read(zipped)
    except (zipfile.BadZipFile, KeyError, ValidationError, EOFError) as error:
        raise Damaged(f"{file} is not a whole backup of the portal: {str(error).splitlines()[0]}") from error


def _copy(source: IO[bytes], out: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
