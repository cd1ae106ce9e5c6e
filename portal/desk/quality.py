"""What a connector is worth on the quality scale, for those who are about to rely on it."""

from __future__ import annotations

from portal.desk import show
from portal.desk.panels import Panel, values
from portal.plugins.ratings import Standing, standing
from portal.sdk import Connector
from portal.testing.scale import Level

TONES = {Level.BRONZE: "warn", Level.SILVER: "info", Level.GOLD: "good", Level.PLATINUM: "good"}


def quality_pill(told: Standing) -> str:
    """The level in a word; “Not rated” is no reproach, “Below bronze” is one."""
    if told.rating is None:
        return show.pill(told.title, "quiet")
    return show.pill(told.title, TONES[told.rating.level] if told.rating.level else "bad")


def quality_panel(cls: type[Connector]) -> Panel:
    told = standing(cls)
    waived = told.rating.waived if told.rating else {}
    return values(
        "Quality of the connector",
        [
            ("Level", quality_pill(told)),
            ("That means", told.means),
            ("For the next level", show.lines(told.wants) if told.wants else ""),
            ("Left out of its tests", show.lines(f"{name}: {why}" for name, why in waived.items())),
        ],
    )
