"""Piccolo's engine over the store's pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from piccolo.engine.postgres import PostgresEngine
from piccolo.querystring import QueryString

from maydan.storage.orm import StoreBatch, StoreTransaction, begins_as_read

if TYPE_CHECKING:
    from maydan.storage.postgresql.store import PostgreSQLStore

_OLDEST: Final = 15.0
"""The oldest PostgreSQL that Maydan supports; Piccolo only compares it with its own floor."""


class PooledPostgresEngine(PostgresEngine):
    """Runs Piccolo's queries on the store's connections.

    Inside ``write_transaction`` every query of the task belongs to it; outside, each is on its own.
    """

    __slots__ = ("_store",)

    def __init__(self, store: PostgreSQLStore) -> None:
        """Work on the store's database."""
        self._store = store
        super().__init__(config={"dsn": store.url})

    async def get_version(self) -> float:
        """Return the floor, since Piccolo asks before there is a connection."""
        return _OLDEST

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Run a query that Piccolo has built."""
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        return await self._run(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Run a statement that changes tables."""
        return await self._run(ddl, ())

    async def _run(self, sql: str, args: Sequence[Any]) -> list[Any]:
        if (transaction := self._store.current.find()) is not None:
            return await transaction.fetch_records(sql, args)
        if begins_as_read(sql):
            return await self._store.read("fetch", sql, args)
        return await self._store.retrying(lambda transaction: transaction.fetch_records(sql, args))

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> Any:
        """Read a query and hand its rows out in slices."""
        return StoreBatch(self, query, batch_size)

    def transaction(self, allow_nested: bool = True) -> Any:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Return the store's write transaction."""
        return StoreTransaction(self._store.write_transaction())
