"""What a plugin wants to be seen (`portal.sdk.surfaces`), drawn with the pieces that our own pages are made of."""

from __future__ import annotations

from collections.abc import Iterable

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.desk import panels
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
        return panels.table("", block.heads, block.rows, empty=block.empty)
    return panels.values("", block.pairs)


def _drawn(piece: panels.Panel) -> SafeString:
    return render_to_string(piece.template, {"panel": piece.context})
