"""Pushes and lookups."""

import time
import uuid

from portal.sdk import NotFound, PortalError, Promise, Receipt
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("the-same-key-is-sent-again-shipment", "never a new UUID")
class ANewKeyForEveryAttempt:
    """A new key for every attempt."""

    def push_shipment(self, change):
        return Orchard.push_shipment(self, type(change)(str(uuid.uuid4()), change.record, refs=change.refs))


@rejected("the-same-key-is-sent-again-shipment", "nothing of change.key")
class OneKeyForEverything:
    """One key for everything."""

    def push_shipment(self, change):
        return Orchard.push_shipment(self, type(change)("shipment", change.record, refs=change.refs))


@rejected("what-is-not-there-is-not-found-shipment", "the change never arrived")
class TheLookupTakesAnyParcel:
    """The lookup takes any parcel."""

    def find_shipment(self, change):
        return Receipt("p8")


@rejected("what-was-pushed-is-found-shipment", "takes what another change did for its own")
class TheLookupTakesTheLastParcel:
    """The lookup takes the last parcel, whoever's it is."""

    def find_shipment(self, change):
        found = self.http.get("/parcels", params={"key": "contract-1"}).json()["list"]
        return Receipt(found[-1]["id"]) if found else None


@rejected("what-was-pushed-is-found-shipment", "the same whatever the record's id is")
class ALookupByReferenceThatForgetsTheReference:
    """A lookup by reference that forgets the reference."""

    promises = Orchard.promises | {"shipment": Promise.UNIQUE_REFERENCE}

    def find_shipment(self, change):
        found = self.http.get("/parcels", params={"key": "contract-1"}).json()["list"]
        return Receipt(found[-1]["id"]) if found else None


@rejected("a-failed-write-is-in-doubt-shipment", "at its write number 2, met HTTP 500")
class TheSecondWriteMayFailUnseen:
    """The second write may fail unseen."""

    def push_shipment(self, change):
        receipt = Orchard.push_shipment(self, change)
        try:
            self.http.put("/hook", json={"told": receipt.remote_id})
        except PortalError:
            pass
        return receipt


@rejected("a-missing-tie-is-set-aside-stock", "location 'W' sent PUT /stock/v7/W before it noticed")
class OneTieOfTwoIsForgotten:
    """One tie of two is forgotten."""

    def push_stock(self, change):
        place = change.record.location_id
        refs = {("location", place): place} | {
            key: change.refs[key] for key in change.refs if key[0] == "product"
        }
        return Orchard.push_stock(self, type(change)(change.key, change.record, refs=refs))


@rejected("what-was-pushed-is-found-shipment", "would be sent twice")
class TheLookupFindsNothingEver:
    """The lookup finds nothing ever."""

    def find_shipment(self, change):
        try:
            return Receipt(self.http.get(f"/parcels/{change.key}").json()["id"])
        except NotFound:
            return None


@rejected("reading-outlives-an-outage", "find_shipment met HTTP 500")
class AFailedLookupSaysThatNothingIsThere:
    """A failed lookup says that nothing is there."""

    def find_shipment(self, change):
        try:
            return Orchard.find_shipment(self, change)
        except PortalError:
            return None


@rejected("stock-is-said-absolutely-stock", "a difference sent twice counts twice")
class StockAsADifference:
    """Stock as a difference."""

    def push_stock(self, change):
        level = change.record
        less = level.available - (level.expected or 0)
        return Orchard.push_stock(
            self, type(change)(change.key, level.model_copy(update={"available": less}), refs=change.refs)
        )


@rejected("stock-is-compared-stock", "cannot notice a sale in between")
class TheExpectedFigureIsNotSent:
    """The expected figure is not sent."""

    def push_stock(self, change):
        bare = change.record.model_copy(update={"expected": None})
        return Orchard.push_stock(self, type(change)(change.key, bare, refs=change.refs))


@rejected("a-conflict-is-read-again-stock", "wrote again over it")
class AConflictIsWrittenOver:
    """A conflict is written over."""

    def push_stock(self, change):
        try:
            return Orchard.push_stock(self, change)
        except PortalError:
            bare = change.record.model_copy(update={"expected": None})
            return Orchard.push_stock(self, type(change)(change.key, bare, refs=change.refs))


@rejected("a-missing-tie-is-set-aside-shipment", "change.ref()")
class IdsOfTheSourceAreSentAsTheyAre:
    """Ids of the source are sent as they are."""

    def push_shipment(self, change):
        order = change.refs.get(("order", change.record.order_id), "o1")
        return Orchard.push_shipment(
            self, type(change)(change.key, change.record, refs={("order", change.record.order_id): order})
        )


@rejected("pushes-at-once-do-not-mix-shipment", "Keep nothing about a change")
class AChangeKeptOnTheConnector:
    """A change kept on the connector."""

    def push_shipment(self, change):
        self.change = change
        time.sleep(0.02)
        return Orchard.push_shipment(self, self.change)


@rejected("unicode-survives-writing-shipment", "with other letters")
class LettersLostOnTheWayOut:
    """Letters lost on the way out."""

    def push_shipment(self, change):
        plain = change.record.tracking.encode("latin-1", "replace").decode("latin-1")
        record = change.record.model_copy(update={"tracking": plain})
        return Orchard.push_shipment(self, type(change)(change.key, record, refs=change.refs))


@rejected("an-unreadable-receipt-is-in-doubt-shipment", "raised KeyError(\"'id'\") at writing.py:")
class AReceiptOfAnotherShapeIsAKeyError:
    """A receipt of another shape is a KeyError, and the change is taken for one that never arrived."""

    def push_shipment(self, change):
        order = change.ref("order", change.record.order_id)
        key, body = {"Idempotency-Key": change.key}, {"tracking": change.record.tracking}
        return Receipt(self.http.post(f"/orders/{order}/parcels", json=body, headers=key).json()["id"])


@rejected("a-push-gives-a-receipt-shipment", "Return a Receipt with the remote's id")
class APushReturnsTheId:
    """A push returns the id alone."""

    def push_shipment(self, change):
        return Orchard.push_shipment(self, change).remote_id
