"""Products and warehouses, from Tryton's words into records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from portal.sdk import Location, Money, Page, Product, version_of

from .client import Client
from .directory import Directory
from .walk import Walk, moment, pages

PRODUCT_FIELDS = (
    "code",
    "rec_name",
    "active",
    "list_price_used",
    "last_modified_at",
    "template.name",
    "template.last_modified_at",
)


def location(raw: Mapping[str, Any]) -> Location:
    return Location(
        external_id=raw["id"],
        version=version_of(moment(raw["last_modified_at"])),
        code=raw["code"] or raw["name"],
        name=raw["name"],
    )


def product(raw: Mapping[str, Any], *, currency: str) -> Product:
    changed = max(moment(raw["last_modified_at"]), moment(raw["template"]["last_modified_at"]))
    price = raw["list_price_used"]
    return Product(
        external_id=raw["id"],
        version=version_of(changed),
        sku=raw["code"] or "",
        title=raw["template"]["name"],
        price=None if price is None else Money(Decimal(price), currency),
        active=raw["active"],
    )


def pull_location(client: Client, cursor: str | None) -> Iterator[Page[Location]]:
    walk = Walk.begin(cursor, client)
    domain = [["type", "=", "warehouse"], *walk.changed("last_modified_at")]
    yield from pages(client, walk, "stock.location", domain, ["code", "name", "last_modified_at"], location)


def pull_product(client: Client, directory: Directory, cursor: str | None) -> Iterator[Page[Product]]:
    """Everything that can be sold, also what is no longer active."""
    walk = Walk.begin(cursor, client)
    domain = [
        ["salable", "=", True],
        ["active", "in", [True, False]],
        ["id", "not in", [directory.shipping, directory.refund, directory.rounding]],
        *walk.changed("last_modified_at", "template.last_modified_at"),
    ]
    company = directory.company
    read = partial(product, currency=company["currency"]["code"])
    context = {"company": company["id"]}
    yield from pages(client, walk, "product.product", domain, PRODUCT_FIELDS, read, context=context)
