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
MANY = 1000
"""Small records that are read at once."""


def level(raw: Mapping[str, Any], *, version: int) -> StockLevel:
    return StockLevel(
        external_id=f"{raw['product']:d}@{raw['warehouse']:d}",
        version=version,
        product_id=raw["product"],
        sku=raw["code"] or "",
        location_id=raw["warehouse"],
        available=Decimal(raw["quantity"]) - Decimal(raw["promised"]),
    )


def pull_stock(client: Client, cursor: str | None) -> Iterator[Page[StockLevel]]:
    """Every level without a cursor, else those whose moves or sales changed since."""
    walk = Walk.begin(cursor, client)
    read = partial(level, version=version_of(walk.started))
    warehouses = [raw["id"] for raw in client.search("stock.location", [["type", "=", "warehouse"]], ["id"])]
    changed = sorted(_changed(client, walk)) if walk.since else None
    while True:
        if changed is None:
            found = client.search("product.product", [*GOODS, ["id", ">", walk.after]], ["id"], limit=PAGE)
            products = [raw["id"] for raw in found]
        else:
            products = [product for product in changed if product > walk.after][:PAGE]
        last = len(products) < PAGE
        walk = walk if last else walk.at(products[-1])
        levels = _levels(client, products, warehouses) if products else []
        yield read_each(levels, read, cursor=walk.finished() if last else str(walk))
        if last:
            return


def _changed(client: Client, walk: Walk) -> set[int]:
    """Goods whose stock may differ since. A move taken back is deleted and leaves no trace but its line."""
    goods = [[f"product.{field}", *rest] for field, *rest in GOODS]
    products: set[int] = set()
    for model in ("stock.move", "sale.line"):
        domain = [*goods, *walk.changed("last_modified_at")]
        products |= {raw["product"] for raw in _all(client, model, domain, ["product"])}
    return products


def _all(client: Client, model: str, domain: Domain, fields: Sequence[str]) -> Iterator[Json]:
    after = 0
    while found := client.search(model, [*domain, ["id", ">", after]], fields, limit=MANY):
        yield from found
        if len(found) < MANY:
            return
        after = found[-1]["id"]


def _levels(client: Client, products: Sequence[int], warehouses: Sequence[int]) -> list[Json]:
    domain = [["id", "in", list(products)]]
    promised = _promised(client, products)
    levels = []
    for warehouse in warehouses:
        context = {"locations": [warehouse], "with_childs": True}
        found = client.search("product.product", domain, ["code", "quantity"], context=context)
        levels += [
            raw
            | {
                "id": f"{product}@{warehouse}",
                "product": product,
                "warehouse": warehouse,
                "promised": str(promised.get((product, warehouse), 0)),
            }
            for raw in found
            for product in [raw.get("id")]
        ]
    return levels


def _promised(client: Client, products: Sequence[int]) -> Mapping[tuple[int | None, int], Decimal]:
    """Open moves out of each warehouse to customers, in the products' own units.

    Tryton's forecast would count receipts and returns that nobody has seen yet as well.
    """
    domain = [
        ["product", "in", list(products)],
        ["state", "in", ["staging", "draft", "assigned"]],
        ["to_location.type", "=", "customer"],
    ]
    promised: dict[tuple[int | None, int], Decimal] = defaultdict(Decimal)
    for raw in _all(
        client, "stock.move", domain, ["product", "internal_quantity", "from_location.warehouse"]
    ):
        promised[raw["product"], raw["from_location"]["warehouse"]] += Decimal(raw["internal_quantity"])
    return promised
