"""Forgets what is over: tokens, tickets, invitations, sessions, shares, previews and locks, once over all workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.operations.core import Core

_EXPIRING: Final = ("maydan_shares", "maydan_previews", "maydan_locks")


async def forget_expired(core: Core) -> None:
    """Delete the rows of what has expired; it counted for nothing any more since it did."""
    await core.accounts.clear_away()
    now = core.clock.now()
    for space in core.registry.spaces():
        await core.store.commit([
            Statement(f"DELETE FROM {table} WHERE space_key = ? AND expires_at <= ?", (space.key, now))
            for table in _EXPIRING
        ])  # fmt: skip
