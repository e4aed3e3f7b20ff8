"""Reading the documents of entries under every perspective and in every locale, to judge who may learn of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.storage.documents import table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.storage.ports import Store

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_IDS: Final = {
    "sqlite": "entry_id IN (SELECT value FROM json_each(?))",
    "postgresql": "entry_id = ANY (ARRAY(SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb))))",
}


class Sighting(Struct, frozen=True):
    """One document of an entry."""

    entry_id: str
    perspective: int
    document: dict[str, Any]
    """Every field, private ones and authors too; empty where only the existence was asked for."""


async def find_sightings(
    store: Store,
    content_type: ContentType,
    space: Space,
    ids: Sequence[str],
    perspectives: Sequence[int],
    *,
    whole: bool,
) -> list[Sighting]:
    """Return the documents of entries, in one statement however many they are.

    Args:
        store: Where to read.
        content_type: Of all of them.
        space: Where they lie.
        ids: Those that are not found are left out.
        perspectives: Under which to look.
        whole: Whether to read what they hold; else one sighting per entry and perspective says that it is there.
    """
    if not ids or not perspectives:
        return []
    columns = "entry_id, perspective, body, private" if whole else "DISTINCT entry_id, perspective"
    rows = await store.fetch_all(
        f"SELECT {columns} FROM {table_of(content_type)} WHERE space_key = ?"
        f" AND perspective IN ({','.join('?' * len(perspectives))})"
        f" AND locale IN ({','.join('?' * len(space.locales))}) AND {_IDS[store.dialect.name]}",
        space.key,
        *perspectives,
        *space.locales,
        msgspec.json.encode(ids).decode(),
    )
    return [Sighting(str(row[0]), row[1], {**_decode(row[2]), **_decode(row[3])} if whole else {}) for row in rows]
