"""What every database can keep. PostgreSQL refuses a NUL and half a surrogate pair, in text and in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic_core import PydanticSerializationError

from portal.sdk import Record, StockLevel


def clean(text: str) -> str:
    """The text without what cannot be kept."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def plain(data: Any) -> Any:
    """``data`` as JSON that can be kept: a remote's own words, as evidence. ``Decimal`` and moments become text."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    kept = json.loads(text, parse_constant=str)
    return kept if _can_be_kept(text) else _cleaned(kept)


def storable(record: Record) -> bool:
    """Whether the record can be kept as it is; a record is never altered to fit."""
    try:
        return _can_be_kept(record.model_dump_json())
    except PydanticSerializationError:
        return False


def storable_levels(levels: Iterable[StockLevel]) -> bool:
    """The same of many levels at once, whose ids are all the text they have."""
    ids = "".join(f"{one.external_id}{one.product_id}{one.sku}{one.location_id}" for one in levels)
    return clean(ids) == ids


def _can_be_kept(text: str) -> bool:
    return "\\u0000" not in text and clean(text) == text


def _cleaned(data: Any) -> Any:
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, list):
        return [_cleaned(each) for each in data]
    if isinstance(data, dict):
        return {clean(key): _cleaned(each) for key, each in data.items()}
    return data
