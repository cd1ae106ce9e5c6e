"""The orders of the test-bed: 3 kB of JSON each, and the little that its ERP wants to know of one."""

from __future__ import annotations

import json
from typing import Any

SKUS = 1000
LINES = 3
_ID = 7_000_000_001
"""A number that stands in the template wherever an order's own number belongs."""


def _address() -> dict[str, str]:
    return {
        "name": "Marguerite Fontaine-Delacroix",
        "company": "Fontaine & Filles, Ateliers de Reliure",
        "street": "27 bis, rue des Trois-Frères",
        "street2": "Bâtiment C, 3e étage, porte gauche",
        "postcode": "75018",
        "city": "Paris",
        "region": "Île-de-France",
        "country": "FR",
        "phone": "+33 1 42 58 00 00",
    }


def _line(position: int) -> dict[str, Any]:
    return {
        "id": f"line-{_ID}-{position}",
        "sku": f"SKU-@{position}@",
        "title": "Linen-bound notebook, A5, 192 pages, dotted, with a ribbon and a pocket",
        "quantity": "2",
        "unit_price": "12.50",
        "tax": {"name": "TVA 20 %", "rate": "20", "amount": "5.00"},
        "total": "25.00",
        "properties": [
            {"name": "colour", "value": "vert forêt"},
            {"name": "engraving", "value": "Pour Élise, avec toute mon affection"},
        ],
    }


def _order() -> dict[str, Any]:
    return {
        "id": str(_ID),
        "number": f"#{_ID}",
        "version": 1,
        "placed_at": "2026-03-01T12:00:00+00:00",
        "currency": "EUR",
        "location": "main",
        "customer": {
            "id": f"c{_ID}",
            "name": "Marguerite Fontaine-Delacroix",
            "email": "m.fontaine@example.com",
        },
        "billing": _address(),
        "shipping": _address(),
        "lines": [_line(position) for position in range(LINES)],
        "total": "90.00",
        "paid": "90.00",
        "note": "Please leave it with the neighbour on the ground floor if nobody answers. Thank you!",
        "tags": ["web", "newsletter", "second-order", "gift"],
        "utm": {"source": "newsletter", "medium": "e-mail", "campaign": "spring-2026-stationery"},
        "client": {
            "ip": "203.0.113.7",
            "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120",
            "landing": "/collections/notebooks/linen?utm_source=newsletter&utm_campaign=spring-2026",
        },
        "payments": [
            {
                "id": f"pay-{_ID}",
                "gateway": "card",
                "amount": "90.00",
                "authorisation": "9f1c2e7ab05d4c3e8f60",
            }
        ],
        "checkout": "b1946ac92492d2347c6235b4d2611184e3b0c44298fc1c149afbf4c8996fb924",
    }


_TEMPLATE = json.dumps(_order(), ensure_ascii=False).encode()


def raw(number: int) -> bytes:
    """The shop's JSON of order ``number``."""
    body = _TEMPLATE.replace(str(_ID).encode(), str(number).encode())
    for position in range(LINES):
        sku = (number * LINES + position) % SKUS
        body = body.replace(f"@{position}@".encode(), str(sku).encode())
    return body


def sale(order: dict[str, Any]) -> dict[str, Any]:
    """What the ERP wants of an order: the mapping that every candidate does."""
    shipping = order["shipping"]
    return {
        "reference": order["id"],
        "number": order["number"],
        "date": order["placed_at"],
        "currency": order["currency"],
        "party": {"code": order["customer"]["id"], "name": order["customer"]["name"]},
        "address": {
            "street": f"{shipping['street']}\n{shipping['street2']}",
            "city": f"{shipping['postcode']} {shipping['city']}",
            "country": shipping["country"],
        },
        "lines": [
            {
                "product": line["sku"],
                "quantity": line["quantity"],
                "price": line["unit_price"],
                "tax": line["tax"]["amount"],
            }
            for line in order["lines"]
        ],
        "total": order["total"],
    }
