"""Customers of the demo day: ordinary ones by the dozen, and those that break naive software."""

import random
from typing import Any

Json = dict[str, Any]

FIRST = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elif",
    "Felix",
    "Greta",
    "Hasan",
    "Ida",
    "Jonas",
    "Käthe",
    "Luka",
    "Mária",
    "Noé",
    "Ödön",
    "Petra",
    "Rüdiger",
    "Søren",
    "Tomáš",
    "Zoë",
]
LAST = [
    "Müller",
    "Novák",
    "Gruber",
    "Øster",
    "Yılmaz",
    "Szabó",
    "Dvořák",
    "Weiß",
    "García",
    "O’Brien",
    "Łukasik",
    "Brânză",
    "Huber",
    "Çelik",
    "Äärelä",
]
PLACES = [
    ("DE", "10115", "Berlin", "Invalidenstraße"),
    ("DE", "80331", "München", "Sendlinger Straße"),
    ("AT", "1070", "Wien", "Neubaugasse"),
    ("AT", "4020", "Linz", "Landstraße"),
    ("CH", "8001", "Zürich", "Rämistrasse"),
    ("FR", "75004", "Paris", "rue des Rosiers"),
    ("US", "11201", "Brooklyn", "Court Street"),
    ("PL", "31-044", "Kraków", "ulica Grodzka"),
]

# Name and part of an address, each with a way of breaking things: other scripts, both directions of
# writing, composed characters, markup, quotes, length, nothing but spaces around.
UNUSUAL: list[Json] = [
    {
        "name": "Σωκράτης Παπαδόπουλος",
        "street": "Οδός Ερμού 5",
        "city": "Αθήνα",
        "postal_code": "105 63",
        "country": "GR",
    },
    {
        "name": "山田 太郎",
        "street": "千代田区丸の内1-1",
        "city": "東京都",
        "postal_code": "100-0005",
        "country": "JP",
    },
    {
        "name": "محمد بن عبد الله",
        "street": "شارع الخليج العربي",
        "city": "الكويت",
        "country": "KW",
        "postal_code": "",
    },
    {"name": "Zoe\u0301 A\u030angstro\u0308m", "street": "Combining Way 1"},
    {"name": "🫖 Tea Lover 👩‍👩‍👧‍👦", "street": "Emoji-Allee 🍵 7"},
    {
        "name": "Wolfeschlegelsteinhausenbergerdorff " * 7 + "sen.",
        "company": "Gesellschaft für " + "sehr " * 40 + "lange Namen",
    },
    {"name": "<script>alert('tea')</script>", "street": "Robert'); DROP TABLE orders;-- 1"},
    {"name": "  Leer Raum  ", "street": "\u00a0Umbruch\tGasse 3", "company": 'Tee & "Kaffee" GmbH; Co, KG'},
]


def customer(dice: random.Random) -> Json:
    """Who orders: `customer` (None for a guest), `email` and both addresses, ready for `Trade.place`."""
    first, last = dice.choice(FIRST), dice.choice(LAST)
    country, postal_code, city, street = dice.choice(PLACES)
    address = {
        "name": f"{first} {last}",
        "company": dice.choice(["", "", "", f"{last} & Söhne"]),
        "street": f"{street} {dice.randint(1, 120)}",
        "street2": "",
        "postal_code": postal_code,
        "city": city,
        "region": "NY" if country == "US" else "",
        "country": country,
        "phone": dice.choice(["", f"+49 30 {dice.randint(100000, 999999)}"]),
    }
    email = f"{first}.{last}@example.com".lower().replace("’", "")
    if dice.random() < 0.4:
        return _ordered_by(None, email, address)
    return _ordered_by(f"c{FIRST.index(first) * len(LAST) + LAST.index(last) + 1}", email, address)


def unusual(dice: random.Random, number: int) -> Json:
    """The customer `number` of those with unusual names; a guest when odd."""
    address = customer(dice)["shipping_address"] | UNUSUAL[number]
    return _ordered_by(None if number % 2 else f"c9{number}", f"unusual{number}@example.com", address)


def namesake(dice: random.Random, number: int) -> Json:
    """One of several customers who share one e-mail address."""
    address = customer(dice)["shipping_address"] | {"name": f"Familie Gruber, Nr. {number}"}
    return _ordered_by(f"c80{number}", "familie@example.com", address)


def _ordered_by(customer_id: str | None, email: str, address: Json) -> Json:
    known = {"id": customer_id, "name": address["name"], "email": email} if customer_id else None
    return {"customer": known, "email": email, "billing_address": address, "shipping_address": address}
