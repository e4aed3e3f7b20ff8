"""One write transaction on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from maydan.errors import Unavailable
from maydan.storage.counting import count
from maydan.storage.dialects import POSTGRESQL
from maydan.storage.ports import GuardFailed, Row, Statement
from maydan.storage.postgresql.combining import Combiner, arguments, chunks
from maydan.storage.postgresql.driver import Connection
from maydan.storage.postgresql.errors import RACES, translated

MAX_EVENTS: Final = 1 << 20
"""Events of one transaction: the ordinal has 20 bits of a position."""


class PostgreSQLTransaction:
    """The port's ``Transaction``."""

    def __init__(self, connection: Connection, combiner: Combiner) -> None:
        """Use a connection that is inside BEGIN."""
        self.connection = connection
        self._combiner = combiner
        self._one_at_a_time = asyncio.Lock()
        self._savepoints = 0
        self._undo_to: str | None = None
        self._ordinal = 0
        self.is_open = True
        self.lost_race = False
        self.signals: dict[str, None] = {}

    async def _call(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        """Call a method of the connection."""
        if not self.is_open:
            raise RuntimeError("This write transaction has ended; start another one.")
        count()
        return await self._send(method, sql, args)

    async def _send(self, method: str, sql: str, args: Sequence[Any] = ()) -> Any:
        """Call a method of the connection; tasks that share the transaction take turns."""
        async with self._one_at_a_time:
            try:
                await self._undo()
                return await getattr(self.connection, method)(sql, *args)
            except Exception as error:
                self.lost_race = self.lost_race or isinstance(error, RACES)
                other = translated(error)
                if other is error:
                    raise
                raise other from error

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows, with what this transaction has written."""
        return [tuple(row) for row in await self._call("fetch", POSTGRESQL.translate(sql), args)]

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None, with what this transaction has written."""
        row = await self._call("fetchrow", POSTGRESQL.translate(sql), args)
        return None if row is None else tuple(row)

    async def fetch_records(self, sql: str, args: Sequence[Any]) -> list[Any]:
        """Return the driver's rows for a text with its own ``$1``; for Piccolo."""
        return await self._call("fetch", sql, args)

    async def execute(self, sql: str, *args: Any) -> int:
        """Run one statement and return how many rows it affected."""
        return affected(await self._call("execute", POSTGRESQL.translate(sql), args))

    async def execute_heavy(self, sql: str, *args: Any) -> int:
        """Run one statement; the server does the work, so as ``execute``."""
        return await self.execute(sql, *args)

    async def apply(self, batch: Sequence[Statement]) -> None:
        """Run a batch, in one round trip if it is not longer than one statement can be."""
        done = 0
        for piece in chunks(batch):
            if not piece:
                continue
            try:
                await self._apply_piece(piece)
            except GuardFailed as error:
                raise GuardFailed(done + error.index, piece[error.index].expect) from error
            done += len(piece)
        self.signals.update((part.signal, None) for part in batch if part.signal is not None)

    async def _apply_piece(self, piece: Sequence[Statement]) -> None:
        text = self._combiner.text(piece)
        if text is not None:
            await self._call("execute", text, arguments(piece, self._number(piece)))
            return
        for index, part in enumerate(piece):
            sql = POSTGRESQL.translate(part.sql)
            count = affected(await self._call("execute", sql, arguments((part,), self._number((part,)))))
            if part.expect is not None and count != part.expect:
                raise GuardFailed(index, part.expect, count)

    def _number(self, piece: Sequence[Statement]) -> int:
        """Reserve the ordinals of the events in the piece, and return the first."""
        first = self._ordinal
        self._ordinal += sum(part.numbered for part in piece)
        if self._ordinal > MAX_EVENTS:
            raise ValueError(f"A transaction has at most {MAX_EVENTS} events; write in several transactions.")
        return first

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what is inside, alone, when it is left with an error or cancelled."""
        self._savepoints += 1
        # A name of its own: where the release was cut off, an older one of that name would take more away.
        name = f"inner_{self._savepoints}"
        signals = dict(self.signals)
        await self._call("execute", f"SAVEPOINT {name}", ())
        try:
            yield
            await self._call("execute", f"RELEASE {name}", ())
        except BaseException:
            self._undo_to = name
            self.signals = signals
            raise

    async def _undo(self) -> None:
        """Undo the savepoint that was left last, if with an error.

        That is done when whoever began the transaction goes on: somebody who is cancelled waits for nothing.
        """
        if (name := self._undo_to) is not None:
            count()
            await self.connection.execute(f"ROLLBACK TO {name}")
            if self._undo_to == name:
                self._undo_to = None

    async def finish(self) -> None:
        """Commit.

        Raises:
            Unavailable: A statement had failed before, and whoever ran it went on: nothing is stored.
        """
        status = await self._send("execute", "COMMIT")
        if status != "COMMIT":
            raise Unavailable("The database undid the transaction; nothing was stored.", retry_after_s=1)


def affected(status: str) -> int:
    """Read the number of rows from ``INSERT 0 3`` or ``UPDATE 2``; 0 where there is none."""
    number = status.rpartition(" ")[2]
    return int(number) if number.isdigit() else 0
