"""A small good connector for an invented shop, Orchard: the one that the seeded defects spoil."""

# ruff: noqa: F405
import json
from datetime import datetime

from portal.sdk import *  # noqa: F403 - as the first lines of portal.sdk teach it

STATES = {"new": "open", "done": "closed", "void": "cancelled"}


class OrchardSettings(Settings):
    url: str = Field(title="Address", description="Where the Orchard shop answers.")
    token: SecretStr = Field(title="Access token")


def span(since, until):
    return {"from": since.isoformat(), "to": until.isoformat()}


class Orchard(Connector):
    key, title, Settings = "orchard", "Orchard", OrchardSettings
    promises = {"stock": Promise.ABSOLUTE, "shipment": Promise.IDEMPOTENCY_KEY}

    def __init__(self, settings):
        super().__init__(settings)
        token = settings.token.get_secret_value()
        self.http = Http(settings.url, headers={"Authorization": f"Token {token}"}, secrets=[token])

    def check(self):
        return f"Orchard shop “{self.http.get('/me').value('shop')}”"

    def close(self):
        self.http.close()

    def order(self, raw):
        money = lambda minor: Money.from_minor(minor, raw["currency"])  # noqa: E731
        return Order(
            external_id=raw["id"], version=raw["rev"], number=raw["no"], state=STATES[raw["status"]],
            placed_at=datetime.fromisoformat(raw["placed"]), currency=raw["currency"], location=raw["barn"],
            customer=Customer(name=raw["buyer"]["name"], email=raw["buyer"].get("email") or ""),
            lines=tuple(
                OrderLine(
                    external_id=line["id"], sku=line["sku"], title=line["name"], quantity=line["qty"],
                    unit_price=money(line["each"]), total=money(line["sum"]),
                )
                for line in raw["items"]
            ),
            total=money(raw["sum"]), paid=money(raw["paid"]), note=raw.get("remark") or "",
        )  # fmt: skip

    def refund(self, raw):
        return Refund(
            external_id=raw["id"], version=raw["rev"], order_id=raw["order"], currency=raw["currency"],
            refunded_at=datetime.fromisoformat(raw["at"]), total=Money(raw["amount"], raw["currency"]),
            reason=raw.get("why") or "",
        )  # fmt: skip

    def pull_order(self, cursor):
        return self.pull("/orders", self.order, cursor)

    def pull_refund(self, cursor):
        return self.pull("/refunds", self.refund, cursor)

    def count_order(self, since, until):
        return self.http.get("/orders/count", params=span(since, until)).value("count")

    def read_order(self, since, until, cursor):
        return self.pull("/orders", self.order, cursor, **span(since, until))

    def pull(self, path, read, cursor, **ends):
        def page(after):
            answer = self.http.get(path, params={"after": after, **ends})
            rows, more = answer.list("list"), answer.value("more")
            reached = rows[-1]["seq"] if rows else after
            return read_each(rows, read, cursor=reached), reached if more else None

        return self.http.pages(cursor or "0", page)

    def fetch_order(self, external_ids):
        return read_each(self.each("/orders", external_ids), self.order)

    def fetch_refund(self, external_ids):
        return read_each(self.each("/refunds", external_ids), self.refund)

    def each(self, path, external_ids):
        for external_id in external_ids:
            try:
                yield self.http.get(f"{path}/{external_id}").json()
            except NotFound:
                continue

    def push_stock(self, change):
        level = change.record
        wanted = {
            "free": int(level.available),
            "was": None if level.expected is None else int(level.expected),
        }
        path = f"/stock/{change.ref('product', level.sku)}/{change.ref('location', level.location_id)}"
        answer = self.http.put(path, json=wanted, accept=[412])
        if answer.status == 412:
            raise ReadAgain(f"Orchard has another level of {level.sku}.", current=str(answer.value("free")))
        return Receipt(answer.value("id"))

    def push_shipment(self, change):
        order = change.ref("order", change.record.order_id)
        parcel = {"items": {line.sku: int(line.quantity) for line in change.record.lines},
                  "tracking": change.record.tracking}  # fmt: skip
        key = {"Idempotency-Key": change.key}
        return Receipt(self.http.post(f"/orders/{order}/parcels", json=parcel, headers=key).value("id"))

    def find_shipment(self, change):
        found = self.http.get("/parcels", params={"key": change.key}).list("list")
        return Receipt(found[0]["id"]) if found else None

    def hear(self, webhook, secrets):
        verify_hmac(webhook.body, webhook.headers.get("x-orchard-signature", ""), secrets)
        try:
            told = json.loads(webhook.body)
            at = datetime.fromisoformat(told["at"])
            hint = Hint(told["what"], told["what"].partition(".")[0], told["id"], told["event"])
        except (ValueError, LookupError, TypeError) as error:
            raise Forged("The webhook is signed, but it is not what Orchard sends.") from error
        verify_time(at)
        return [hint]

    def subscribe(self, url, secret):
        self.http.put("/hook", json={"url": url, "secret": secret})
        return f"Orchard tells {url} about orders and refunds."

    def subscribe_topics(self, url, secret, topics):
        self.http.put("/hook", json={"url": url, "secret": secret, "topics": topics})
        return f"Orchard tells {url} about {', '.join(topics)} too."

    def subscribed(self, url):
        return any(each["url"] == url for each in self.http.get("/hooks").list("list"))
