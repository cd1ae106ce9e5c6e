"""A record that was found, as it is written: encoded once, for its row, its fingerprint and its operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError

from portal.records.digest import digest_of, in_order
from portal.records.plain import Json, can_be_kept, evidence
from portal.sdk import Found

BAD_LETTERS = "it has characters that cannot be stored (a NUL, or half a surrogate pair)"


class CannotBeKept(ValueError):
    """A record that no database takes; it is never altered to fit."""


@dataclass(slots=True)
class Written:
    """``data`` is the whole record, ``digest`` the fingerprint of all but its version, which grows without anything
    changing."""

    record: Any
    raw: Mapping[str, Any]
    data: Json
    digest: str

    def evidence(self) -> Json:
        """The remote's own words, as they are kept."""
        return evidence(self.raw)


def written(item: Found[Any]) -> Written:
    """Raises ``CannotBeKept``."""
    try:
        data = item.record.model_dump(mode="json")
    except PydanticSerializationError as error:  # it was changed past the checks of its kind
        raise CannotBeKept(f"it cannot be written down ({error})") from error
    text = in_order({name: value for name, value in data.items() if name != "version"})
    if not can_be_kept(text):
        raise CannotBeKept(BAD_LETTERS)
    whole = f'{text[:-1]},"version":{data["version"]}}}'
    return Written(item.record, item.raw, Json(data, whole), digest_of(text))
