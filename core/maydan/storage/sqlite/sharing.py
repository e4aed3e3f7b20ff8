"""Reads that many ask for: answered from memory while nothing was committed, and by one thread for all who wait."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

from maydan.storage.keeping import KeptRows, Question, question_of
from maydan.storage.ports import Row
from maydan.storage.sqlite.reading import LoopReader, ThreadReaders

_MOST_SLOW: Final = 1000


class _Flight:
    """A read in a thread, and how many wait for it."""

    def __init__(self, state: int, task: asyncio.Task[list[Row]]) -> None:
        self.state = state
        self.is_open = True
        """Whether one may still join."""
        self._task = task
        self._waiting = 0

    async def join(self) -> list[Row]:
        """Wait for the rows; whoever leaves last takes the read along."""
        self._waiting += 1
        try:
            return (await asyncio.shield(self._task)).copy()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.is_open = False
                self._task.cancel()


class SharedReads:
    """Asks the file's version first, which moves with every commit of any process; it costs 2 µs."""

    def __init__(self, reader: LoopReader, threads: ThreadReaders) -> None:
        """Read on the event loop what is quick, the rest in threads."""
        self._reader = reader
        self._threads = threads
        self._kept = KeptRows()
        self._flights: dict[Question, _Flight] = {}
        self._slow: set[str] = set()
        """Statements that were too slow for the loop: they are not tried there until they are quick in a thread."""

    async def fetch(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """Return the rows of a SELECT as they are now."""
        state, question = self._reader.data_version(), question_of(sql, args)
        if state is None:
            return await self._read(sql, args)
        rows = self._kept.find(state, question)
        if rows is not None:
            return rows
        flight = self._flights.get(question)
        if flight is not None and flight.is_open and flight.state == state:
            return await flight.join()
        rows = None if sql in self._slow else self._reader.fetch_all(sql, args)
        if rows is None:
            self._note_slow(sql)
            rows = await self._flight(state, question, sql, args).join()
        self._kept.keep(state, question, rows)
        return rows

    def _note_slow(self, sql: str) -> None:
        if len(self._slow) >= _MOST_SLOW:
            self._slow.clear()
        self._slow.add(sql)

    def _flight(self, state: int, question: Question, sql: str, args: Sequence[Any]) -> _Flight:
        task = asyncio.create_task(self._read(sql, args), name="maydan shared read")
        flight = self._flights[question] = _Flight(state, task)

        def landed(done: asyncio.Task[list[Row]]) -> None:
            if self._flights.get(question) is flight:
                del self._flights[question]
            if not done.cancelled():
                done.exception()  # seen, should nobody wait any more

        task.add_done_callback(landed)
        return flight

    async def _read(self, sql: str, args: Sequence[Any]) -> list[Row]:
        rows, lasted_s = await self._threads.run(lambda connection: _timed(connection, sql, args))
        if lasted_s < self._reader.limit_s / 2:
            self._slow.discard(sql)
        return rows


def _timed(connection: sqlite3.Connection, sql: str, args: Sequence[Any]) -> tuple[list[Row], float]:
    begin = perf_counter()
    rows = connection.execute(sql, args).fetchall()
    return rows, perf_counter() - begin
