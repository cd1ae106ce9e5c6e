"""What a connector can do and what its remote can promise, in words for the people who rely on it."""

from __future__ import annotations

from portal.sdk import Connector, Promise, capabilities

ABILITIES: list[tuple[type, str]] = [
    (capabilities.PullsOrders, "reads orders"),
    (capabilities.PullsRefunds, "reads refunds"),
    (capabilities.PullsShipments, "reads shipments"),
    (capabilities.PullsStock, "reads stock"),
    (capabilities.PullsProducts, "reads products"),
    (capabilities.PullsLocations, "reads locations"),
    (capabilities.CountsOrders, "counts its orders"),
    (capabilities.ReadsOrders, "reads the orders of a span of time"),
    (capabilities.PushesOrders, "takes orders"),
    (capabilities.PushesRefunds, "takes refunds and returns"),
    (capabilities.PushesShipments, "takes shipments"),
    (capabilities.PushesStock, "takes stock"),
    (capabilities.HearsWebhooks, "tells us at once by webhook"),
]

PROMISES: dict[Promise, str] = {
    Promise.IDEMPOTENCY_KEY: "A repeat with the same key has one effect. A lost answer is asked for again, safely.",
    Promise.UNIQUE_REFERENCE: "It refuses a second one with the same reference. A lost answer is looked up.",
    Promise.SEARCHABLE: "It can be searched by our reference. A lost answer is looked up before it is sent again.",
    Promise.ABSOLUTE: "The value is set, not added to. Sending it twice does no harm.",
    Promise.NOTHING: "It promises nothing. When an answer is lost, a person has to look.",
}


def abilities(cls: type[Connector]) -> list[str]:
    return [words for capability, words in ABILITIES if issubclass(cls, capability)]


def promises(cls: type[Connector]) -> list[tuple[str, str, str]]:
    """Of each kind it takes: the kind, the class A to E, and what that means."""
    return [(kind, promise.value, PROMISES[promise]) for kind, promise in cls.promises.items()]
