"""Remembers how far a bulk with an ``Idempotency-Key`` has come, in the transactions in which its lines are stored.

When the process ends half way, the same request goes on where it ended: what was stored is answered as it was then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maydan.http.spooling import KeptElsewhere, LargeAnswer, Spool
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.http.idempotency import Claim
    from maydan.operations.bulk import Outcome
    from maydan.storage.ports import Store

_SELECT: Final = "SELECT lines, answer FROM maydan_bulk_progress WHERE scope = ? ORDER BY first"
_SELECT_PART: Final = (
    "SELECT first, lines, answer FROM maydan_bulk_progress WHERE scope = ? AND first > ? ORDER BY first LIMIT 100"
)
_INSERT: Final = "INSERT INTO maydan_bulk_progress (scope, first, lines, answer, expires_at) VALUES (?, ?, ?, ?, ?)"
_HOLD: Final = "UPDATE maydan_idempotency SET lease_until = ? WHERE scope = ? AND holder = ? AND answer IS NULL"


class Progress:
    """What was done of one request's lines before, and the statements that note what is done now."""

    def __init__(self, call: Call, claim: Claim, write: Callable[[Sequence[Outcome]], bytes]) -> None:
        """Note the progress of the call that holds the key; ``write`` gives the answer's lines."""
        self._call = call
        self._claim = claim
        self._write = write
        self.done = 0
        """Lines that were carried out before this request."""
        self.answer = b""
        """What they were answered."""

    async def load(self) -> None:
        """Read what an earlier request with the same key has done."""
        if not self._claim.goes_on:
            return
        rows = await self._call.core.store.fetch_all(_SELECT, self._claim.scope)
        self.done = sum(row[0] for row in rows)
        self.answer = b"".join(row[1].encode() for row in rows)
        self._claim.is_under_way = self.done > 0

    async def load_into(self, spool: Spool) -> None:
        """Read what an earlier request with the same key has done, and copy what it was answered."""
        if self._claim.goes_on:
            self.done = await _copy(self._call.core.store, self._claim.scope, spool)
            self._claim.is_under_way = self.done > 0

    def statements(self, first: int, outcomes: Sequence[Outcome]) -> Sequence[Statement]:
        """Return what notes the outcomes of the lines after the ``first`` ones, and holds the key for longer.

        The first one fails when another request has taken the key over: then nothing of these lines may be stored.
        """
        claim, settings = self._claim, self._call.around.server
        until = self._call.core.clock.now() + timedelta(seconds=settings.idempotency_lease_s)
        text = self._write(outcomes).decode()
        return (
            Statement(_HOLD, (until, claim.scope, claim.holder), expect=1),
            Statement(_INSERT, (claim.scope, first, len(outcomes), text, claim.expires_at)),
        )

    def noted(self, outcomes: Sequence[Outcome]) -> None:
        """Tell that such statements are stored."""
        if any(outcome.done is not None for outcome in outcomes):
            self._claim.is_under_way = True


async def kept_answer(store: Store, answer: KeptElsewhere) -> LargeAnswer:
    """Return the answer of a streamed bulk that was carried out before, from what was noted with its lines."""
    spool = Spool()
    try:
        await _copy(store, answer.scope, spool)
    except BaseException:
        spool.close()
        raise
    return LargeAnswer(answer, spool)


async def _copy(store: Store, scope: str, spool: Spool) -> int:
    """Copy what all lines of a bulk were answered, a part at a time; returns how many lines they are."""
    done, first = 0, -1
    while rows := await store.fetch_all(_SELECT_PART, scope, first):
        for _, lines, answer in rows:
            done += lines
            await spool.add(answer.encode())
        first = rows[-1][0]
    return done
