"""The banner that tells staff, on every page, of plugins that are left out; and what plugins draw with our pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.safestring import SafeString

from portal.desk import show
from portal.desk.blocks import draw
from portal.plugins.models import Plugin
from portal.plugins.overview import names_left_out
from portal.sdk.surfaces import Block

register = template.Library()


@register.inclusion_tag("desk/plugin_banner.html", takes_context=True)
def plugin_banner(context: dict[str, Any]) -> dict[str, Any]:
    request = context.get("request")
    names = names_left_out() if request is not None and request.user.is_staff else []
    may_look = bool(names) and show.may_view(request, Plugin)
    return {"names": names, "link": show.listing(Plugin) if may_look else ""}


@register.simple_tag
def plugin_blocks(blocks: Iterable[Block]) -> SafeString:
    return draw(blocks)
