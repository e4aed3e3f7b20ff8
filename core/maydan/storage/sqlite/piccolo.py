"""Piccolo's engine over the store's connections: its own opens a connection and a thread for every query."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from piccolo.engine.sqlite import SQLiteEngine, TransactionType
from piccolo.querystring import QueryString

from maydan import clock
from maydan.storage.orm import StoreBatch, StoreTransaction, begins_as_read
from maydan.storage.sqlite.errors import code_of, translated

if TYPE_CHECKING:
    from maydan.storage.sqlite.store import SQLiteStore

Rows = list[dict[str, Any]]


class PooledSQLiteEngine(SQLiteEngine):
    """Reads in the store's reading threads, writes in its write transactions.

    Inside ``write_transaction`` every query of the task belongs to it; a write outside is one of its own.
    """

    __slots__ = ("_store",)

    def __init__(self, store: SQLiteStore) -> None:
        """Work on the store's file."""
        self._store = store
        super().__init__(path=store.path)  # pyright: ignore[reportUnknownMemberType] - its keywords have no types

    async def run_querystring(self, querystring: QueryString, in_pool: bool = False) -> Rows:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Run a query that Piccolo has built."""
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        return await self._run(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> Rows:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Run a statement that changes tables."""
        return await self._run(ddl, ())

    async def _run(self, sql: str, args: Sequence[Any]) -> Rows:
        values = tuple(_value(arg) for arg in args)

        def work(connection: sqlite3.Connection) -> Rows:
            return _rows(connection, sql, values)

        if self._store.current.find() is None and begins_as_read(sql):
            try:
                return await self._store.readers.run(work, typed=True)
            except sqlite3.Error as error:
                # WITH … INSERT looks like a read until a connection that only reads refuses it.
                if code_of(error) != sqlite3.SQLITE_READONLY:
                    raise
        async with self._store.write_transaction() as transaction:
            try:
                return work(transaction.connection)
            except sqlite3.Error as error:
                raise translated(error) from error

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> Any:
        """Read a query and hand its rows out in slices."""
        return StoreBatch(self, query, batch_size)

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = True,  # noqa: FBT001, FBT002 - Piccolo's signature
    ) -> Any:
        """Return the store's write transaction; it is IMMEDIATE whatever is asked for."""
        return StoreTransaction(self._store.write_transaction())


def _value(arg: Any) -> Any:
    """Write an aware moment as the store does, so that rows of both ways sort together."""
    return clock.to_text(arg) if isinstance(arg, datetime) and arg.tzinfo is not None else arg


def _rows(connection: sqlite3.Connection, sql: str, args: Sequence[Any]) -> Rows:
    cursor = connection.execute(sql, args)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
