"""The mail that waits: which is due, and that only one outbox sends each message."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs

from maydan.storage.guarded import committed
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from datetime import datetime

    from maydan.clock import Clock
    from maydan.storage.ports import Row, Store

_WAITS_S: Final = (5, 30, 60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600)
"""Seconds before the next try; the last one holds for all later ones."""
_LONGEST_ERROR: Final = 500
_DUE: Final = (
    "SELECT id, kind, account_id, email, data, tries FROM maydan_mail WHERE failed_at IS NULL AND run_at <= ? "
    "AND (lease_until IS NULL OR lease_until < ? OR lease_until > ?) ORDER BY run_at LIMIT ?"
)
_TAKE: Final = (
    "UPDATE maydan_mail SET lease_until = ?, tries = tries + 1 WHERE id = ? AND tries = ? AND failed_at IS NULL"
)
_DONE: Final = "DELETE FROM maydan_mail WHERE id = ? AND tries = ?"
_AGAIN: Final = (
    "UPDATE maydan_mail SET lease_until = NULL, run_at = ?, error = ?, failed_at = ? WHERE id = ? AND tries = ?"
)


class Waiting(Struct, frozen=True, kw_only=True):
    """A message that is not sent yet."""

    id: str
    kind: str
    account_id: str | None
    email: str
    data: dict[str, Any]
    tries: int
    """The one that is under way is counted."""


class WaitingMail:
    """One outbox's way to its mail; each of its statements changes nothing once another outbox has taken a message."""

    def __init__(self, store: Store, clock: Clock, *, lease_s: float, max_tries: int) -> None:
        """Take from this store.

        Args:
            store: Where mail waits.
            clock: The time.
            lease_s: Longer than one message may take to be sent.
            max_tries: After so many a message is given up.
        """
        self._store = store
        self._clock = clock
        self._lease_s = lease_s
        self._max_tries = max_tries

    async def due(self, limit: int) -> list[Waiting]:
        """Return what is due and what nobody sends; nothing is taken yet."""
        now = self._clock.now()
        # A lease that ends later than any can was given before the clock was put back.
        longest = now + timedelta(seconds=2 * self._lease_s)
        return [_read(row) for row in await self._store.fetch_all(_DUE, now, now, longest, limit)]

    async def take(self, waiting: Waiting) -> Waiting | None:
        """Take a message that is due, and return it as it is then; ``None`` where another outbox was faster."""
        ends = self._clock.now() + timedelta(seconds=self._lease_s)
        taken = await committed(self._store, [Statement(_TAKE, (ends, waiting.id, waiting.tries), expect=1)])
        return structs.replace(waiting, tries=waiting.tries + 1) if taken else None

    async def done(self, waiting: Waiting) -> None:
        """Forget a message that was sent."""
        await self._store.commit([Statement(_DONE, (waiting.id, waiting.tries))])

    async def put_off(self, waiting: Waiting, reason: str) -> None:
        """Note that a try failed: the message is tried again after a pause, or given up."""
        now = self._clock.now()
        run_at = now + timedelta(seconds=_WAITS_S[min(waiting.tries, len(_WAITS_S)) - 1])
        args = (run_at, reason[:_LONGEST_ERROR], self._given_up_at(waiting, now), waiting.id, waiting.tries)
        await self._store.commit([Statement(_AGAIN, args)])

    def _given_up_at(self, waiting: Waiting, now: datetime) -> datetime | None:
        return now if waiting.tries >= self._max_tries else None


def _read(row: Row) -> Waiting:
    return Waiting(
        id=str(row[0]),
        kind=row[1],
        account_id=None if row[2] is None else str(row[2]),
        email=row[3],
        data=json.loads(row[4]),
        tries=row[5],
    )
