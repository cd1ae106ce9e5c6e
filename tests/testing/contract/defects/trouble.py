"""What goes wrong, and what is made of it."""

import json

import requests

from portal.sdk import (
    Http,
    Misconfigured,
    OutcomeUnknown,
    Receipt,
    RetryLater,
    SkipRecord,
    read_each,
)
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("reading-outlives-an-outage", "went on as if nothing had happened")
class AnOutagePassesForTheEnd:
    """An outage passes for the end."""

    def pull(self, path, read, cursor):
        try:
            yield from Orchard.pull(self, path, read, cursor)
        except RetryLater:
            return


@rejected("another-shape-is-not-an-empty-page-order", "Read the list with answer.list(")
class AnotherShapeIsAKeyError:
    """Another shape is a KeyError, which tells nobody what came."""

    def pull(self, path, read, cursor):
        rows = self.http.get(path, params={"after": cursor or "0"}).json()["list"]
        yield read_each(rows, read, cursor=rows[-1]["seq"])


@rejected("another-shape-is-not-an-empty-page-order", "took it for 1 empty pages")
class AnyShapeIsAnEmptyPage:
    """Any shape is an empty page."""

    def pull(self, path, read, cursor):
        def page(after):
            answer = self.http.get(path, params={"after": after}).json()
            found = answer.get("list", [])
            reached = found[-1]["seq"] if found else after
            return read_each(found, read, cursor=reached), reached if answer.get("more") else None

        return self.http.pages(cursor or "0", page)


class Rough(Http):
    """What people write around `requests` themselves."""

    def request(self, method, path, *, accept=(), **options):
        answer = super().request(method, path, accept=[*accept, 401, 403, 429, 500, 502], **options)
        if answer.status == 429:
            raise RetryLater("Orchard is busy.")
        if answer.status >= 400 and answer.status not in accept:
            raise RetryLater(f"Orchard failed with {answer.status}.")
        return answer


def rough(self, settings, kind=Rough):
    Orchard.__init__(self, settings)
    token = settings.token.get_secret_value()
    self.http = kind(settings.url, headers={"Authorization": f"Token {token}"}, secrets=[token])


@rejected("reading-slows-down", "says nothing about the wait")
class RetryAfterIsNotRead:
    """Retry-After is not read."""

    __init__ = rough


@rejected("reading-tells-bad-credentials", "only a person can mend")
class AWrongTokenIsTriedAgainForEver:
    """A wrong token is tried again for ever."""

    __init__ = rough


@rejected("a-failed-write-is-in-doubt-stock", "Raise OutcomeUnknown")
class AFailedWriteIsSimplySentLater:
    """A failed write is simply sent later."""

    __init__ = rough


@rejected("a-lost-answer-is-in-doubt-shipment", "Raise OutcomeUnknown")
class ALostAnswerIsSimplySentLater:
    """A lost answer is simply sent later."""

    def push_shipment(self, change):
        try:
            return Orchard.push_shipment(self, change)
        except OutcomeUnknown as error:
            raise RetryLater(str(error)) from error


@rejected("a-failed-write-is-in-doubt-shipment", "sent 3 writes by itself")
class AFailedWriteIsSentAgainAtOnce:
    """A failed write is sent again at once."""

    def push_shipment(self, change):
        for _ in range(2):
            try:
                return Orchard.push_shipment(self, change)
            except OutcomeUnknown:
                continue
        return Orchard.push_shipment(self, change)


@rejected("a-refused-change-is-set-aside-shipment", "the others go on")
class ARefusalBlamesTheConnection:
    """A refusal blames the connection."""

    def push_shipment(self, change):
        try:
            return Orchard.push_shipment(self, change)
        except SkipRecord as error:
            raise Misconfigured(str(error)) from error


@rejected("an-unreadable-receipt-is-in-doubt-stock", "went on as if nothing")
class AWebPagePassesForAReceipt:
    """A web page passes for a receipt."""

    def push_stock(self, change):
        try:
            return Orchard.push_stock(self, change)
        except OutcomeUnknown:
            return Receipt("v7/b1")


@rejected("a-web-page-is-no-answer", "JSONDecodeError")
class AWebPageIsACrash:
    """A web page is a crash."""

    def check(self):
        return f"Orchard shop {json.loads(self.http.get('/me').body)['shop']}"


@rejected("a-truncated-page-is-not-believed", "went on as if nothing had happened")
class HalfAnAnswerIsNoAnswer:
    """Half an answer passes for nothing to read."""

    def pull(self, path, read, cursor):
        pages = Orchard.pull(self, path, read, cursor)
        while True:
            try:
                yield next(pages)
            except (StopIteration, RetryLater):
                return


@rejected("reading-outlives-a-lost-connection", "Raise RetryLater")
class ALostConnectionIsACrash:
    """A lost connection is somebody else's error."""

    def check(self):
        token = self.settings.token.get_secret_value()
        headers = {"Authorization": f"Token {token}"}
        answer = requests.get(f"{self.settings.url}/me", headers=headers, timeout=5)
        return f"Orchard shop {answer.json()['shop']}"


@rejected("writing-slows-down-shipment", "says nothing about the wait")
class AWriteForgetsTheWait:
    """A write asked to slow down forgets for how long."""

    def push_shipment(self, change):
        try:
            return Orchard.push_shipment(self, change)
        except RetryLater as error:
            raise RetryLater(error.message) from error


@rejected("writing-tells-bad-credentials-shipment", "only a person can mend the credentials")
class ARefusedKeyBlamesTheRecord:
    """A refused key blames the record."""

    def push_shipment(self, change):
        try:
            return Orchard.push_shipment(self, change)
        except Misconfigured as error:
            raise SkipRecord(error.message) from error
