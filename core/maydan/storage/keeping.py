"""Rows that were read, kept for as long as nothing is committed: the same question then has the same answer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from sys import getsizeof
from typing import Any, Final

from maydan.storage.ports import Row

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one process: some hundred pages of documents."""

Question = tuple[Hashable, ...]
"""A statement, its arguments, and their types: equal numbers of different types are not the same argument."""


def question_of(sql: str, args: Sequence[Any]) -> Question:
    """Return what two reads have in common that ask the same."""
    return (sql, *args, *map(type, args))


class KeptRows:
    """The rows of reads under one state of the database.

    Whoever asks finds out the state first, and only then looks here or reads. What was read meanwhile under a newer
    state is never found later: by then the state is another one.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep so many bytes at most; what does not fit any more makes room by starting anew."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._state: Hashable = None
        self._rows: dict[Question, list[Row]] = {}

    def find(self, state: Hashable, question: Question) -> list[Row] | None:
        """Return the rows that were kept under this state, a list of the caller's own; forget those of another."""
        if state != self._state:
            self._state = state
            self._clear()
        rows = self._rows.get(question)
        return None if rows is None else rows.copy()

    def keep(self, state: Hashable, question: Question, rows: list[Row]) -> None:
        """Keep rows that were read since the state was found out."""
        # The question is kept as well, and may be longer than its answer: that of a long text is mostly nothing.
        size = sum(len(part) for part in question if isinstance(part, (str, bytes))) + getsizeof(rows)
        size += sum(getsizeof(value) for row in rows for value in row)
        if state != self._state or size > self._most_bytes // 4:
            return
        if self._bytes + size > self._most_bytes:
            self._clear()
        self._rows[question] = rows.copy()
        self._bytes += size

    def _clear(self) -> None:
        self._rows.clear()
        self._bytes = 0
