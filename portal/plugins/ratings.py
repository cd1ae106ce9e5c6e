"""What each connector is worth on the quality scale, for people: before a connection is made, and as a command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.plugins.manager import connector_class, connector_classes
from portal.sdk import Connector
from portal.testing.report import NotRated, rating
from portal.testing.scale import RULES, Rating


@dataclass(frozen=True, slots=True)
class Standing:
    """``title`` is the level or “Not rated”, ``means`` a sentence about it; ``rating`` is None where there is none."""

    title: str
    means: str
    rating: Rating | None = None

    @property
    def wants(self) -> list[str]:
        """What the next level wants, as sentences."""
        near = self.rating.next_level if self.rating else ()
        return [f"{each.rule.level.title} wants {each.rule.name}: {each.rule.why}" for each in near]


_STANDINGS: dict[type[Connector], Standing] = {}
"""Read once: what is installed changes only with a restart."""


def standing(connector: type[Connector]) -> Standing:
    """What the connector's own report proves."""
    if connector not in _STANDINGS:
        _STANDINGS[connector] = _read(connector)
    return _STANDINGS[connector]


def _read(connector: type[Connector]) -> Standing:
    try:
        rated = rating(connector)
    except NotRated as error:
        return Standing("Not rated", str(error))
    means = (
        rated.level.means if rated.level else "Its own report shows rules of the first level that it breaks."
    )
    return Standing(rated.title, means, rated)


def table() -> str:
    """All connectors with their standings, a line each."""
    found = {key: standing(cls) for key, cls in connector_classes().items()}
    width = max((len(key) for key in found), default=0)
    return "\n".join(
        f"{key.ljust(width)}  {each.title.ljust(12)}  {each.means}" for key, each in found.items()
    )


def account(key: str) -> str:
    """One connector against every rule. Raises ``UnknownConnector``."""
    connector = connector_class(key)
    told = standing(connector)
    return "\n".join([f"{connector.title}: {told.title}. {told.means}", *_rules(told), *_waived(told)])


def _rules(told: Standing) -> Iterator[str]:
    if told.rating is None:
        return
    lacking = {each.rule: each.why for each in told.rating.unproven}
    for rule in RULES:
        yield f"{'✗' if rule in lacking else '✓'} {rule.level.title.ljust(8)}  {rule.name}: {rule.why}"
        yield from (f"            {why}" for why in lacking.get(rule, ()))


def _waived(told: Standing) -> Iterator[str]:
    if told.rating:
        yield from (f"Waived {name}: {why}" for name, why in told.rating.waived.items())
