"""Storing changes of an account that end its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.accounts.sessions import end_sessions_of
from maydan.errors import Conflict
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.storage.ports import Store, Transaction


async def commit_locked(
    store: Store, account_id: str, batch: Sequence[Statement], *, keep_administrator: bool = False
) -> None:
    """Store a batch once the account's row is locked, so that no session begins unseen while it is stored.

    A login that was first has its session ended by the batch; one that comes later is judged by what the batch leaves.
    Without the lock PostgreSQL would decide which sessions there are before it waits for the rows of the batch.

    Args:
        store: Where the account is.
        account_id: Whose row is locked.
        batch: What is stored.
        keep_administrator: Whether the batch must leave somebody else who administers the instance.
    Raises:
        GuardFailed, Duplicate: As for any batch; nothing is stored.
        Conflict: Nobody would administer the instance any more.
    """

    async def work(transaction: Transaction) -> None:
        if keep_administrator:
            await _require_another_administrator(transaction, account_id)
        await transaction.fetch_one("SELECT id FROM maydan_accounts WHERE id = ? {for_update}", account_id)
        await transaction.apply(batch)

    await store.retrying(work)


async def _require_another_administrator(transaction: Transaction, account_id: str) -> None:
    # All of them are locked, each time in the same order, so that two do not bar each other at the same moment.
    rows = await transaction.fetch_all(
        "SELECT id, suspended_at FROM maydan_accounts WHERE administrator = ? ORDER BY id {for_update}", True
    )
    if all(row[1] is not None or str(row[0]) == account_id for row in rows):
        raise Conflict("Somebody else must be left who administers the instance.", code="last_administrator")


def end_access_of(
    account_id: str, now: datetime, *, but_session: str | None = None, but_token: str | None = None
) -> list[Statement]:
    """Return the part of a batch that ends what somebody with an older password, or older mail, could still use.

    Args:
        account_id: Whose sessions and links end.
        now: When.
        but_session: The session that goes on.
        but_token: The hash of the token from a mail that the same batch uses.
    """
    return [end_sessions_of(account_id, now, but=but_session), *void_links_of(account_id, now, but=but_token)]


def void_links_of(account_id: str, now: datetime, *, but: str | None = None) -> list[Statement]:
    """Return the part of a batch that makes the links of earlier mail void, sent or not; all of them or all but one."""
    waiting = "DELETE FROM maydan_mail WHERE account_id = ? AND kind IN ('verify', 'email', 'reset')"
    sent = "UPDATE maydan_mail_tokens SET used_at = ? WHERE account_id = ? AND hash <> ? AND used_at IS NULL"
    return [Statement(waiting, (account_id,)), Statement(sent, (now, account_id, but or ""))]
