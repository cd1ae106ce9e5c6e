"""Bad input, each with what people then read: in the answer to a webhook, on a job, in a case, on a form.

Values in JSON stand here as they arrive, in the text of JSON, because half of them no honest program writes.
"""

from __future__ import annotations

import gzip
import json

DEEP = 100_000
WEB_PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
NOT_THE_SHOPS = "it is not what the shop sends"
NO_IDS = "its ids are not what Shop sends"
NOT_JSON = "answered with something that is not JSON"


def told(**changes: str) -> bytes:
    """A webhook's body with raw JSON in the place of some values."""
    raw = {"event_id": '"e1"', "topic": '"order.updated"', "sent_at": "@now", "data": '{"id": "o1001"}'}
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in (raw | changes).items()) + "}").encode()


WEBHOOKS: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 401, NOT_THE_SHOPS),
    ("blanks", b"   \n", 401, NOT_THE_SHOPS),
    ("a web page", WEB_PAGE, 401, NOT_THE_SHOPS),
    ("half of it", told()[:30], 401, NOT_THE_SHOPS),
    ("two documents", told() + told(), 401, NOT_THE_SHOPS),
    ("a list", b"[" + told() + b"]", 401, NOT_THE_SHOPS),
    ("a word", b'"order"', 401, NOT_THE_SHOPS),
    ("a number", b"7", 401, NOT_THE_SHOPS),
    ("null", b"null", 401, NOT_THE_SHOPS),
    ("an empty object", b"{}", 401, NOT_THE_SHOPS),
    ("XML", b'<?xml version="1.0"?><order id="1"/>', 401, NOT_THE_SHOPS),
    ("a form", b"topic=order.updated&id=o1", 401, NOT_THE_SHOPS),
    ("letters that are not UTF-8", b'{"topic": "\xff\xfe"}', 401, NOT_THE_SHOPS),
    ("a gzip", gzip.compress(told()), 401, NOT_THE_SHOPS),
    ("a gzip of a hundred million blanks", gzip.compress(b" " * 10**6) * 100, 401, NOT_THE_SHOPS),
    ("noise", bytes(range(256)), 401, NOT_THE_SHOPS),
    ("a hundred thousand brackets", b"[" * DEEP, 401, NOT_THE_SHOPS),
    ("a hundred thousand objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP, 401, NOT_THE_SHOPS),
    ("a number of five thousand digits", told(sent_at="9" * 5000), 401, NOT_THE_SHOPS),
    ("a time that is none", told(sent_at="NaN"), 401, NOT_THE_SHOPS),
    ("a time without end", told(sent_at="Infinity"), 401, NOT_THE_SHOPS),
    ("a time beyond all years", told(sent_at="1e300"), 401, NOT_THE_SHOPS),
    ("a time in words", told(sent_at='"yesterday"'), 401, NOT_THE_SHOPS),
    ("no time", told(sent_at="null"), 401, NOT_THE_SHOPS),
    ("a time of 1970", told(sent_at="0"), 401, "more than 0:05:00 away from now"),
    ("a time before 1970", told(sent_at="-86400"), 401, "more than 0:05:00 away from now"),
    ("a time to come", told(sent_at="4102444800"), 401, "more than 0:05:00 away from now"),
    ("a topic that is a number", told(topic="7"), 401, NOT_THE_SHOPS),
    ("a topic that is nothing", told(topic="null"), 401, NOT_THE_SHOPS),
    ("no data", told(data="null"), 401, NOT_THE_SHOPS),
    ("data that is a list", told(data="[1]"), 401, NOT_THE_SHOPS),
    ("an id that is nothing", told(data='{"id": null}'), 401, NO_IDS),
    ("an id that is a number", told(data='{"id": 7}'), 401, NO_IDS),
    ("an id that is a list", told(data='{"id": []}'), 401, NO_IDS),
    ("an empty id", told(data='{"id": ""}'), 401, "it names no order"),
    ("an id of ten thousand letters", told(data=json.dumps({"id": "o" * 10_000})), 401, "it names no order"),
    ("an id with a NUL", told(data='{"id": "o\\u0000"}'), 401, NO_IDS),
    ("an id with half a letter", told(data='{"id": "o\\ud800"}'), 401, NO_IDS),
    ("an event that is a number", told(event_id="7"), 401, NO_IDS),
    ("an event that is nothing", told(event_id="null"), 401, NO_IDS),
    ("an event with a NUL", told(event_id='"e\\u0000"'), 401, NO_IDS),
    ("a topic that nobody knows", told(topic='"weather.changed"'), 200, "known"),
    ("the same key twice", told().replace(b"{", b'{"topic": "weather.changed", ', 1), 200, "new"),
    ("an order mark before it", b"\xef\xbb\xbf" + told(), 200, "new"),
    ("another encoding", told().decode().encode("utf-16"), 401, NOT_THE_SHOPS),
    ("fields of years to come", told(note='{"a": [1, 2, 3]}'), 200, "new"),
    ("more than fits", b" " * (2 * 2**20 + 1), 413, "The body is longer than 2097152 bytes."),
]
"""What was sent with a genuine signature; the status and the words of the answer."""


ANSWERS: list[tuple[str, bytes, dict[str, str], str]] = [
    ("nothing", b"", {}, NOT_JSON),
    ("a web page", WEB_PAGE, {}, "answered with a web page instead of JSON. Check the address"),
    ("half of it", b'{"items": [{"id": "o10', {}, NOT_JSON),
    ("two documents", b"{}{}", {}, NOT_JSON),
    ("XML", b"<items/>", {}, NOT_JSON),
    ("letters that are not UTF-8", b'{"items": [], "a": "\xff"}', {}, NOT_JSON),
    ("a hundred thousand brackets", b"[" * DEEP, {}, NOT_JSON),
    ("a number of five thousand digits", b'{"items": [], "a": ' + b"9" * 5000 + b"}", {}, NOT_JSON),
    ("what is no number", b'{"items": [], "next_page": NaN}', {}, NOT_JSON),
    ("a gzip that is none", b"{}", {"Content-Encoding": "gzip"}, "broke off its answer"),
    ("null", b"null", {}, "answered GET /api/orders with nothing, where an object is wanted"),
    ("a list", b"[]", {}, "answered GET /api/orders with a list, where an object is wanted"),
    ("a word", b'"soon"', {}, "answered GET /api/orders with a text, where an object is wanted"),
    ("an empty object", b"{}", {}, "where “items” is wanted as a list"),
    (
        "an error dressed as success",
        b'{"error": "down for repairs"}',
        {},
        "with an object without “items”, where “items” is wanted as a list",
    ),
    (
        "items that are null",
        b'{"items": null, "next_page": null}',
        {},
        "with nothing, where “items” is wanted as a list",
    ),
    (
        "items that are a number",
        b'{"items": 7, "next_page": null}',
        {},
        "with a number, where “items” is wanted as a list",
    ),
    ("a next page that is a list", b'{"items": [], "next_page": []}', {}, "names a next page that is none"),
    ("the same page for ever", b'{"items": [], "next_page": "p2"}', {}, "leads its pages in a circle"),
]
"""What a shop answers to “which orders are there?”, its headers, and what stands on the job then."""


OBJECTS: list[tuple[str, str, str, str]] = [
    ("an object that is a number", "", "7", "a part of it has another shape than the connector knows"),
    ("an object that is a list", "", "[]", "a part of it has another shape than the connector knows"),
    ("an object that is null", "", "null", "a part of it has another shape than the connector knows"),
    ("an empty object", "", "{}", "the field 'currency' is missing"),
    ("no id", "id", "null", "external_id: "),
    ("an empty id", "id", '""', "external_id: "),
    ("an id that is a list", "id", "[]", "external_id: "),
    ("an id that is true", "id", "true", "external_id: "),
    (
        "an id of a thousand letters",
        "id",
        json.dumps("o" * 1000),
        "external_id: String should have at most 200",
    ),
    ("an id with a NUL", "id", '"o\\u0000"', "characters that cannot be stored"),
    ("an id with half a letter", "id", '"o\\ud800"', "unable to parse raw data as a unicode string"),
    ("a version below zero", "revision", "-1", "version: "),
    ("a version in words", "revision", '"two"', "version: "),
    ("a version between two", "revision", "1.5", "version: "),
    ("a version beyond all counting", "revision", "9223372036854775808", "version: "),
    ("no version", "revision", "null", "version: "),
    ("a state that nobody knows", "status", '"melted"', "the field 'melted' is missing"),
    ("a state that is null", "status", "null", "the field None is missing"),
    ("a moment without its zone", "created_at", '"2026-03-01T12:00:00"', "placed_at: "),
    ("a moment that never was", "created_at", '"2026-02-30T12:00:00Z"', "placed_at: "),
    ("a moment in words", "created_at", '"noon"', "placed_at: "),
    ("a moment beyond all years", "created_at", "1e300", "placed_at: "),
    (
        "a moment before all years",
        "created_at",
        '"0001-01-01T00:00:00+01:00"',
        "in no year that can be stored",
    ),
    ("no currency", "currency", "null", "a part of it has another shape"),
    ("a currency in small letters", "currency", '"eur"', "currency"),
    ("a currency that is a word", "currency", '"Euro"', "'Euro' is not a currency code like EUR"),
    ("amounts in another currency's cents", "currency", '"JPY"', "JPY"),
    ("a total in words", "totals.total", '"much"', "much"),
    ("a total that is null", "totals.total", "null", "None is not an amount of money"),
    ("a total with a comma", "totals.total", '"61,46"', "61,46"),
    ("a total of three cents' digits", "totals.total", '"61.461"', "61.461"),
    ("a total without end", "totals.total", '"Infinity"', "Infinity"),
    ("a total that is none", "totals.total", '"NaN"', "NaN"),
    ("a total of a googol", "totals.total", '"1e100"', "is more than any amount of money"),
    ("a total that is a list", "totals.total", "[]", "[] is not an amount of money"),
    ("captured nothing known", "captured", "null", "None is not an amount of money"),
    ("lines that are null", "lines", "null", "a part of it"),
    ("lines that are a word", "lines", '"two"', "a part of it"),
    ("a line that is null", "lines.0", "null", "a part of it"),
    ("a line without id", "lines.0.id", "null", "external_id: "),
    ("a quantity in words", "lines.0.quantity", '"three"', "quantity: "),
    ("a quantity that is none", "lines.0.quantity", '"NaN"', "quantity: "),
    ("a quantity without end", "lines.0.quantity", '"-Infinity"', "quantity: "),
    ("a quantity of a googol", "lines.0.quantity", "1e100", "quantity: "),
    ("a quantity of atoms", "lines.0.quantity", "0.00001", "quantity: "),
    ("a quantity that is true", "lines.0.quantity", "{}", "quantity: "),
    ("a SKU of a thousand letters", "lines.0.sku", json.dumps("s" * 1000), "sku: "),
    ("a SKU that is a number", "lines.0.sku", "7", "sku: "),
    ("a tax rate in words", "lines.0.tax_rate", '"full"', "a number in it is none"),
    ("a tax rate that is none", "lines.0.tax_rate", '"NaN"', "rate"),
    ("a country spelled out", "billing_address.country", '"Austria"', "country: "),
    ("a name with a NUL", "billing_address.name", '"A\\u0000"', "characters that cannot be stored"),
    ("a note with half a letter", "note", '"\\ud83d"', "characters that cannot be stored"),
    ("a note that is an object", "note", "{}", "note: "),
    ("a fee that is null", "shipping", "null", "a part of it"),
    ("a fee nested too deeply", "shipping", '{"a":' * 300 + "1" + "}" * 300, "the field"),
]
"""One order among good ones: which field of it (empty: all of it) holds what, and what its case says."""


MOMENT = "2026-03-01T12:00:00Z"
RECORDS: list[tuple[str, str, dict[str, object], str]] = [
    ("a place without a code", "location", {"code": ""}, "code: String should have at least 1 character"),
    ("a place whose code is a story", "location", {"code": "x" * 61}, "code: String should have at most 60"),
    ("a place of version null", "location", {"version": None}, "version: "),
    ("a product without SKU", "product", {"sku": None}, "sku: "),
    (
        "a product with a price in words",
        "product",
        {"price": "cheap EUR"},
        "'cheap' is not an amount of money",
    ),
    (
        "a product with a price in nothing",
        "product",
        {"price": "12.50"},
        "'' is not a currency code like EUR",
    ),
    (
        "a product with a price that is a number",
        "product",
        {"price": 12.5},
        "price: Value error, '12.5' is not an amount of money like 12.50 EUR",
    ),
    (
        "a product with a field of its own",
        "product",
        {"colour": "blue"},
        "colour: Extra inputs are not permitted",
    ),
    ("a product that is maybe active", "product", {"active": "maybe"}, "active: "),
    ("a title with half a letter", "product", {"title": "\ud83d"}, "characters that cannot be stored"),
    ("a title with a NUL", "product", {"title": "a\0"}, "characters that cannot be stored"),
    ("stock that is none", "stock", {"available": "NaN"}, "available: "),
    ("stock without end", "stock", {"available": float("inf")}, "available: "),
    ("stock of a googol", "stock", {"available": "1e100"}, "available: "),
    ("stock below all depths", "stock", {"available": "-1e14"}, "available: "),
    ("stock of atoms", "stock", {"available": "0.00001"}, "available: "),
    ("stock in words", "stock", {"available": "plenty"}, "available: "),
    ("stock of no product", "stock", {"product_id": ""}, "product_id: "),
    ("stock nowhere", "stock", {"location_id": None}, "location_id: "),
    ("a refund of no order", "refund", {"order_id": ""}, "order_id: "),
    (
        "a refund at no time",
        "refund",
        {"refunded_at": "2026-03-01 12:00"},
        "refunded_at: Input should have timezone",
    ),
    ("a refund in two currencies", "refund", {"total": "5.00 USD"}, "has amounts in another currency"),
    ("a refund of half a cent", "refund", {"total": "5.005 EUR"}, "fractions of the smallest unit of EUR"),
    ("a refund of half a yen", "refund", {"total": "5.5 JPY", "currency": "JPY"}, "smallest unit of JPY"),
    (
        "a refund without its total",
        "refund",
        {"total": None},
        "total: Value error, 'None' is not an amount of money like 12.50 EUR",
    ),
    ("a refund with a line of nothing", "refund", {"lines": [{}]}, "lines.0.order_line: Field required"),
    ("a shipment without lines", "shipment", {"lines": None}, "lines: "),
    ("a shipment of words", "shipment", {"lines": [{"sku": "A", "quantity": "some"}]}, "lines.0.quantity: "),
    ("a shipment at a naive moment", "shipment", {"shipped_at": "2026-03-01T12:00:00"}, "shipped_at: "),
    (
        "a shipment in the year ten thousand",
        "shipment",
        {"shipped_at": "10000-01-01T00:00:00Z"},
        "shipped_at: ",
    ),
]
"""A record of this kind, as a connector gives it, and what its case says when these fields hold that."""

RECORD_OF: dict[str, dict[str, object]] = {
    "location": {"code": "A"},
    "product": {"sku": "SKU-9"},
    "stock": {"product_id": "p", "location_id": "l", "available": "1"},
    "refund": {"order_id": "o1", "refunded_at": MOMENT, "currency": "EUR", "total": "5.00 EUR"},
    "shipment": {"order_id": "o1", "shipped_at": MOMENT, "lines": ()},
}


CONNECTION_FORM: list[tuple[str, dict[str, str], str]] = [
    ("no name", {"name": ""}, "This field is required."),
    ("a name of a thousand letters", {"name": "n" * 1000}, "has at most 100 characters"),
    ("a name with a NUL", {"name": "a\0"}, "Null characters are not allowed."),
    ("no slug", {"slug": ""}, "This field is required."),
    ("a slug with blanks", {"slug": "my shop"}, "Enter a valid “slug”"),
    ("a slug that leads elsewhere", {"slug": "../admin"}, "Enter a valid “slug”"),
    ("a slug that is taken", {"slug": "shop"}, "already exists"),
    ("no address", {"setting_url": ""}, "This field is required."),
    ("no token", {"setting_token": ""}, "This field is required."),
    ("an address with a NUL", {"setting_url": "http://a\0"}, "Null characters are not allowed."),
]
"""What staff enter when they add a connection, and what the form says."""

FLOW_FORM: list[tuple[str, dict[str, str], str]] = [
    ("no kind", {"kind": ""}, "This field is required."),
    ("a kind that nobody knows", {"kind": "weather"}, "Select a valid choice."),
    ("no source", {"source": ""}, "This field is required."),
    ("a source that is gone", {"source": "999999"}, "Select a valid choice."),
    ("a source that is a word", {"source": "shop"}, "Select a valid choice."),
    ("a rhythm below zero", {"every": "-5"}, "greater than or equal to"),
    ("a rhythm in words", {"every": "often"}, "Enter a whole number."),
    ("a rhythm beyond all years", {"every": "9" * 30}, "less than or equal to"),
    ("a buffer of half a piece", {"buffer": "0.5"}, "Enter a whole number."),
    ("a day that never was", {"start_at_0": "2026-02-30", "start_at_1": "00:00"}, "Enter a valid date."),
    ("a time that never was", {"start_at_0": "2026-02-20", "start_at_1": "25:00"}, "Enter a valid time."),
]
"""The same for a flow."""
