"""Reads that many ask for: sent once for all who wait, and slow ones answered from memory while nothing was committed.

Two snapshots that read the same saw the same commits: PostgreSQL numbers whatever writes, and a snapshot says which
numbers are over (PostgreSQL documentation, "System Information Functions", pg_snapshot). Asking for it costs a round
trip, which those who wait share; so it is asked for only where reading takes longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Final

from maydan.storage.keeping import KeptRows, question_of
from maydan.storage.ports import Row
from maydan.storage.postgresql.coalescing import Coalescing
from maydan.storage.postgresql.driver import asyncpg

SLOW_S: Final = 0.001
"""Several round trips on one machine."""
_MOST_SLOW: Final = 1000
_SNAPSHOT: Final = "SELECT CAST(pg_current_snapshot() AS text)"

Asked = tuple[str, tuple[Any, ...]]


class SharedReads:
    """What is read is never older than the question."""

    def __init__(self, read: Callable[[str, Sequence[Any]], Awaitable[list[Row]]]) -> None:
        """Read with ``read``, which is given a statement and its arguments."""
        self._read = read
        self._rows: Coalescing[Asked, list[Row]] = Coalescing(self._send)
        self._snapshots: Coalescing[None, str] = Coalescing(self._send_snapshot)
        self._kept = KeptRows()
        self._slow: set[str] = set()
        self._has_snapshots = True

    async def fetch(self, text: str, args: tuple[Any, ...]) -> list[Row]:
        """Return the rows of a SELECT as they are now."""
        question, asked = question_of(text, args), (text, args)
        if text not in self._slow or not self._has_snapshots:
            return (await self._rows.read(question, asked)).copy()
        snapshot = await self._snapshots.read(_SNAPSHOT, None)
        rows = self._kept.find(snapshot, question)
        if rows is None:
            rows = (await self._rows.read(question, asked)).copy()
            if snapshot:
                self._kept.keep(snapshot, question, rows)
        return rows

    async def _send(self, _question: Any, asked: Sequence[Asked]) -> list[list[Row]]:
        text, args = asked[0]
        begin = perf_counter()
        rows = await self._read(text, args)
        self._note(text, perf_counter() - begin)
        return [rows] * len(asked)

    def _note(self, text: str, lasted_s: float) -> None:
        if lasted_s < SLOW_S:
            self._slow.discard(text)
            return
        if len(self._slow) >= _MOST_SLOW:
            self._slow.clear()
        self._slow.add(text)

    async def _send_snapshot(self, text: Any, asked: Sequence[None]) -> list[str]:
        try:
            rows = await self._read(text, ())
        except Exception as error:
            if not isinstance(error.__cause__, asyncpg.UndefinedFunctionError):
                raise
            self._has_snapshots = False  # what speaks PostgreSQL's protocol need not have them
            return [""] * len(asked)
        return [str(rows[0][0])] * len(asked)
