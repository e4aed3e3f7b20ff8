"""Storing changes of an account that end its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.storage.ports import Statement, Store, Transaction


async def commit_locked(store: Store, account_id: str, batch: Sequence[Statement]) -> None:
    """Store a batch once the account's row is locked, so that no session begins unseen while it is stored.

    A login that was first has its session ended by the batch; one that comes later is judged by what the batch leaves.
    Without the lock PostgreSQL would decide which sessions there are before it waits for the rows of the batch.

    Raises:
        GuardFailed, Duplicate: As for any batch; nothing is stored.
    """

    async def work(transaction: Transaction) -> None:
        await transaction.fetch_one("SELECT id FROM maydan_accounts WHERE id = ? {for_update}", account_id)
        await transaction.apply(batch)

    await store.retrying(work)
