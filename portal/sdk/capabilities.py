"""What a connector can do. Have the method and you have the capability; nothing is registered.

``pull_*`` takes the cursor of the last stored page (None: from the beginning) and yields pages, oldest
change first. ``fetch_*`` reads the given ids and leaves out those that are gone. ``push_*`` makes one
change and returns the receipt; it may be called from several threads. ``find_*`` looks for the effect of a
change whose answer was lost: the receipt if it is there in full; None if it is not, or only in part, so
that pushing again is right; and ``OutcomeUnknown`` if nobody can tell.

Two are asked by the clock, for what is dated (an order by when it was placed) from ``since`` up to, but without,
``until``, whatever became of it. ``count_*`` says how many there are: the portal compares, and tells when some did
not come in. ``read_*`` yields them in pages; a page's cursor leads past what that page held, so that reading goes
on there after a stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from portal.sdk.connector import Change, Hint, Page, Receipt, Webhook
from portal.sdk.records import Location, Order, Product, Refund, Shipment, StockLevel


@runtime_checkable
class PullsLocations(Protocol):
    """The places that hold stock: warehouses, shops, storerooms.

    The portal ties them to those of other connections by their code.
    """

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]: ...


@runtime_checkable
class PullsProducts(Protocol):
    """What is sold, one record for each SKU (a variant, not the family it belongs to).

    The portal ties products of two connections by their SKU; prices and titles are for people.
    """

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]: ...


@runtime_checkable
class PullsStock(Protocol):
    """What can be sold of each product at each place.

    With no cursor every level is read, so that a full check sees also what nobody announced.
    """

    def pull_stock(self, cursor: str | None) -> Iterator[Page[StockLevel]]: ...


@runtime_checkable
class PullsOrders(Protocol):
    """Orders with their lines, taxes, shipping and payments, new ones and changed ones.

    A cancelled order is read too: its state says so. One whose lines and total contradict each other stops
    alone, with a case that names the line.
    """

    def pull_order(self, cursor: str | None) -> Iterator[Page[Order]]: ...


@runtime_checkable
class PullsShipments(Protocol):
    """Parcels that left, each with the order it belongs to, its lines, carrier and tracking.

    One that covers several orders is one record for each of them.
    """

    def pull_shipment(self, cursor: str | None) -> Iterator[Page[Shipment]]: ...


@runtime_checkable
class PullsRefunds(Protocol):
    """Money that was given back, with the goods that came back, if any."""

    def pull_refund(self, cursor: str | None) -> Iterator[Page[Refund]]: ...


@runtime_checkable
class FetchesOrders(Protocol):
    """Needed beside webhooks: a hint names an order, and the order itself is read again."""

    def fetch_order(self, external_ids: Sequence[str]) -> Page[Order]: ...


@runtime_checkable
class FetchesRefunds(Protocol):
    """Needed beside webhooks that name refunds."""

    def fetch_refund(self, external_ids: Sequence[str]) -> Page[Refund]: ...


@runtime_checkable
class CountsOrders(Protocol):
    """How many orders were placed in a span of time, so that the portal notices when some did not come in."""

    def count_order(self, since: datetime, until: datetime) -> int: ...


@runtime_checkable
class CountsRefunds(Protocol):
    """How many refunds were made in a span of time, compared as orders are."""

    def count_refund(self, since: datetime, until: datetime) -> int: ...


@runtime_checkable
class ReadsOrders(Protocol):
    """The orders of a span of time once more, to make up for those that did not come in."""

    def read_order(self, since: datetime, until: datetime, cursor: str | None) -> Iterator[Page[Order]]: ...


@runtime_checkable
class ReadsRefunds(Protocol):
    """The refunds of a span of time once more."""

    def read_refund(self, since: datetime, until: datetime, cursor: str | None) -> Iterator[Page[Refund]]: ...


@runtime_checkable
class ReadsShipments(Protocol):
    """The shipments of a span of time once more."""

    def read_shipment(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> Iterator[Page[Shipment]]: ...


@runtime_checkable
class PushesOrders(Protocol):
    """Create the order, or bring it to the state given: lines, addresses, cancelled."""

    def push_order(self, change: Change[Order]) -> Receipt: ...

    def find_order(self, change: Change[Order]) -> Receipt | None: ...


@runtime_checkable
class PushesStock(Protocol):
    """Set the level, absolutely. Raises ``ReadAgain`` when ``record.expected`` is not what the remote has."""

    def push_stock(self, change: Change[StockLevel]) -> Receipt: ...


@runtime_checkable
class PushesShipments(Protocol):
    """Tell the shop what left, so that it tells its customer. A parcel is told once and never changed."""

    def push_shipment(self, change: Change[Shipment]) -> Receipt: ...

    def find_shipment(self, change: Change[Shipment]) -> Receipt | None: ...


@runtime_checkable
class PushesRefunds(Protocol):
    """Book a refund: the money, and the goods that are back on a shelf (``restock_to``)."""

    def push_refund(self, change: Change[Refund]) -> Receipt: ...

    def find_refund(self, change: Change[Refund]) -> Receipt | None: ...


@runtime_checkable
class HearsWebhooks(Protocol):
    """Changes are told at once instead of being found by the next reading, which goes on all the same."""

    def hear(self, webhook: Webhook, secrets: Sequence[str]) -> Sequence[Hint]:
        """Verify the raw bytes against any of the secrets. Raises ``Forged``."""
        ...

    def subscribe(self, url: str, secret: str) -> str:
        """Make the remote send its webhooks to ``url``; once is enough, again is harmless. A sentence."""
        ...


@runtime_checkable
class HearsTopics(HearsWebhooks, Protocol):
    """Can be asked for topics beside its own, which plugins want to hear of (``register_topics``).

    ``hear`` returns a ``Hint`` with an empty ``kind`` for a webhook of such a topic.
    """

    def subscribe_topics(self, url: str, secret: str, topics: Sequence[str]) -> str:
        """Make the remote send its webhooks of these topics, too, to ``url``. Again is harmless. A sentence."""
        ...


@runtime_checkable
class KnowsItsSubscription(Protocol):
    """Remotes switch off a webhook that failed for a while, and say nothing: so it is asked about."""

    def subscribed(self, url: str) -> bool:
        """Whether the remote still sends to ``url`` all that ``subscribe`` asks for."""
        ...
