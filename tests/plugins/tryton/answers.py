"""What a real Tryton 8.0 answered, cut down to three of each: its own shape, spelling and ids."""

from decimal import Decimal

from portal.testing import Reply

AT = {"year": 2026, "month": 11, "day": 21, "hour": 3, "minute": 45, "second": 26, "microsecond": 993573}
CHANGED = {"__class__": "datetime"} | AT
CLOCK = {"Date": "Sat, 21 Nov 2026 05:58:04 GMT"}
SINCE = '~"last_modified_at", ">="'
MODEL = "/tryton/rest/model"
WAREHOUSES = {5: ("BER", "Berlin"), 12: ("VIE", "Wien"), 16: ("LIN", "Linz")}
ON_HAND = {5: ("931.0", "649.0", "696.0"), 12: ("577.0", "537.0", "687.0"), 16: ("602.5", "674.0", "-3.0")}
ADDRESS = {
    "__name__": "party.address", "id": 5, "party_name": "Zoë Müller", "street": "Straße 1",
    "postal_code": "10115", "city": "Berlin", "country": {"__name__": "country.country", "id": 60, "code": "DE"},
}  # fmt: skip


def row(model, record, **fields):
    return {"__name__": model, "id": record} | fields


def decimal(text):
    return {"__class__": "Decimal", "decimal": text}


def location(record):
    code, name = WAREHOUSES[record]
    return row("stock.location", record, code=code, name=name, last_modified_at=CHANGED)


def product(record, code, name, price):
    template = row("product.template", record, name=name, last_modified_at=CHANGED)
    return row(
        "product.product", record, code=code, rec_name=f"[{code}] {name}", active=1, template=template,
        list_price_used=decimal(price), last_modified_at=CHANGED,
    )  # fmt: skip


def levels(warehouse, *products):
    return [
        row("product.product", each, code=f"TEA-00{each}", quantity=Decimal(ON_HAND[warehouse][each - 1]))
        for each in products
    ]


def shipment(record, sku, quantity):
    move = row(
        "stock.move", 183 + record, quantity=Decimal(quantity), origin=f"sale.line,{record}", state="done",
        last_modified_at=CHANGED, product=row("product.product", record, code=sku),
    )  # fmt: skip
    return row(
        "stock.shipment.out", record, number=str(record), state="done", last_modified_at=CHANGED,
        effective_date={"__class__": "date", "year": 2026, "month": 11, "day": 21}, outgoing_moves=[move],
        shipping_reference=f"DHL3760978641-{record}", root_packages=[],
        carrier=row("carrier", 1, party=row("party.party", 2, name="DHL")),
    )  # fmt: skip


def sale(record, web_id, state, total, lines, **fields):
    return row(
        "sale.sale", record, web_id=web_id, state=state, number=None if state == "draft" else str(record),
        comment="", party=5, warehouse=5, currency=row("currency.currency", 1, code="EUR"), invoice_address=5,
        shipment_address=ADDRESS, shipment_state="none", total_amount=decimal(total), lines=lines,
        **{"shipments": [], "shipment_returns": [], "invoices": []} | fields,
    )  # fmt: skip


def sale_line(record, quantity, price):
    return row(
        "sale.line", record, type="line", unit=1, product=1, quantity=Decimal(quantity),
        unit_price=decimal(price), taxes=[1],
    )  # fmt: skip


ORDERED, RETURNED = [sale_line(1, "2.0", "10.50500000")], [sale_line(2, "-1.0", "10.50500000")]
SALE = sale(
    1, "o1001", "processing", "25.00", ORDERED, shipments=[row("stock.shipment.out", 1, state="waiting")]
)
RETURN = sale(
    2, "R-r1", "processing", "-12.50", RETURNED,
    shipment_returns=[row("stock.shipment.out.return", 7, state="draft")],
    invoices=[row("account.invoice", 2, state="draft")],
)  # fmt: skip
RETURNED_ALL = RETURN | {
    "shipment_returns": [row("stock.shipment.out.return", 7, state="done")],
    "invoices": [row("account.invoice", 2, state="posted")],
}
TEAS = [
    product(1, "TEA-001", "Assam Hathikuli, 100 g", "12.50"),
    product(2, "TEA-002", "Grüner Tee 抹茶", "9.9"),
    product(3, "TEA-003", "Pfefferminze", "4.20"),
]
SHIPMENTS = [shipment(1, "TEA-001", "2.0"), shipment(2, "TEA-002", "0.5"), shipment(3, "TEA-003", "1.0")]


def pressed(model, record, *buttons):
    return {
        f"POST {MODEL}/{model}/{record}/{button}": row(model, record, state=state)
        for button, state in buttons
    }


ANSWERS = {
    f"GET {MODEL}/company.company": Reply(
        200,
        [
            row(
                "company.company",
                1,
                party=row("party.party", 1, name="Portal Demo GmbH"),
                currency=row("currency.currency", 1, code="EUR"),
            )
        ],
        CLOCK,
    ),
    f"GET {MODEL}/web.shop ~Web shop": [row("web.shop", 1)],
    f"GET {MODEL}/account.invoice.payment_term": [row("account.invoice.payment_term", 1)],
    f"GET {MODEL}/sale.amendment": [],
    f"GET {MODEL}/currency.currency": [
        row("currency.currency", 1, code="EUR", rounding=decimal("0.01")),
        row("currency.currency", 3, code="JPY", rounding=decimal("1")),
    ],
    f"GET {MODEL}/ir.configuration": [row("ir.configuration", 1, product_price_decimal=8)],
    f"GET {MODEL}/account.tax": [row("account.tax", 1, name="VAT 19 %", rate=decimal("0.19"))],
    f"GET {MODEL}/country.country": [row("country.country", 60, code="DE")],
    # What is read
    f"GET {MODEL}/stock.location": [location(each) for each in WAREHOUSES],
    f'GET {MODEL}/stock.location ~["id", ">", 0]': [location(5), location(12)],
    f'GET {MODEL}/stock.location ~["id", ">", 12]': [location(16)],
    f"GET {MODEL}/stock.location {SINCE}": [],
    f'GET {MODEL}/product.product ~"SHIPPING"': [row("product.product", 62, default_uom=1)],
    f'GET {MODEL}/product.product ~"REFUND"': [row("product.product", 63, default_uom=1)],
    f'GET {MODEL}/product.product ~"active" ~["id", ">", 0]': TEAS[:2],
    f'GET {MODEL}/product.product ~"active" ~["id", ">", 2]': TEAS[2:],
    f'GET {MODEL}/product.product ~"active" {SINCE}': [],
    f'GET {MODEL}/product.product ~"goods" ~["id", ">", 0]': [row("product.product", 1), row("product.product", 2)],
    f'GET {MODEL}/product.product ~"goods" ~["id", ">", 2]': [row("product.product", 3)],
    **{
        f'GET {MODEL}/product.product ~["id", "in", {few}] ~"locations": [{place}]': levels(place, *few)
        for place in WAREHOUSES
        for few in ([1, 2], [3])
    },
    f'GET {MODEL}/stock.move ~"staging"': [
        row("stock.move", 184, product=1, internal_quantity=Decimal("2.0"), from_location=row("stock.location", 8, warehouse=5)),
    ],
    f"GET {MODEL}/stock.move {SINCE}": [],
    f"GET {MODEL}/sale.line {SINCE}": [],
    f'GET {MODEL}/stock.shipment.out ~["id", ">", 0]': SHIPMENTS[:2],
    f'GET {MODEL}/stock.shipment.out ~["id", ">", 2]': SHIPMENTS[2:],
    f"GET {MODEL}/stock.shipment.out {SINCE}": [],
    f'GET {MODEL}/sale.line ~"sale.web_shop"': [
        row("sale.line", each, sale=row("sale.sale", each, web_id=f"o100{each}")) for each in (1, 2, 3)
    ],
    # What is written
    f"GET {MODEL}/sale.sale": [],
    f'GET {MODEL}/sale.sale ~"=", 1]]': [SALE],
    f'GET {MODEL}/sale.sale ~"=", 2]]': [RETURN],
    f'GET {MODEL}/sale.sale ~["web_id", "=", "o1000"]': [SALE | {"web_id": "o1000"}],
    f"GET {MODEL}/party.party": [],
    f"POST {MODEL}/party.party": row("party.party", 5, name="Zoë Müller", addresses=[ADDRESS]),
    f'GET {MODEL}/product.product ~["id", "in", [1]]': [row("product.product", 1, default_uom=1)],
    f"POST {MODEL}/sale.sale": sale(1, "o1001", "draft", "25.00", ORDERED),
    f'POST {MODEL}/sale.sale ~"R-r1"': sale(2, "R-r1", "draft", "-12.50", RETURNED),
    **pressed("sale.sale", 1, ("quote", "quotation"), ("confirm", "confirmed")),
    **pressed("sale.sale", 2, ("quote", "quotation"), ("confirm", "confirmed")),
    **pressed("stock.shipment.out.return", 7, ("receive", "received"), ("do", "done")),
    **pressed("account.invoice", 2, ("post", "posted")),
}  # fmt: skip
