"""From an order's or a refund's lines to the lines of a Tryton sale. Pure but for the look-ups given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from portal.sdk import Change, Money, Order, Refund, SkipRecord, Tax

from .directory import Currency
from .prices import computed, odd_unit, unit_price


class LookUps(Protocol):
    """The part of :class:`~plugins.tryton.directory.Directory` that lines need."""

    @property
    def shipping(self) -> int: ...
    @property
    def refund(self) -> int: ...
    @property
    def rounding(self) -> int: ...
    def currency(self, code: str) -> Currency: ...
    def tax(self, name: str, rate: Decimal) -> int: ...
    def units(self, products: Iterable[int]) -> dict[int, int]: ...


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line as it shall stand in Tryton, with the figures that Tryton has to arrive at."""

    label: str
    product: int
    quantity: Decimal
    unit_price: Decimal
    taxes: tuple[int, ...]
    rates: tuple[Decimal, ...]
    net: Decimal
    tax: Decimal

    @property
    def key(self) -> tuple[int, Decimal, Decimal, tuple[int, ...]]:
        """What makes two lines the same to the customer and the tax office."""
        return self.product, self.quantity, self.unit_price, self.taxes

    def values(self, unit: int) -> dict[str, Any]:
        return {
            "type": "line",
            "product": self.product,
            "quantity": float(self.quantity),
            "unit": unit,
            "unit_price": self.unit_price,
            "taxes": [["add", list(self.taxes)]] if self.taxes else [],
        }


def lines_from(
    label: str,
    product: int,
    quantity: Decimal,
    net: Decimal,
    taxes: Sequence[Tax],
    currency: Currency,
    look: LookUps,
) -> list[SaleLine]:
    """One line, and a second for a cent where no net price gives the shop's figures and a product is named for it.

    ``net`` and the taxes' amounts carry the sign of ``quantity``: a refund turns all of them round together.
    """
    sign = -1 if quantity < 0 else 1
    rates = tuple(tax.rate / 100 for tax in taxes)
    rated = [(tax.rate / 100, sign * tax.amount.amount) for tax in taxes]
    ids = tuple(look.tax(tax.name, tax.rate) for tax in taxes)
    price = unit_price(sign * net, rated, abs(quantity), currency.rounding)
    wanted = [sign * net, *(amount for _, amount in rated)]
    if look.rounding and computed(abs(quantity), price, rates, currency.rounding) != wanted:
        odd = odd_unit(sign * net, rated, abs(quantity), currency.rounding)
        if odd:
            price, cent = odd
            rest = sign * cent
            line = SaleLine(label, product, quantity, price, ids, rates, net - rest, _tax(taxes))
            return [
                line,
                SaleLine(f"rounding of {label}", look.rounding, Decimal(sign), cent, (), (), rest, _NOTHING),
            ]
    return [SaleLine(label, product, quantity, price, ids, rates, net, _tax(taxes))]


_NOTHING, _ONE = Decimal(0), Decimal(1)


def _tax(taxes: Sequence[Tax]) -> Decimal:
    return sum((tax.amount.amount for tax in taxes), Decimal(0))


def order_lines(change: Change[Order], look: LookUps) -> list[SaleLine]:
    """The lines of the order's sale. Raises ``SkipRecord`` for an unknown SKU, tax or currency."""
    order = change.record
    currency = look.currency(order.currency)

    def net(total: Money, taxes: Sequence[Tax]) -> Decimal:
        return total.amount - _tax(taxes) if order.tax_included else total.amount

    lines: list[SaleLine] = []
    for number, line in enumerate(order.lines, 1):
        if line.quantity:
            label = f"line {number} ({line.sku} × {line.quantity.normalize():f})"
            product = int(change.ref("product", line.sku))
            figure = net(line.total, line.taxes)
            lines += lines_from(label, product, line.quantity, figure, line.taxes, currency, look)
    for delivery in order.delivery:
        if delivery.total:
            figure = net(delivery.total, delivery.taxes)
            lines += lines_from("shipping", look.shipping, _ONE, figure, delivery.taxes, currency, look)
    check_sum(lines, order.total.amount, currency, f"Order {order.number}")
    return lines


def refund_lines(change: Change[Refund], look: LookUps) -> list[SaleLine]:
    """The lines of the refund's return sale, with negative quantities.

    Goods that came back are sold back as themselves; money without goods goes to the refund product. All of
    a refund's totals, also its shipping's, contain their tax.
    """
    refund = change.record
    currency = look.currency(refund.currency)
    lines: list[SaleLine] = []

    def give(label: str, product: int, quantity: Decimal, total: Money, taxes: Sequence[Tax]) -> None:
        back = [tax.model_copy(update={"amount": -tax.amount}) for tax in taxes]
        net = -total.amount - _tax(back)
        lines.extend(lines_from(label, product, quantity, net, back, currency, look))

    for number, line in enumerate(refund.lines, 1):
        came_back = bool(line.restock_to and line.quantity)
        product = int(change.ref("product", line.sku)) if came_back else look.refund
        label = f"line {number} ({line.sku} × {line.quantity.normalize():f})"
        give(label, product, -(line.quantity or _ONE), line.total, line.taxes)
    if refund.shipping and refund.shipping.total:
        give("shipping", look.shipping, -_ONE, refund.shipping.total, refund.shipping.taxes)
    if refund.adjustment:
        give(
            "adjustment", look.refund, _ONE if refund.adjustment.amount < 0 else -_ONE, refund.adjustment, ()
        )
    check_sum(lines, -refund.total.amount, currency, f"Refund {refund.number or refund.external_id}")
    return lines


def check_sum(lines: Sequence[SaleLine], total: Decimal, currency: Currency, what: str) -> None:
    """Refuse a record that contradicts itself, before anything is written. Raises ``SkipRecord``."""
    summed = sum((line.net + line.tax for line in lines), Decimal(0))
    if summed != total:
        raise SkipRecord(
            f"{what} says a total of {total:f} {currency.code}, but its lines and shipping with their taxes "
            f"add up to {summed:f} {currency.code}.",
            cause="totals-differ",
            mend="Compare the record with the source's own page; correct it there or in the mapping.",
        )


def difference(
    lines: Sequence[SaleLine], total: Decimal, said: Decimal, currency: Currency, what: str
) -> SkipRecord:
    """The error for a sale whose total in Tryton is not the shop's: it names the line and both figures."""
    found = []
    for line in lines:
        net, *taxes = computed(line.quantity, line.unit_price, line.rates, currency.rounding)
        tax = sum(taxes, Decimal(0))
        if (net, tax) != (line.net, line.tax):
            found.append(
                f"{line.label}: the source says {line.net:f} + {line.tax:f} tax, Tryton {net:f} + {tax:f} tax"
            )
    where = "; ".join(found) or "every line agrees, so a tax in Tryton is not computed as its rate says"
    return SkipRecord(
        f"{what} is {total:f} {currency.code} at the source and {said:f} {currency.code} in Tryton: {where}. "
        "The sale was left unconfirmed.",
        cause="totals-differ",
        mend="Check the tax and its rounding (per line or per document) in Tryton, then send again.",
    )
