"""From an order's or a refund's lines to the lines of a Tryton sale. Pure but for the look-ups given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from portal.sdk import Change, Money, Order, Refund, ShippingLine, SkipRecord, Tax

from .directory import Currency
from .prices import computed, unit_price


class LookUps(Protocol):
    """The part of :class:`~plugins.tryton.directory.Directory` that lines need."""

    @property
    def shipping(self) -> int: ...
    @property
    def refund(self) -> int: ...
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


def line_from(
    label: str,
    product: int,
    quantity: Decimal,
    net: Decimal,
    taxes: Sequence[Tax],
    currency: Currency,
    look: LookUps,
) -> SaleLine:
    """``net`` and the taxes' amounts carry the sign of ``quantity`` when nothing is turned round."""
    rated = [(tax.rate / 100, tax.amount.amount) for tax in taxes]
    # A negative quantity at a positive price: both figures of the refund turn round together.
    sign = -1 if quantity < 0 else 1
    price = unit_price(
        sign * net, [(rate, sign * amount) for rate, amount in rated], abs(quantity), currency.rounding
    )
    return SaleLine(
        label=label,
        product=product,
        quantity=quantity,
        unit_price=price,
        taxes=tuple(look.tax(tax.name, tax.rate) for tax in taxes),
        rates=tuple(rate for rate, _ in rated),
        net=net,
        tax=sum((amount for _, amount in rated), Decimal(0)),
    )


def _tax(taxes: Sequence[Tax]) -> Decimal:
    return sum((tax.amount.amount for tax in taxes), Decimal(0))


def order_lines(change: Change[Order], look: LookUps) -> list[SaleLine]:
    """The lines of the order's sale. Raises ``SkipRecord`` for an unknown SKU, tax or currency."""
    order = change.record
    currency = look.currency(order.currency)

    def net(total: Money, taxes: Sequence[Tax]) -> Decimal:
        return total.amount - _tax(taxes) if order.tax_included else total.amount

    lines = [
        line_from(
            f"line {number} ({line.sku} × {line.quantity.normalize():f})",
            int(change.ref("product", line.sku)),
            line.quantity,
            net(line.total, line.taxes),
            line.taxes,
            currency,
            look,
        )
        for number, line in enumerate(order.lines, 1)
        if line.quantity
    ]
    for delivery in order.delivery:
        if delivery.total:
            figures = net(delivery.total, delivery.taxes)
            lines.append(
                line_from("shipping", look.shipping, Decimal(1), figures, delivery.taxes, currency, look)
            )
    check_sum(lines, order.total.amount, currency, f"Order {order.number}")
    return lines


def refund_lines(change: Change[Refund], look: LookUps) -> list[SaleLine]:
    """The lines of the refund's return sale, with negative quantities.

    Goods that came back are sold back as themselves; money without goods goes to the refund product.
    """
    refund = change.record
    currency = look.currency(refund.currency)
    lines = []
    for number, line in enumerate(refund.lines, 1):
        came_back = bool(line.restock_to and line.quantity)
        product = int(change.ref("product", line.sku)) if came_back else look.refund
        label = f"line {number} ({line.sku} × {line.quantity.normalize():f})"
        back = [tax.model_copy(update={"amount": -tax.amount}) for tax in line.taxes]
        net = -line.total.amount - _tax(back)
        lines.append(line_from(label, product, -(line.quantity or Decimal(1)), net, back, currency, look))
    if refund.shipping and refund.shipping.total:
        back = [tax.model_copy(update={"amount": -tax.amount}) for tax in refund.shipping.taxes]
        net = -_gross_shipping(refund, refund.shipping) - _tax(back)
        lines.append(line_from("shipping", look.shipping, Decimal(-1), net, back, currency, look))
    if refund.adjustment:
        net = -refund.adjustment.amount
        quantity = Decimal(1 if net > 0 else -1)
        lines.append(line_from("adjustment", look.refund, quantity, net, (), currency, look))
    check_sum(lines, -refund.total.amount, currency, f"Refund {refund.number or refund.external_id}")
    return lines


def _gross_shipping(refund: Refund, shipping: ShippingLine) -> Decimal:
    """Shipping with its tax. It comes in the order's tax mode, which only the refund's total gives away."""
    rest = refund.total.amount - sum((line.total.amount for line in refund.lines), Decimal(0))
    if refund.adjustment:
        rest -= refund.adjustment.amount
    gross = shipping.total.amount + _tax(shipping.taxes)
    return gross if gross == rest else shipping.total.amount


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
