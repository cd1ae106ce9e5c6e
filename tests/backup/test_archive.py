"""The file of a backup, and what is said before anything is touched."""

import io
import os
import sqlite3
import threading
import zipfile
from contextlib import closing

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from portal.backup import archive, manifest, postgres, services, sqlite
from portal.backup.words import CannotBackUp, Damaged

pytestmark = pytest.mark.django_db


@pytest.fixture
def about():
    return manifest.manifest()


@pytest.fixture
def packed(tmp_path, about):
    dump = tmp_path / "dump"
    dump.write_bytes(os.urandom(100_000))
    archive.pack(tmp_path / "a.zip", dump, about)
    return tmp_path / "a.zip"


def spoilt(file, change):
    """The same zip with one member changed: what a careless copy or a curious hand leaves."""
    with zipfile.ZipFile(file) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)


def test_what_was_packed_comes_out_again(packed, tmp_path):
    archive.unpack(packed, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "dump").read_bytes()
    assert archive.read_manifest(packed).size == 100_000


def test_a_changed_database_is_noticed_and_not_left_behind(packed, tmp_path):
    spoilt(packed, lambda members: members.update(database=members["database"][::-1]))
    with pytest.raises(Damaged, match="checksum"):
        archive.unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_file_that_was_cut_off_is_told(packed, keep):
    packed.write_bytes(packed.read_bytes()[:keep])
    with pytest.raises(CommandError, match="not a whole backup"):
        call_command("restore", str(packed), "--check")


def test_a_file_that_is_no_backup_is_told(tmp_path):
    for members in ({}, {"manifest.json": b"{}"}, {"manifest.json": b"nonsense"}):
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as zipped:
            for name, data in members.items():
                zipped.writestr(name, data)
        with pytest.raises(CommandError, match="not a whole backup of the portal"):
            call_command("restore", str(tmp_path / "b.zip"), "--check")


def refit(file, about, **changes):
    text = about.model_copy(update=changes).model_dump_json()
    spoilt(file, lambda members: members.update({"manifest.json": text.encode()}))


def test_a_backup_of_a_newer_portal_is_refused(packed, about):
    newer = {**about.migrations, "sync": [*about.migrations["sync"], "0999_of_tomorrow"]}
    refit(packed, about, migrations=newer, portal="9.9")
    with pytest.raises(CommandError, match=r"portal 9\.9, which is newer.*sync\.0999_of_tomorrow.*Upgrade"):
        call_command("restore", str(packed), "--yes")


def test_a_backup_of_another_kind_of_database_is_refused(packed, about):
    refit(packed, about, engine="oracle")
    with pytest.raises(CommandError, match="is of oracle"):
        call_command("restore", str(packed), "--yes")


def test_other_credential_keys_and_missing_plugins_are_told(packed, about, settings):
    refit(packed, about, plugins={"acme": "1.0"})
    old, settings.CREDENTIAL_KEYS = manifest.fingerprints()[0], [Fernet.generate_key().decode()]
    said = io.StringIO()
    call_command("restore", str(packed), "--check", stdout=said)
    assert f"encrypted with the key {old}" in said.getvalue()
    assert "not installed here, and what needs them waits: acme" in said.getvalue()


def test_a_fingerprint_gives_nothing_of_the_key_away(settings):
    assert not any(part in settings.CREDENTIAL_KEYS[0] for part in manifest.fingerprints())
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    assert len(set(manifest.fingerprints())) == len(settings.CREDENTIAL_KEYS)


def test_nobody_to_ask_is_a_no(packed):
    with pytest.raises(CommandError, match="add --yes"):
        call_command("restore", str(packed))


@pytest.mark.parametrize("words", [[], ["a.zip", "--undo"]])
def test_restore_wants_one_thing(words):
    with pytest.raises(CommandError, match="Name the backup to restore, or say --undo"):
        call_command("restore", *words)


def test_a_missing_tool_is_told_with_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres.Path, "glob", lambda *_: [])
    with pytest.raises(CannotBackUp, match="apt install postgresql-client"):
        postgres._find("pg_dump", CannotBackUp)


def test_only_the_newest_backups_are_kept(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    services.backups().mkdir()
    for day in range(1, 6):
        (services.backups() / f"portal-2026010{day}-000000-0.zip").touch()
    (services.backups() / "mine.zip").touch()
    services.prune(2)
    left = sorted(file.name for file in services.backups().iterdir())
    assert left == ["mine.zip", "portal-20260104-000000-0.zip", "portal-20260105-000000-0.zip"]


# -- SQLite's file --


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "busy.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE pair (a INTEGER, b INTEGER)")
        db.execute("INSERT INTO pair VALUES (0, 0)")
        db.commit()
    return path


def test_a_copy_made_while_others_write_is_of_one_moment(database, tmp_path):
    stop = threading.Event()

    def write():
        with closing(sqlite3.connect(database, timeout=20)) as db:
            number = 0
            while not stop.is_set():
                number += 1
                db.execute("UPDATE pair SET a = ?", [number])
                db.execute("UPDATE pair SET b = ?", [number])
                db.execute("INSERT INTO pair VALUES (?, ?)", [number, number])
                db.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for each in range(5):
            sqlite.dump(database, tmp_path / f"copy{each}")
    finally:
        stop.set()
        writer.join()
    for each in range(5):
        with closing(sqlite3.connect(tmp_path / f"copy{each}")) as db:
            assert db.execute("SELECT count(*) FROM pair WHERE a <> b").fetchone() == (0,)


def test_a_damaged_database_gives_way(database, tmp_path):
    sqlite.dump(database, tmp_path / "copy")
    database.write_bytes(b"not a database any more" * 1000)
    sqlite.exchange(database, tmp_path / "copy")
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT * FROM pair").fetchall() == [(0, 0)]


def test_what_is_restored_belongs_to_whom_the_old_one_did(database, tmp_path):
    sqlite.dump(database, tmp_path / "copy")
    database.chmod(0o640)
    sqlite.exchange(database, tmp_path / "copy")
    assert database.stat().st_mode & 0o777 == 0o640


def test_the_log_that_a_damaged_database_leaves_never_meets_the_new_one(database, tmp_path, monkeypatch):
    sqlite.dump(database, tmp_path / "copy")
    monkeypatch.setattr(sqlite, "_alone", lambda _: None)
    database.with_name("busy.sqlite3-wal").write_bytes(b"left over")
    kept = sqlite.exchange(database, tmp_path / "copy")
    left = {path.name for path in tmp_path.glob("busy*")}
    assert "busy.sqlite3-wal" not in left
    assert {"busy.sqlite3", kept, f"{kept}-wal"} <= left


def test_a_damaged_copy_never_takes_the_place_of_a_database(database, tmp_path):
    sqlite.dump(database, tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "copy").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(Damaged):
        sqlite.exchange(database, tmp_path / "copy")
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT * FROM pair").fetchall() == [(0, 0)]
