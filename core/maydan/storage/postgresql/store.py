"""The port's ``Store`` on PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from maydan.errors import Unavailable
from maydan.storage.counting import COUNTER, count
from maydan.storage.current import Current
from maydan.storage.dialects import POSTGRESQL, Dialect
from maydan.storage.ports import GuardFailed, Row, Statement
from maydan.storage.postgresql.coalescing import Coalescing, joined_text
from maydan.storage.postgresql.combining import Combiner, arguments, chunks
from maydan.storage.postgresql.driver import Connection, asyncpg
from maydan.storage.postgresql.errors import RACES, is_lost, is_usable_after, translated, was_never_sent
from maydan.storage.postgresql.listening import Listening
from maydan.storage.postgresql.log_clock import raise_log_clock
from maydan.storage.postgresql.pool import Pool
from maydan.storage.postgresql.sharing import SharedReads
from maydan.storage.postgresql.transaction import PostgreSQLTransaction
from maydan.storage.settings import DatabaseSettings
from maydan.storage.signals import Signals
from maydan.storage.threads import finished

if TYPE_CHECKING:
    from maydan.storage.postgresql.piccolo import PooledPostgresEngine

T = TypeVar("T")

_TRIES: Final = 6
_FIRST_PAUSE_S: Final = 0.005
_CACHED_STATEMENTS: Final = 1000


class PostgreSQLStore:
    """One database on a server."""

    statements_counter = COUNTER

    def __init__(self, url: str, settings: DatabaseSettings) -> None:
        """Remember the database; nothing is opened yet."""
        self.url = url
        self.settings = settings
        self.signals = Signals()
        self.current = Current("postgresql")
        self._combiner = Combiner()
        self._points: Coalescing[tuple[Any, ...], Row | None] = Coalescing(self._send_points)
        self._shared = SharedReads(self._rows)
        self._joined: dict[str, str | None] = {}
        self._pool: Pool | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL's way of saying things."""
        return POSTGRESQL

    @cached_property
    def engine(self) -> PooledPostgresEngine:
        """The Piccolo engine over the pool; imported when it is first needed."""
        from maydan.storage.postgresql.piccolo import PooledPostgresEngine

        return PooledPostgresEngine(self)

    async def connect(self) -> Connection:
        """Open a connection of one's own, outside the pool; for migrations and for listening."""
        return await asyncpg.connect(
            self.url,
            timeout=self.settings.pool_wait_s,
            statement_cache_size=_CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={
                "application_name": "maydan",
                "timezone": "UTC",
                # Compiling costs more than these statements take.
                "jit": "off",
                "statement_timeout": str(int(self.settings.read_limit_s * 1000)),
            },
        )

    async def open(self) -> None:
        """Connect once, so that a wrong URL shows now; further connections open when they are needed."""
        if self._pool is None:
            pool = Pool(self.connect, self.settings.pool_size, self.settings.pool_wait_s)
            pool.give(await pool.take())
            self._pool = pool
            await raise_log_clock(self)

    async def close(self) -> None:
        """Close the connections; those in use when they come back."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @property
    def pool(self) -> Pool:
        """The open pool.

        Raises:
            Unavailable: The store is closed.
        """
        if self._pool is None:
            raise Unavailable("The database is closed.", retry_after_s=1)
        return self._pool

    async def checkpoint(self) -> bool:
        """Leave it to the server."""
        return True

    def watch(self) -> None:
        """Begin to hear what other processes commit."""
        if self._watch is None:
            listening = Listening(self.connect, self.signals)
            self._watch = asyncio.create_task(listening.run(), name="maydan listen")

    # -- reading --------------------------------------------------------------------------------------------------

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_all(sql, *args)
        return [tuple(row) for row in await self.read("fetch", POSTGRESQL.translate(sql), args)]

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_one(sql, *args)
        row = await self.read("fetchrow", POSTGRESQL.translate(sql), args)
        return None if row is None else tuple(row)

    async def fetch_point(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None; while such a read is in flight, further ones wait and go out together."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_one(sql, *args)
        count()
        return await self._points.read(POSTGRESQL.translate(sql), args)

    async def _send_points(self, text: str, asked: Sequence[tuple[Any, ...]]) -> list[Row | None]:
        """Read the first row for each tuple of arguments."""
        joined = None if len(asked) == 1 else await self._joined_text(text)
        if joined is None:
            rows = [await self._read("fetchrow", text, args) for args in asked]
            return [None if row is None else tuple(row) for row in rows]
        found: list[Row | None] = [None] * len(asked)
        for row in await self._read("fetch", joined, [list(values) for values in zip(*asked, strict=True)]):
            place, *values = row
            if found[place - 1] is None:
                found[place - 1] = tuple(values)
        return found

    async def _joined_text(self, text: str) -> str | None:
        """Return what reads a point for many; the server is asked once for the types of the parameters."""
        if text not in self._joined:
            if len(self._joined) >= _CACHED_STATEMENTS:
                self._joined.clear()
            statement = await self._read("prepare", text, ())
            self._joined[text] = joined_text(text, statement.get_parameters())
        return self._joined[text]

    async def fetch_shared(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows; the same read, asked for by many, is sent once for all, and a slow one not in vain."""
        if (transaction := self.current.find()) is not None:
            return await transaction.fetch_all(sql, *args)
        count()
        return await self._shared.fetch(POSTGRESQL.translate(sql), args)

    async def _rows(self, text: str, args: Sequence[Any]) -> list[Row]:
        return [tuple(row) for row in await self._read("fetch", text, args)]

    async def read(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        """Call a method of a connection from the pool, and count it as a statement."""
        count()
        return await self._read(method, sql, args)

    async def _read(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        """Call a method of a connection from the pool; on another one as long as the connection was lost."""
        for left in range(self.settings.pool_size, -1, -1):
            try:
                return await self._once(method, sql, args)
            except Exception as error:
                if not left or not is_lost(error):
                    raise translated(error) from error
        raise AssertionError

    async def _once(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        """Call a method of a connection; a connection that turns out to have ended before is passed over."""
        pool = self.pool
        for left in range(self.settings.pool_size, -1, -1):
            connection = await pool.take()
            try:
                result = await getattr(connection, method)(sql, *args)
            except BaseException as error:
                # A cancelled call leaves an answer behind that nobody has read.
                (pool.give if is_usable_after(error) else pool.discard)(connection)
                if not left or not was_never_sent(error):
                    raise
            else:
                pool.give(connection)
                return result
        raise AssertionError

    # -- writing --------------------------------------------------------------------------------------------------

    async def commit(self, batch: Sequence[Statement]) -> None:
        """Store a batch on its own, in one round trip."""
        if not batch:
            return
        pieces = chunks(batch)
        text = self._combiner.text(batch) if len(pieces) == 1 else None
        if text is None or self.current.find() is not None:
            await self.retrying(lambda transaction: transaction.apply(batch))
            return
        args = arguments(batch, 0)
        count()
        for attempt in range(_TRIES):
            try:
                await self._once("execute", text, args)
                break
            except RACES as error:
                if attempt == _TRIES - 1:
                    raise translated(error) from error
                await _pause(attempt)
            except Exception as error:
                raise self._refusal(translated(error), batch) from error
        self.signals.send(dict.fromkeys(part.signal for part in batch if part.signal is not None))

    @staticmethod
    def _refusal(error: Exception, batch: Sequence[Statement]) -> Exception:
        return GuardFailed(error.index, batch[error.index].expect) if isinstance(error, GuardFailed) else error

    @asynccontextmanager
    async def write_transaction(self) -> AsyncGenerator[PostgreSQLTransaction]:
        """Store what happens inside as a whole."""
        if (outer := self.current.find()) is not None:
            async with outer.savepoint():
                yield outer
            return
        pool = self.pool
        connection = await self._begin(pool)
        transaction = PostgreSQLTransaction(connection, self._combiner)
        token = self.current.enter(transaction)
        is_clean = False
        try:
            try:
                yield transaction
            finally:
                transaction.is_open = False
                self.current.leave(token)
            await finished(asyncio.ensure_future(self._finish(transaction)))
            is_clean = True
        except Exception:
            is_clean = await _rolled_back(connection)
            raise
        finally:
            (pool.give if is_clean else pool.discard)(connection)

    async def _begin(self, pool: Pool) -> Connection:
        """Return a connection inside BEGIN, passing over those that turn out to be lost."""
        for left in range(self.settings.pool_size, -1, -1):
            connection = await pool.take()
            try:
                await connection.execute("BEGIN")
                return connection
            except Exception as error:
                pool.discard(connection)
                if not left or not is_lost(error):
                    raise translated(error) from error
            except BaseException:
                pool.discard(connection)
                raise
        raise AssertionError

    async def _finish(self, transaction: PostgreSQLTransaction) -> None:
        """Commit and tell, also when whoever began it is cancelled meanwhile."""
        await transaction.finish()
        self.signals.send(transaction.signals)

    async def retrying(self, work: Callable[[PostgreSQLTransaction], Awaitable[T]]) -> T:
        """Run the work in a write transaction, again when the database lost a race with another."""
        if (outer := self.current.find()) is not None:
            async with outer.savepoint():
                return await work(outer)
        attempt = 0
        while True:
            transaction: PostgreSQLTransaction | None = None
            try:
                async with self.write_transaction() as transaction:
                    result = await work(transaction)
                return result  # noqa: RET504 - only the end of the block commits
            except Exception:
                attempt += 1
                if transaction is None or not transaction.lost_race or attempt == _TRIES:
                    raise
                await _pause(attempt)


async def _rolled_back(connection: Connection) -> bool:
    if connection.is_closed():
        return False
    try:
        await connection.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 - whatever it was, the connection is of no use
        return False
    return True


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.random() * _FIRST_PAUSE_S * 2**attempt)  # noqa: S311 - spreads retries, no secret
