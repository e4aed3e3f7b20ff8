"""Piccolo's tables over a store: what both of its engines share, and how a table gets its engine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Self

from piccolo.engine.base import BaseBatch, BaseTransaction, Engine
from piccolo.query.base import Query
from piccolo.table import Table

from maydan.storage.ports import Store

_READS: Final = ("SELECT", "WITH", "EXPLAI", "PRAGMA", "VALUES")


def bind_tables(store: Store, tables: Sequence[type[Table]]) -> None:
    """Let tables live in the store; without it Piccolo would look for a ``piccolo_conf`` of the whole process."""
    for table in tables:
        table._meta.db = store.engine  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - Piccolo has no public way


def begins_as_read(sql: str) -> bool:
    """Whether the text may be one that only reads; what begins with WITH shows it when it is run."""
    return sql.lstrip()[:6].rstrip().upper() in _READS


class StoreTransaction(BaseTransaction):
    """What Piccolo's ``transaction()`` and ``atomic()`` give: the store's own write transaction."""

    def __init__(self, block: AbstractAsyncContextManager[Any]) -> None:
        """Wrap the block that ``Store.write_transaction`` gave."""
        self._block = block

    async def __aenter__(self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride] - as Piccolo's own
        """Begin."""
        await self._block.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Commit, or undo when there was an error."""
        return bool(await self._block.__aexit__(kind, error, traceback))


class StoreBatch(BaseBatch):
    """Piccolo's ``batch()``: the rows of one read, handed out in slices."""

    def __init__(self, engine: Engine[Any], query: Query[Any, Any], size: int) -> None:
        """Read the query on the engine, to hand out ``size`` rows at a time."""
        self._engine = engine
        self._query = query
        self._size = size
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        """Read."""
        rows: Any = await self._engine.run_querystring(self._query.querystrings[0])
        self._rows = list(rows)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget the rows."""
        self._rows.clear()

    def __aiter__(self) -> Self:
        """Iterate over the slices."""
        return self

    async def __anext__(self) -> list[dict[str, Any]]:
        """Return the next slice."""
        piece, self._rows = self._rows[: self._size], self._rows[self._size :]
        if not piece:
            raise StopAsyncIteration
        process: Any = self._query._process_results  # noqa: SLF001 # pyright: ignore - as Piccolo's own batches do
        return await process(piece)
