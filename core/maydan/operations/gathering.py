"""Gathers what several operations store, so that it is written together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.storage.ports import Duplicate, GuardFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from maydan.storage.ports import Row, Statement, Store, Transaction


class Late(Exception):
    """Something that was gathered was refused when it was written, after its operation had gone on."""


class GatheringStore:
    """A store inside of a write transaction that keeps what is committed, until somebody reads or it is flushed.

    Every reader sees what was committed before. Statements of several commits are brought together by their text, so
    those of one entry stay in their order, and those of different ones do not. What that refuses is no verdict on one
    of them (:class:`Late`): undo the transaction, and write one by one.
    """

    def __init__(self, store: Store, transaction: Transaction) -> None:
        """Write in the transaction, which is the current one of the store."""
        self._store = store
        self._transaction = transaction
        self._kept: dict[str, list[Statement]] = {}

    def __getattr__(self, name: str) -> Any:
        """Return what the store has besides."""
        return getattr(self._store, name)

    async def commit(self, batch: Sequence[Statement]) -> None:
        """Keep a batch; what only looks whether something is so looks once, as every entry of a type does."""
        for statement in batch:
            alike = self._kept.setdefault(statement.sql, [])
            if not (alike and statement.sql.startswith("SELECT") and statement in alike):
                alike.append(statement)

    async def flush(self) -> None:
        """Write what is kept.

        Raises:
            Late: Something of it was refused.
        """
        kept, self._kept = self._kept, {}
        if not kept:
            return
        try:
            await self._transaction.apply([statement for alike in kept.values() for statement in alike])
        except (GuardFailed, Duplicate) as error:
            raise Late from error

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows, after what is kept was written."""
        await self.flush()
        return await self._store.fetch_all(sql, *args)

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None, after what is kept was written."""
        await self.flush()
        return await self._store.fetch_one(sql, *args)

    async def fetch_point(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None, after what is kept was written."""
        await self.flush()
        return await self._store.fetch_point(sql, *args)

    async def fetch_shared(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows, after what is kept was written."""
        await self.flush()
        return await self._store.fetch_shared(sql, *args)

    def write_transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Refuse: what happens inside cannot be kept.

        Raises:
            Late: Always.
        """
        raise Late

    async def retrying(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Run the work in a savepoint, after what is kept was written."""
        await self.flush()
        return await self._store.retrying(work)
