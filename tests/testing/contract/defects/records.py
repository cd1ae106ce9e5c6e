"""Objects, money, moments, letters."""

import json
import time
from datetime import UTC, datetime

from portal.sdk import (
    Found,
    Money,
    Page,
    read_each,
)
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("a-missing-field-sets-one-object-aside-order", "the whole page is lost")
class OneBadObjectStopsThePage:
    """One bad object stops the page."""

    def pull(self, path, read, cursor):
        def page(after):
            answer = self.http.get(path, params={"after": after}).json()
            reached = answer["list"][-1]["seq"] if answer["list"] else after
            found = tuple(Found(read(raw), raw) for raw in answer["list"])
            return Page(found, reached), reached if answer["more"] else None

        return self.http.pages(cursor or "0", page)


@rejected("a-missing-field-sets-one-object-aside-order", "let it vanish")
class BadObjectsVanish:
    """Bad objects vanish."""

    def pull(self, path, read, cursor):
        for page in Orchard.pull(self, path, read, cursor):
            yield Page(page.found, page.cursor)


@rejected("a-missing-field-sets-one-object-aside-order", "made up total: 0.00 EUR")
class AMissingAmountIsZero:
    """A missing amount is zero."""

    def order(self, raw):
        return Orchard.order(self, {"sum": 0, **raw})


@rejected("a-missing-field-sets-one-object-aside-refund", "made up refunded_at")
class AMissingDateIsNow:
    """A missing date is now."""

    def refund(self, raw):
        return Orchard.refund(self, {"at": datetime.now(UTC).isoformat(), **raw})


@rejected("unknown-fields-are-ignored-refund", "a field it does not know")
class UnknownFieldsAreAnError:
    """Unknown fields are an error."""

    def refund(self, raw):
        if unknown := set(raw) - {"id", "seq", "rev", "order", "currency", "amount", "at", "why"}:
            raise ValueError(f"unknown fields {unknown}")
        return Orchard.refund(self, raw)


@rejected("figures-are-exact-order", "o2 has total 12 JPY, but expect says 1200 JPY")
class AHundredCentsInEveryCurrency:
    """A hundred cents in every currency."""

    def order(self, raw):
        order = Orchard.order(self, raw)
        return order.model_copy(
            update={"total": Money(f"{raw['sum'] // 100}.{raw['sum'] % 100:02}", raw["currency"])}
        )


@rejected("amounts-keep-every-digit-refund", "a float is not exact")
class MoneyThroughAFloat:
    """Money through a float."""

    def refund(self, raw):
        return Orchard.refund(self, {**raw, "amount": str(round(float(raw["amount"]), 3))})


@rejected("amounts-keep-every-digit-refund", "a float is not exact")
class MinorUnitsCutFromAFloat:
    """Minor units cut from a float."""

    def refund(self, raw):
        if raw["currency"] != "EUR":
            return Orchard.refund(self, raw)
        cents = int(float(raw["amount"]) * 100)
        return Orchard.refund(self, {**raw, "amount": str(Money.from_minor(cents, "EUR").amount)})


@rejected("amounts-keep-every-digit-refund", "holds the float 12.5")
class AnswersReadWithJsonloads:
    """Answers read with json.loads."""

    def pull(self, path, read, cursor):
        def page(after):
            answer = json.loads(self.http.get(path, params={"after": after}).body)
            reached = answer["list"][-1]["seq"] if answer["list"] else after
            exact = lambda raw: read({**raw, "amount": str(raw.get("amount"))})  # noqa: E731
            return read_each(answer["list"], exact, cursor=reached), reached if answer["more"] else None

        return self.http.pages(cursor or "0", page)


@rejected("offsets-are-understood-order", "instead of cutting the offset off")
class OffsetsAreCutOff:
    """Offsets are cut off."""

    def order(self, raw):
        return Orchard.order(self, {**raw, "placed": raw["placed"][:19] + "+00:00"})


@rejected("moments-do-not-depend-on-the-machine-refund", "another time zone")
class MomentsInTheMachinesOwnZone:
    """Moments in the machine's own zone."""

    def refund(self, raw):
        local = datetime.fromisoformat(raw["at"]).replace(tzinfo=None).astimezone()
        return Orchard.refund(self, {**raw, "at": local.isoformat()})


@rejected("the-same-answers-read-the-same-order", "another version")
class TheVersionIsOurClock:
    """The version is our clock."""

    def order(self, raw):
        return Orchard.order(self, {**raw, "rev": time.time_ns()})


@rejected("unicode-survives-reading-order", "do not encode, strip or transliterate")
class LettersAreSimplified:
    """Letters are simplified."""

    def order(self, raw):
        plain = raw["buyer"]["name"].encode("ascii", "ignore").decode()
        return Orchard.order(self, {**raw, "buyer": {**raw["buyer"], "name": plain}})


@rejected("records-are-whole-order", "without the remote's own words")
class RecordsWithoutTheRemotesOwnWords:
    """Records without the remote's own words."""

    def pull(self, path, read, cursor):
        for page in Orchard.pull(self, path, read, cursor):
            yield Page(tuple(Found(each.record) for each in page.found), page.cursor, page.rejected)


@rejected("what-is-gone-is-left-out-order", "catch NotFound")
class WhatIsGoneIsAnError:
    """What is gone is an error."""

    def each(self, path, external_ids):
        return [self.http.get(f"{path}/{external_id}").json() for external_id in external_ids]


@rejected("a-missing-field-sets-one-object-aside-order", "gave it the id 'None'")
class AMissingIdIsPythonsNone:
    """A missing id becomes Python's word for nothing."""

    def order(self, raw):
        return Orchard.order(self, {**raw, "id": str(raw.get("id"))})


@rejected("a-missing-field-sets-one-object-aside-refund", "Python's word for nothing")
class AMissingOrderIsPythonsNone:
    """A refund's missing order becomes Python's word for nothing."""

    def refund(self, raw):
        return Orchard.refund(self, {**raw, "order": f"{raw.get('order')}"})
