"""Build the seeded Tryton database once, and keep it by the hash of all that shaped it."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .environment import CACHE, REQUIREMENTS, Say, alone, install, run

DATABASE = "tryton"
MODULES = ("sale", "sale_amendment", "account_invoice_stock", "stock_package_shipping", "web_shop")
SEED = Path(__file__).with_name("seed.py")

CONFIGURATION = """\
[database]
uri = sqlite://
path = {directory}
[web]
listen = 127.0.0.1:{port}
[product]
# The net price of one piece, computed from a total with tax, must give back that total to the cent.
price_decimal = 8
"""


def configure(directory: Path, port: int) -> Path:
    path = directory / "trytond.conf"
    path.write_text(CONFIGURATION.format(directory=directory, port=port), encoding="utf-8")
    return path


def prepare(catalogue: Path, say: Say = print) -> Path:
    """Return a directory with a seeded database for this catalogue, building it (about 40 s) if needed.

    ``catalogue`` is a JSON file: ``[{"sku", "title", "price", "stock": {"BER": 40}}]``.
    Raises ``ServerError``.
    """
    goods = json.loads(catalogue.read_text(encoding="utf-8"))
    python = install(say)

    def activate(directory: Path) -> None:
        say("Tryton: activating its modules (about 25 s, once)")
        (directory / f"{DATABASE}.sqlite").touch()
        password = directory / "password"
        password.write_text(secrets.token_urlsafe(16) + "\n")
        admin = [str(python), "-m", "trytond.cli.admin", "-c", str(configure(directory, 0)), "-d", DATABASE]
        update = ["-u", *MODULES, "--activate-dependencies", "--email", "admin@example.org"]
        run([*admin, *update], TRYTONPASSFILE=str(password))
        password.unlink()

    def seed(directory: Path) -> None:
        say("Tryton: filling the database (about 12 s, once)")
        shutil.copyfile(activated / f"{DATABASE}.sqlite", directory / f"{DATABASE}.sqlite")
        goods_file, access = directory / "catalogue.json", directory / "access.json"
        goods_file.write_text(json.dumps(goods), encoding="utf-8")
        configuration = configure(directory, 0)
        run([str(python), str(SEED), str(configuration), DATABASE, str(goods_file), str(access)], say)
        goods_file.unlink()

    software = (REQUIREMENTS.read_text(), CONFIGURATION, MODULES)
    with alone("build"):
        activated = _built(software, activate)
        return _built((software, SEED.read_text(), goods), seed)


def _built(shape: object, build: Callable[[Path], None]) -> Path:
    """The finished directory for this shape; ``build`` fills a new one where there is none."""
    finished = CACHE / hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]
    if finished.exists():
        return finished
    building = Path(tempfile.mkdtemp(prefix="building-", dir=CACHE))
    try:
        build(building)
        (building / "trytond.conf").unlink()
        building.rename(finished)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return finished
