"""What every database can keep. PostgreSQL refuses a NUL and half a surrogate pair, in text and in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pydantic_core import to_json

from portal.sdk import StockLevel

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_all = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Json(dict[str, Any]):
    """Data with their text, so that they are encoded once however often they are stored. Not to be changed."""

    __slots__ = ("text",)

    def __init__(self, data: Mapping[str, Any], text: str) -> None:
        super().__init__(data)
        self.text = text


def as_json(data: Any) -> str:
    return data.text if type(data) is Json else _encode(data)


def clean(text: str) -> str:
    """The text without what cannot be kept."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def plain(data: Any) -> Any:
    """``data`` as JSON that can be kept: a remote's own words, as evidence. ``Decimal`` and moments become text."""
    text = _encode_all(data)
    kept = json.loads(text, parse_constant=str)
    return kept if can_be_kept(text) else _cleaned(kept)


def evidence(raw: Mapping[str, Any]) -> Json:
    """The same of an object that is only stored: its text is plain, while the data are as they came."""
    data = dict(raw)
    with suppress(ValueError):
        text = to_json(data, fallback=str, inf_nan_mode="strings").decode()
        if can_be_kept(text):
            return Json(data, text)
    kept = plain(data)
    return Json(kept, _encode(kept))


def storable_levels(levels: Iterable[StockLevel]) -> bool:
    """Whether these levels can be kept as they are: their ids are all the text they have."""
    ids = "".join(f"{one.external_id}{one.product_id}{one.sku}{one.location_id}" for one in levels)
    return clean(ids) == ids


def can_be_kept(text: str) -> bool:
    """Whether this JSON, with its letters unescaped, has only what every database takes."""
    return "\\u0000" not in text and clean(text) == text


def _cleaned(data: Any) -> Any:
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, list):
        return [_cleaned(each) for each in data]
    if isinstance(data, dict):
        return {clean(key): _cleaned(each) for key, each in data.items()}
    return data
