"""What the shop sells and where it stands, seeded from `catalogue.json`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from .money import half_up, text
from .store import Store

Json = dict[str, Any]

CATALOGUE = Path(__file__).with_name("catalogue.json")

# The ERP's code of a warehouse: what the shop calls it. Vienna differs, so that somebody must tie the two.
LOCATIONS = {
    "BER": {"id": "loc-1", "code": "BER", "name": "Lager Berlin"},
    "VIE": {"id": "loc-2", "code": "wien-1", "name": "Wien, Filiale 1"},
    "LIN": {"id": "loc-3", "code": "LIN", "name": "Lager Linz"},
}
RATES = {"EUR": Decimal(1), "USD": Decimal("1.10"), "JPY": Decimal(160), "KWD": Decimal("0.335")}

# SKUs that no honest matching may tie to the ERP's by itself, switched on by name.
ODD = {
    "unknown": [("NOT-IN-ERP", "Restposten")],
    "doubled": [("TEA-005", "Earl Grey, Sonderedition")],
    "lookalike": [
        ("tea-001", "Assam, klein geschrieben"),
        ("TEA-002 ", "Assam, mit Leerzeichen"),
        ("ТЕА-003", "Darjeeling, kyrillisch"),
        ("TEA\u2011004", "Darjeeling, anderer Bindestrich"),
    ],
}


def read(path: Path = CATALOGUE) -> list[Json]:
    """The catalogue file: dictionaries with sku, title, price (EUR without tax), tax_rate, stock by warehouse."""
    entries: list[Json] = json.loads(path.read_text(encoding="utf-8"))
    return entries


def seed(store: Store, odd: frozenset[str] = frozenset()) -> None:
    """Bring locations, products and opening stock into a store; what is there already stays as it is.

    Entries whose titles agree up to the first comma are variants of one product. KeyError for an odd
    kind that does not exist.
    """
    with store.transaction():
        for location in LOCATIONS.values():
            if not store.get("location", location["id"]):
                store.save("location", dict(location))
        for entries in _products(read()).values():
            _add(store, entries)
        for kind in sorted(odd):
            for number, (sku, title) in enumerate(ODD[kind]):
                entry = {"sku": sku, "title": title, "price": "9.99", "tax_rate": "7", "stock": {"BER": 5}}
                _add(store, [entry | {"id": f"{kind}-{number}"}])


def list_price(variant: Json, currency: str, *, included: bool) -> str:
    """A variant's price in a currency, with or without its tax."""
    price = Decimal(variant["price"]) * RATES[currency]
    return text(
        half_up(price * (100 + Decimal(variant["tax_rate"])) / 100 if included else price, currency), currency
    )


def _products(entries: list[Json]) -> dict[str, list[Json]]:
    products: dict[str, list[Json]] = {}
    for number, entry in enumerate(entries, start=101):
        products.setdefault(entry["title"].split(",")[0], []).append(entry | {"id": str(number)})
    return products


def _add(store: Store, entries: list[Json]) -> None:
    product_id = "p" + entries[0]["id"]
    if store.get("product", product_id):
        return
    variants = [
        {"id": "v" + entry["id"], "currency": "EUR"}
        | {name: entry[name] for name in ("sku", "title", "price", "tax_rate")}
        for entry in entries
    ]
    store.save(
        "product", {"id": product_id, "title": entries[0]["title"].split(",")[0], "variants": variants}
    )
    for variant, entry in zip(variants, entries, strict=True):
        for warehouse, available in entry["stock"].items():
            location = LOCATIONS[warehouse]
            store.save(
                "stock",
                {
                    "id": f"{variant['id']}:{location['id']}",
                    "variant_id": variant["id"],
                    "sku": variant["sku"],
                    "location_id": location["id"],
                    "location": location["code"],
                    "available": available,
                },
            )
