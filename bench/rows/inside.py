"""What is measured inside one process of the portal: the comparison of stock, and runs upon a long history.

`python -m bench.rows.inside stock|history SIZE` prints its figures as JSON; the environment is the portal's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

LOCATIONS = 10
PAGE = 1000
ROUNDS = 3


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


def stock(size: int) -> dict[str, Any]:
    """Seconds of a full check of ``size`` levels, from the remote's answers to what its channel is to be told.

    Nothing, a hundredth (``ROUNDS`` times), and all of them changed; a live flow carries them to a channel that showed
    the same. All of a million would take longer than everything else together: a tenth is changed, and the rest
    reckoned.
    """
    from bench.rows.figures import learn
    from portal.connections.models import Connection
    from portal.sync.jobs import ensure_jobs
    from portal.sync.models import Flow, Job
    from portal.sync.tasks import answer

    erp = Connection.objects.get(slug="erp")
    products, places = _shelves(size)
    Flow.objects.create(
        kind="stock", source=erp, target=Connection.objects.get(slug="shop"), state=Flow.State.LIVE
    )
    answers: list[str] = []
    _teach(answers)
    ensure_jobs()
    learn()
    job = Job.objects.get(connection=erp, name="check:stock")

    def seconds(changed: int) -> float:
        answers[:] = _answers(products, places, changed)
        Job.objects.filter(pk=job.pk).update(due_at=job.due_at)
        at = time.perf_counter()
        said = answer(job.pk)
        took = time.perf_counter() - at
        if said.startswith("failed"):
            raise RuntimeError(said)
        return took

    none = seconds(0)
    hundredth = [seconds(number) for number in range(1, ROUNDS + 1)]
    tenth = seconds(ROUNDS + 10)
    return {"size": size, "hundredth": hundredth, "all": none + 10 * (tenth - none)}


def _shelves(size: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Products (id, SKU) and places (id), known to both sides, with five pieces of each in each.

    As texts: a worker has no hundred thousand objects in its memory either, through which Python goes again and again.
    """
    from django.utils import timezone

    from portal.connections.models import Connection, Reference
    from portal.records.models import Location, Product, StockLevel
    from portal.records.rows import insert

    both, now = Connection.objects.filter(slug__in=["erp", "shop"]), timezone.now()
    origin = next(each for each in both if each.slug == "erp")
    common = {"origin": origin, "version": 1, "digest": "", "data": {}, "changed_at": now}
    places = [Location(external_id=f"l{n}", code=f"L{n}", folded=f"l{n}", **common) for n in range(LOCATIONS)]
    products = [
        Product(external_id=f"x{n}", sku=f"X-{n}", folded=f"x{n}", **common) for n in range(size // LOCATIONS)
    ]
    insert(places)
    insert(products)
    for each in both:
        for kind, found in (("location", places), ("product", products)):
            insert(
                Reference(connection=each, kind=kind, external_id=row.external_id, record_id=row.pk)
                for row in found
            )
        for place in places:
            insert(
                StockLevel(
                    connection=each, product=row, location=place, available=Decimal(5), observed_at=now
                )
                for row in products
            )
    return [(row.external_id, row.sku) for row in products], [row.external_id for row in places]


def _teach(answers: list[str]) -> None:
    """Both connectors read stock as their authors would write it, from ``answers`` in the place of HTTP."""
    from bench.portal.connectors import Bed
    from portal.sdk import Page, StockLevel, read_each

    def level(raw: Mapping[str, Any]) -> StockLevel:
        return StockLevel(
            external_id=raw["id"],
            version=raw["version"],
            product_id=raw["product"],
            sku=raw["sku"],
            location_id=raw["location"],
            available=Decimal(raw["available"]),
        )

    def pull_stock(self: Bed, cursor: str | None) -> Iterator[Page[StockLevel]]:  # noqa: ARG001 - the capability
        for text in answers:
            yield read_each(json.loads(text), level)

    Bed.pull_stock = pull_stock  # type: ignore[attr-defined]


def _answers(products: list[tuple[str, str]], places: list[str], changed: int) -> Iterator[str]:
    """A thousand levels each; the first ``changed`` of each hundred show six pieces, the others five as ever."""
    raws = (
        {
            "id": f"{product}@{place}",
            "version": 1,
            "product": product,
            "sku": sku,
            "location": place,
            "available": "6.0" if number % 100 < changed else "5.0",
        }
        for number, ((product, sku), place) in enumerate((p, q) for p in products for q in places)
    )
    while page := list(islice(raws, PAGE)):
        yield json.dumps(page)


if __name__ == "__main__":
    import django

    django.setup()
    from bench.rows.history import history

    print(json.dumps({"stock": stock, "history": history}[sys.argv[1]](int(sys.argv[2]))))
