"""What is measured inside one process of the portal: the comparison of stock, and runs upon a long history.

`python -m bench.rows.inside stock|history SIZE` prints its figures as JSON; the environment is the portal's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

LOCATIONS = 10
PAGE = 1000


def measure(stage: Any, what: str, candidate: Any, size: int) -> dict[str, Any]:
    """The figures, from a process of its own. Raises ``Stalled`` with what it said."""
    from bench.contest import Stalled, running
    from bench.stage import ROOT

    stage.ask("/reset", {"orders": 0})
    command = [sys.executable, "-m", "bench.rows.inside", what, str(size)]
    with running(stage, candidate, idle=True) as its:
        done = subprocess.run(command, cwd=ROOT, env=its.own, capture_output=True, text=True)
    if done.returncode:
        raise Stalled(done.stderr[-1500:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def stock(size: int) -> dict[str, float]:
    """Seconds to compare ``size`` levels as they are read: none, a hundredth, and all of them changed."""
    from django.utils import timezone

    from portal.connections.models import Connection, Reference
    from portal.records.models import Location, Product, StockLevel
    from portal.records.rows import insert
    from portal.sync.levels import store_levels

    shop, now = Connection.objects.get(slug="shop"), timezone.now()
    common = {"origin": shop, "version": 1, "digest": "", "data": {}, "changed_at": now}
    places = [Location(external_id=f"l{n}", code=f"L{n}", folded=f"l{n}", **common) for n in range(LOCATIONS)]
    products = [
        Product(external_id=f"x{n}", sku=f"X-{n}", folded=f"x{n}", **common) for n in range(size // LOCATIONS)
    ]
    for kind, found in (("location", places), ("product", products)):
        insert(found)
        insert(
            Reference(connection=shop, kind=kind, external_id=row.external_id, record_id=row.pk)
            for row in found
        )
    for place in places:
        insert(
            StockLevel(connection=shop, product=each, location=place, available=Decimal(5), observed_at=now)
            for each in products
        )
    spent = {"size": float(size)}
    for name, every, pieces in (("none", 0, 5), ("hundredth", 100, 6), ("all", 1, 7)):
        ours = 0.0
        for page in _pages(products, places, every, pieces):
            at = time.perf_counter()
            store_levels(shop, page, began=timezone.now())
            ours += time.perf_counter() - at
        spent[name] = ours
    return spent


def _pages(products: list[Any], places: list[Any], every: int, pieces: int) -> Iterator[list[Any]]:
    """As a connector yields them; each ``every``-th level shows other ``pieces`` than five."""
    from portal.sdk import Found, StockLevel

    page: list[Any] = []
    for number, (product, place) in enumerate((p, q) for p in products for q in places):
        changed = every and number % every == 0
        record = StockLevel(
            external_id=f"{product.external_id}@{place.external_id}",
            version=1,
            product_id=product.external_id,
            sku=product.sku,
            location_id=place.external_id,
            available=Decimal(pieces if changed else 5),
        )
        page.append(Found(record))
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


if __name__ == "__main__":
    import django

    django.setup()
    from bench.rows.history import history

    print(json.dumps({"stock": stock, "history": history}[sys.argv[1]](int(sys.argv[2]))))
