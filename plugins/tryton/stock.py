"""What can be sold from each warehouse: on hand there, minus what confirmed sales are still owed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from portal.sdk import Page, StockLevel, read_each, version_of

from .client import Client, Domain, Json
from .walk import PAGE, Walk

GOODS: Domain = [["type", "=", "goods"], ["salable", "=", True]]


def level(raw: Mapping[str, Any], *, version: int) -> StockLevel:
    return StockLevel(
        external_id=f"{raw['product']}@{raw['warehouse']}",
        version=version,
        product_id=str(raw["product"]),
        sku=raw["sku"] or "",
        location_id=str(raw["warehouse"]),
        available=Decimal(raw["on_hand"]) - Decimal(raw["promised"]),
    )


def pull_stock(client: Client, cursor: str | None) -> Iterator[Page[StockLevel]]:
    """Every level without a cursor, else those whose moves or sales changed since."""
    walk = Walk.begin(cursor, client)
    read = partial(level, version=version_of(walk.started))
    warehouses = [raw["id"] for raw in client.search("stock.location", [["type", "=", "warehouse"]], ["id"])]
    changed = sorted(_changed(client, walk)) if walk.since else None
    while True:
        products = _products(client, walk, changed)
        last = len(products) < PAGE
        walk = walk if last else walk.at(products[-1]["id"])
        levels = _levels(client, products, warehouses) if products else []
        yield read_each(levels, read, cursor=walk.finished() if last else str(walk), id_field="id")
        if last:
            return


def _changed(client: Client, walk: Walk) -> set[int]:
    """Products whose stock may differ since. A move taken back is deleted and leaves no trace but its line."""
    products: set[int] = set()
    for model in ("stock.move", "sale.line"):
        after = 0
        while True:
            domain = [*walk.changed("last_modified_at"), ["product", "!=", None], ["id", ">", after]]
            found = client.search(model, domain, ["product"], limit=1000)
            products |= {raw["product"] for raw in found}
            if len(found) < 1000:
                break
            after = found[-1]["id"]
    return products


def _products(client: Client, walk: Walk, changed: Sequence[int] | None) -> list[Json]:
    if changed is None:
        return client.search("product.product", [*GOODS, ["id", ">", walk.after]], ["code"], limit=PAGE)
    ids = [product for product in changed if product > walk.after][:PAGE]
    found = client.search("product.product", [*GOODS, ["id", "in", ids]], ["code"]) if ids else []
    if len(ids) < PAGE:
        return found
    # Services among them were left out, but the page has to count as full for the walk to go on.
    kept = {raw["id"] for raw in found}
    return found + [{"id": product, "code": None} for product in ids if product not in kept]


def _levels(client: Client, products: Sequence[Json], warehouses: Sequence[int]) -> list[Json]:
    ids = [raw["id"] for raw in products]
    promised = _promised(client, ids)
    levels = []
    for warehouse in warehouses:
        context = {"locations": [warehouse], "with_childs": True}
        found = client.search("product.product", [["id", "in", ids]], ["code", "quantity"], context=context)
        levels += [
            {
                "id": f"{raw['id']}@{warehouse}",
                "product": raw["id"],
                "sku": raw["code"],
                "warehouse": warehouse,
                "on_hand": raw["quantity"],
                "promised": str(promised[raw["id"], warehouse]),
            }
            for raw in found
        ]
    return levels


def _promised(client: Client, products: Sequence[int]) -> Mapping[tuple[int, int], Decimal]:
    """Open moves out of each warehouse to customers, in the products' own units.

    Tryton's forecast would count receipts and returns that nobody has seen yet as well.
    """
    domain = [
        ["product", "in", list(products)],
        ["state", "in", ["staging", "draft", "assigned"]],
        ["to_location.type", "=", "customer"],
    ]
    promised: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    after = 0
    while True:
        fields = ["product", "internal_quantity", "from_location.warehouse"]
        found = client.search("stock.move", [*domain, ["id", ">", after]], fields, limit=1000)
        for raw in found:
            promised[raw["product"], raw["from_location"]["warehouse"]] += Decimal(
                str(raw["internal_quantity"])
            )
        if len(found) < 1000:
            return promised
        after = found[-1]["id"]
