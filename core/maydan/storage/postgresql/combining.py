"""One statement out of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maydan.storage.dialects import POSTGRESQL
from maydan.storage.ports import Statement
from maydan.storage.postgresql.errors import GUARD

MAX_PARTS: Final = 64
"""Parts of one statement: planning grows with them; a longer batch is several statements in a transaction."""
MAX_PARAMETERS: Final = 30_000
"""asyncpg takes 32,767."""
_MAX_CACHED: Final = 2000
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "WITH")

_Key = tuple[str | int | None, ...]


class Combiner:
    """Turns batches into texts, and remembers them by the texts of their parts."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._cache: dict[_Key, str | None] = {}

    def text(self, batch: Sequence[Statement]) -> str | None:
        """Return one statement that does all of the batch, or None when that cannot be, as with CREATE TABLE.

        A single statement without a guard stays as it is. Otherwise each becomes a common table expression; a guard
        counts its rows, and when that is not what was expected reads a text as a number, which ends everything.
        """
        key: _Key = tuple(each for part in batch for each in (part.sql, part.expect))
        try:
            return self._cache[key]
        except KeyError:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            text = self._cache[key] = _combined(batch)
            return text


def arguments(batch: Sequence[Statement], ordinal: int) -> list[Any]:
    """Return the parameters of the combined statement; events are numbered from ``ordinal``."""
    values: list[Any] = []
    for part in batch:
        values += part.args
        if part.numbered:
            values.append(ordinal)
            ordinal += 1
    return values


def chunks(batch: Sequence[Statement]) -> list[Sequence[Statement]]:
    """Cut a batch into pieces that one statement can take."""
    parameters = sum(len(part.args) + part.numbered for part in batch)
    if len(batch) <= MAX_PARTS and parameters <= MAX_PARAMETERS:
        return [batch]
    pieces: list[Sequence[Statement]] = []
    piece: list[Statement] = []
    count = 0
    for part in batch:
        size = len(part.args) + part.numbered
        if piece and (len(piece) >= MAX_PARTS or count + size > MAX_PARAMETERS):
            pieces.append(piece)
            piece, count = [], 0
        piece.append(part)
        count += size
    return [*pieces, piece]


def _combined(batch: Sequence[Statement]) -> str | None:
    if len(batch) == 1 and batch[0].expect is None:
        return POSTGRESQL.translate(batch[0].sql)
    words = [part.sql.lstrip().partition(" ")[0].upper() for part in batch]
    if any(word not in (*_CHANGES, "SELECT") for word in words):
        return None
    parts: list[str] = []
    guards: list[str] = []
    count = 0
    for index, (part, word) in enumerate(zip(batch, words, strict=True)):
        sql, count = POSTGRESQL.renumbered(part.sql, count)
        parts.append(f"p{index} AS MATERIALIZED ({sql})" if word == "SELECT" else f"p{index} AS ({sql} RETURNING 1)")
        if part.expect is not None:
            number = f"CASE (SELECT count(*) FROM p{index}) WHEN {part.expect} THEN '0' ELSE '{GUARD} {index}' END"
            guards.append(f"CAST({number} AS integer)")
    return f"WITH {', '.join(parts)} SELECT {', '.join(guards) or '1'}"
