"""Kinds of things that are known everywhere by a key of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.records.models import Location, Product


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of thing with a natural key."""

    kind: str
    model: type[Any]
    key: str
    word: str


SUBJECTS = {
    "product": Subject("product", Product, "sku", "SKU"),
    "location": Subject("location", Location, "code", "location code"),
}
