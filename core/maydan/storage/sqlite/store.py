"""The port's ``Store`` on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from maydan.errors import ConfigurationError
from maydan.storage.counting import COUNTER, count
from maydan.storage.current import Current
from maydan.storage.dialects import SQLITE, Dialect
from maydan.storage.ports import Row, Statement
from maydan.storage.settings import DatabaseSettings
from maydan.storage.signals import Signals
from maydan.storage.sqlite.checkpointing import checkpoint
from maydan.storage.sqlite.connecting import bound, connect_reader, connect_writer
from maydan.storage.sqlite.errors import translated
from maydan.storage.sqlite.lock import FileLock
from maydan.storage.sqlite.reading import LoopReader, ThreadReaders
from maydan.storage.sqlite.sharing import SharedReads
from maydan.storage.sqlite.transaction import HEAVY_STATEMENTS, SQLiteTransaction
from maydan.storage.sqlite.waking import Waking
from maydan.storage.sqlite.watching import watch
from maydan.storage.sqlite.writing import Writer

if TYPE_CHECKING:
    from maydan.storage.sqlite.piccolo import PooledSQLiteEngine

T = TypeVar("T")


class SQLiteStore:
    """One file: a writer, a reader on the event loop, reading threads."""

    statements_counter = COUNTER

    def __init__(self, path: str, settings: DatabaseSettings) -> None:
        """Remember the file; nothing is opened yet.

        Raises:
            ConfigurationError: The path is empty or in memory; a database is one file.
        """
        if not path or path == ":memory:":
            raise ConfigurationError("[database] url must name a file, as in sqlite:///maydan.db.")
        self.path = str(Path(path).absolute())
        self.settings = settings
        self.signals = Signals()
        self.current = Current(f"sqlite {path}")
        self._writer: Writer | None = None
        self._loop_reader: LoopReader | None = None
        self._own_reader: LoopReader | None = None
        self._threads: ThreadReaders | None = None
        self._shared: SharedReads | None = None
        self._watch: asyncio.Task[None] | None = None
        self._waking = Waking(self.path, self.signals)
        self._closing = asyncio.Lock()

    @property
    def dialect(self) -> Dialect:
        """SQLite's way of saying things."""
        return SQLITE

    @cached_property
    def engine(self) -> PooledSQLiteEngine:
        """The Piccolo engine over the same connections; imported when it is first needed."""
        from maydan.storage.sqlite.piccolo import PooledSQLiteEngine

        return PooledSQLiteEngine(self)

    @property
    def readers(self) -> ThreadReaders:
        """The reading threads."""
        assert self._threads is not None, "The store is not open."
        return self._threads

    async def open(self) -> None:
        """Open the file, making it when it is missing, and its lock."""
        if self._writer is not None:
            return
        writer, reader, lock = await asyncio.get_running_loop().run_in_executor(None, self._connect)
        self._writer = Writer(writer, lock, self.settings, self.signals)
        self._own_reader = LoopReader(writer, self.settings.loop_read_ms)
        self._loop_reader = LoopReader(reader, self.settings.loop_read_ms)
        self._threads = ThreadReaders(self.path, self.settings)
        self._shared = SharedReads(self._loop_reader, self._threads)
        self._waking.tell_others()

    def _connect(self) -> tuple[sqlite3.Connection, sqlite3.Connection, FileLock]:
        if not Path(self.path).parent.is_dir():
            raise ConfigurationError(f"[database] url names a file in {Path(self.path).parent}, which does not exist.")
        lock = FileLock(self.path)
        if not lock.acquire(self.settings.write_wait_s):
            lock.close()
            raise ConfigurationError(f"Another process has been writing to {self.path} for too long; end it first.")
        try:
            writer = connect_writer(self.path, self.settings)
            return writer, connect_reader(self.path, self.settings, busy_ms=0), lock
        finally:
            lock.release()

    async def close(self) -> None:
        """Wait for what is running and close the file; one that failed or was cancelled can be done again.

        Raises:
            PoolExhausted: Somebody is writing for too long; the store is as open as before.
        """
        async with self._closing:
            writer, threads, reader = self._writer, self._threads, self._loop_reader
            if writer is None or threads is None or reader is None:
                return
            await writer.stop()
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            self._waking.close()
            await threads.close()

            def disconnect() -> None:
                threads.disconnect()
                reader.connection.close()

            await writer.close(disconnect)
            self._writer = None

    def watch(self) -> None:
        """Begin to notice what other processes write."""
        if self._watch is None and self._loop_reader is not None:
            self._watch = asyncio.create_task(watch(self._loop_reader.connection, self.signals), name="maydan watch")
            self._waking.listen()

    # -- reading --------------------------------------------------------------------------------------------------

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows; on the loop if that is quick, else from a reading thread."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_all(sql, *args)
        count()
        sql, args = SQLITE.translate(sql), bound(args)
        assert self._loop_reader is not None, "The store is not open."
        rows = self._loop_reader.fetch_all(sql, args)
        if rows is None:
            rows = await self.readers.run(lambda connection: connection.execute(sql, args).fetchall())
        return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None."""
        rows = await self.fetch_all(sql, *args)
        return rows[0] if rows else None

    async def fetch_point(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None, on the loop."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_one(sql, *args)
        count()
        assert self._loop_reader is not None, "The store is not open."
        try:
            rows = self._loop_reader.connection.execute(SQLITE.translate(sql), bound(args)).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error
        return rows[0] if rows else None

    async def fetch_shared(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows; from memory where the same was asked for and nothing was committed since."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_all(sql, *args)
        count()
        assert self._shared is not None, "The store is not open."
        return await self._shared.fetch(SQLITE.translate(sql), bound(args))

    # -- writing --------------------------------------------------------------------------------------------------

    async def commit(self, batch: Sequence[Statement]) -> None:
        """Store a batch on its own."""
        if len(batch) > HEAVY_STATEMENTS or self.current.find() is not None:
            async with self.write_transaction() as transaction:
                await transaction.apply(batch)
            return
        count(len(batch))
        writer, reader = self._writer, self._own_reader
        assert writer is not None, "The store is not open."
        assert reader is not None

        def work() -> Iterable[str]:
            transaction = SQLiteTransaction(writer, reader)
            transaction.apply_now(batch)
            return transaction.signals

        await writer.write(work)

    @asynccontextmanager
    async def write_transaction(self) -> AsyncGenerator[SQLiteTransaction]:
        """Store what happens inside as a whole."""
        if (outer := self.current.find()) is not None:
            async with outer.savepoint():
                yield outer
            return
        writer = self._writer
        assert writer is not None, "The store is not open."
        assert self._own_reader is not None
        await writer.begin()
        transaction = SQLiteTransaction(writer, self._own_reader)
        token = self.current.enter(transaction)
        try:
            yield transaction
        except BaseException as error:
            transaction.is_open = False
            self.current.leave(token)
            writer.undo()
            if isinstance(error, Exception):
                await writer.settled()
            raise
        transaction.is_open = False
        self.current.leave(token)
        await writer.keep(transaction.signals)

    async def checkpoint(self) -> bool:
        """Empty the write-ahead log; ``False`` where others went on reading what it holds."""
        assert self._writer is not None, "The store is not open."
        return await checkpoint(self._writer)

    async def retrying(self, work: Callable[[SQLiteTransaction], Awaitable[T]]) -> T:
        """Run the work in a write transaction; on SQLite no race can be lost, so once."""
        async with self.write_transaction() as transaction:
            return await work(transaction)
