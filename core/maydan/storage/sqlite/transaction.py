"""One write transaction on SQLite: a savepoint of the writer's group."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, Final

from maydan.storage.counting import count
from maydan.storage.dialects import SQLITE
from maydan.storage.ports import GuardFailed, Row, Statement
from maydan.storage.sqlite.connecting import bound
from maydan.storage.sqlite.errors import translated
from maydan.storage.sqlite.reading import LoopReader
from maydan.storage.sqlite.writing import Writer

HEAVY_STATEMENTS: Final = 100
"""A longer batch (2 ms and more) runs in the writer's thread."""


class SQLiteTransaction:
    """The port's ``Transaction``; its statements run on the event loop unless they are heavy."""

    def __init__(self, writer: Writer, reader: LoopReader) -> None:
        """Use the writer's connection, whose turn the transaction has."""
        self._writer = writer
        self._reader = reader
        self._depth = 0
        self.is_open = True
        self.signals: dict[str, None] = {}

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for the Piccolo engine and the migrations' guard."""
        self._check()
        return self._writer.connection

    def _check(self) -> None:
        if not self.is_open:
            raise RuntimeError("This write transaction has ended; start another one.")

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows, with what this transaction has written."""
        self._check()
        count()
        sql, args = SQLITE.translate(sql), bound(args)
        if not _only_reads(sql):
            return self._run(sql, args).fetchall()
        rows = self._reader.fetch_all(sql, args)
        if rows is None:
            rows = await self._writer.in_thread(lambda: self._run(sql, args).fetchall())
        return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None, with what this transaction has written."""
        rows = await self.fetch_all(sql, *args)
        return rows[0] if rows else None

    async def execute(self, sql: str, *args: Any) -> int:
        """Run one statement and return how many rows it affected."""
        self._check()
        count()
        return _affected(self._run(SQLITE.translate(sql), bound(args)))

    async def execute_heavy(self, sql: str, *args: Any) -> int:
        """Run one statement in the writer's thread."""
        self._check()
        count()
        sql, args = SQLITE.translate(sql), bound(args)
        return await self._writer.in_thread(lambda: _affected(self._run(sql, args)))

    async def apply(self, batch: Sequence[Statement]) -> None:
        """Run a batch; the statements before a refused one stay in the transaction unless a savepoint is around."""
        self._check()
        count(len(batch))
        if len(batch) > HEAVY_STATEMENTS:
            await self._writer.in_thread(lambda: self.apply_now(batch))
        else:
            self.apply_now(batch)

    def apply_now(self, batch: Sequence[Statement]) -> None:
        """Run a batch in the running thread."""
        index = 0
        for sql, statements in groupby(batch, lambda statement: statement.sql):
            alike = list(statements)
            if len(alike) > 1 and sql.startswith("INSERT"):
                self._insert(index, sql, alike)
            else:
                for number, statement in enumerate(alike, index):
                    affected = _affected(self._run(SQLITE.translate(sql), bound(statement.args)))
                    if statement.expect is not None and affected != statement.expect:
                        raise GuardFailed(number, statement.expect, affected)
            for statement in alike:
                if statement.signal is not None:
                    self.signals[statement.signal] = None
            index += len(alike)

    def _insert(self, index: int, sql: str, alike: Sequence[Statement]) -> None:
        """Run INSERTs with one text at once: the driver prepares and binds them without Python in between."""
        try:
            cursor = self._writer.connection.executemany(SQLITE.translate(sql), [bound(one.args) for one in alike])
        except sqlite3.Error as error:
            raise translated(error) from error
        expected = [one.expect for one in alike if one.expect is not None]
        if len(expected) == len(alike) and cursor.rowcount != sum(expected):
            raise GuardFailed(index, sum(expected), cursor.rowcount)

    def _run(self, sql: str, args: tuple[Any, ...]) -> sqlite3.Cursor:
        try:
            return self._writer.connection.execute(sql, args)
        except sqlite3.Error as error:
            raise translated(error) from error

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what is inside, alone, when it is left with an error."""
        self._check()
        self._depth += 1
        name = f"inner_{self._depth}"
        signals = dict(self.signals)
        self._run(f"SAVEPOINT {name}", ())
        try:
            yield
        except BaseException:
            if self.is_open and self._writer.connection.in_transaction:
                self._run(f"ROLLBACK TO {name}", ())
                self._run(f"RELEASE {name}", ())
            self.signals = signals
            raise
        else:
            self._run(f"RELEASE {name}", ())
        finally:
            self._depth -= 1


def _only_reads(sql: str) -> bool:
    return sql.lstrip()[:6].upper() == "SELECT"


def _affected(cursor: sqlite3.Cursor) -> int:
    if cursor.description is not None:
        rows = len(cursor.fetchall())
        return rows if cursor.rowcount < 0 else cursor.rowcount
    if cursor.rowcount >= 0:
        return cursor.rowcount
    # The driver counts only what starts with INSERT, UPDATE, DELETE or REPLACE, so not WITH … INSERT.
    return cursor.connection.execute("SELECT changes()").fetchone()[0]
