"""Reading documents of several types by their ids, all in one statement."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.storage.conditions import documents_of
from maydan.storage.documents import table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.storage.document_places import Where
    from maydan.storage.expressions import DialectName
    from maydan.storage.ports import Row, Store

_encode: Final = msgspec.json.Encoder().encode
_MOST_TEXTS: Final = 1000


class Wanted(Struct, frozen=True, kw_only=True):
    """Documents of one type."""

    where: Where
    ids: Sequence[str]
    private: bool
    """Whether the private part is needed too."""


class DocumentSet(Struct, frozen=True):
    """The documents of one type that were found, by their ids."""

    bodies: dict[str, str]
    private: dict[str, str]
    """Empty where it was not wanted."""


class _Kind(Struct, frozen=True):
    """What the text of a statement depends on."""

    table: str
    translated_only: bool
    private: bool


class SetRead(Struct, frozen=True):
    """One statement that reads documents of several types by their ids.

    Those who ask for the same at the same moment share the answer. The text is the same however many ids there are.
    """

    sql: str
    args: tuple[Any, ...]

    async def rows(self, store: Store) -> Sequence[Row]:
        """Return what is stored now; :func:`sets_of` takes it apart."""
        return await store.fetch_shared(self.sql, *self.args) if self.sql else ()


def set_read(dialect: DialectName, wanted: Sequence[Wanted]) -> SetRead:
    """Return how to read what is wanted."""
    kinds = tuple(_Kind(table_of(one.where.type), one.where.translated_only, one.private) for one in wanted)
    args: list[object] = []
    for one in wanted:
        where = one.where
        args += where.space_key, where.perspective, where.locale, _encode(one.ids).decode()
    return SetRead(_text(dialect, kinds), tuple(args))


def sets_of(wanted: Sequence[Wanted], rows: Sequence[Row]) -> list[DocumentSet]:
    """Return the documents type by type, in the order of what was wanted; missing ones are left out."""
    found = [DocumentSet({}, {}) for _ in wanted]
    for row in rows:
        place: int = row[0]
        found[place].bodies[row[1]] = row[2]
        if row[3] is not None:
            found[place].private[row[1]] = row[3]
    return found


@lru_cache(maxsize=_MOST_TEXTS)
def _text(dialect: DialectName, kinds: tuple[_Kind, ...]) -> str:
    return " UNION ALL ".join(_select(dialect, place, kind) for place, kind in enumerate(kinds))


def _select(dialect: DialectName, place: int, kind: _Kind) -> str:
    base = documents_of(0, 0, "", translated_only=kind.translated_only).text
    private = "private" if kind.private else "CAST(NULL AS {json_text})"
    columns = f"{place:d}, CAST(entry_id AS {{text}}), body, {private}"
    return f"SELECT {columns} FROM {kind.table} WHERE {base} AND {_IDS[dialect]}"


_IDS: Final = {
    "sqlite": "entry_id IN (SELECT value FROM json_each(?))",
    "postgresql": "entry_id = ANY (ARRAY(SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb))))",
}
