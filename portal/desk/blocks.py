"""What a plugin wants to be seen (`portal.sdk.surfaces`), drawn with the pieces that our own pages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.desk import panels, show
from portal.sdk import Money
from portal.sdk.surfaces import Block, Table, Text


def draw(blocks: Iterable[Block]) -> SafeString:
    """The blocks as HTML, one below the other; empty for none.

    Whatever the plugin's own values do when they are turned into text happens here, and nowhere later.
    """
    pieces = [_piece(block) for block in blocks]
    return format_html_join("", "{}", ((_drawn(piece),) for piece in pieces))


def _piece(block: Block) -> panels.Panel:
    if isinstance(block, Text):
        return panels.text("", block.body, block.tone)
    if isinstance(block, Table):
        rows = [[_cell(value) for value in row] for row in block.rows]
        return panels.table("", block.heads, rows, empty=block.empty)
    return panels.values("", [(label, _cell(value)) for label, value in block.pairs])


def _cell(value: Any) -> Any:
    """Moments, amounts and quantities look as they do everywhere else."""
    if isinstance(value, datetime):
        return show.moment(value)
    if isinstance(value, Money):
        return show.amount(value)
    return show.number(value) if isinstance(value, Decimal) else value


def _drawn(piece: panels.Panel) -> SafeString:
    return render_to_string(piece.template, {"panel": piece.context})
