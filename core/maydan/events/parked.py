"""Events that one subscriber could not take yet: they wait for their next try, and what follows them waits behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from maydan.events.dead_letters import letter_statement
from maydan.storage import Reader, Statement, Store
from maydan.storage.log import LoggedEvent

_PARK: Final = (
    "INSERT INTO maydan_parked (subscriber, position, subject, space_key, attempts, error, due_ms)"
    " VALUES %s ON CONFLICT (subscriber, position) DO UPDATE SET"
    " attempts = excluded.attempts, error = excluded.error, due_ms = excluded.due_ms"
)
_ROW: Final = "(?, ?, ?, ?, ?, ?, {now_ms} + ?)"
_SUBJECTS: Final = "SELECT DISTINCT subject FROM maydan_parked WHERE subscriber = ?"
_HEADS: Final = (
    "SELECT p.position, p.attempts, p.due_ms - {now_ms} FROM maydan_parked AS p WHERE p.subscriber = ?"
    " AND NOT EXISTS (SELECT 1 FROM maydan_parked AS q WHERE q.subscriber = p.subscriber AND q.subject = p.subject"
    " AND q.position < p.position) ORDER BY p.due_ms, p.position LIMIT ?"
)
_BEGIN: Final = (
    "UPDATE maydan_parked SET attempts = attempts + 1, due_ms = {now_ms} + ? WHERE subscriber = ? AND position = ?"
)
_FAIL: Final = "UPDATE maydan_parked SET error = ?, due_ms = {now_ms} + ? WHERE subscriber = ? AND position = ?"
_HOLD: Final = (
    "UPDATE maydan_parked SET attempts = ?, error = ?, due_ms = {now_ms} WHERE subscriber = ? AND position = ?"
)
_TAKE: Final = "DELETE FROM maydan_parked WHERE subscriber = ? AND position = ?"
_HEADS_AT_ONCE: Final = 100


class Head(Struct, frozen=True):
    """The first parked event of its subject."""

    position: int
    attempts: int
    wait_ms: int
    """Until its next try; not positive when it is due."""


def subject_of(event: LoggedEvent) -> str:
    """Return by what events keep their order: the entry, also for comments on it; else the thing."""
    entry = event.data.get("entry") if event.subject_type == "comment" else None
    return str(entry) if entry else event.subject_id


class Waiting(Struct, frozen=True):
    """An event that is to be parked."""

    event: LoggedEvent
    attempts: int = 0
    """0 for one that waits behind another of its subject."""
    error: str = ""
    wait_ms: int = 0


def parked_statement(subscriber: str, waiting: Sequence[Waiting]) -> Statement:
    """Return the part of a batch that parks events until their next try."""
    args = [
        value
        for each in waiting
        for value in (
            subscriber, each.event.position, subject_of(each.event), each.event.space_key, each.attempts, each.error,
            each.wait_ms,
        )
    ]  # fmt: skip
    return Statement(_PARK % ",".join([_ROW] * len(waiting)), tuple(args))


class Parked:
    """The parked events of one subscriber."""

    def __init__(self, store: Store, subscriber: str) -> None:
        """Look after those of this name."""
        self._store = store
        self._subscriber = subscriber

    async def subjects(self) -> set[str]:
        """Return the subjects whose events have to wait."""
        return {row[0] for row in await self._store.fetch_all(_SUBJECTS, self._subscriber)}

    async def heads(self) -> list[Head]:
        """Return the first event of each subject, the one that is due first before the others."""
        rows = await self._store.fetch_all(_HEADS, self._subscriber, _HEADS_AT_ONCE)
        return [Head(*row) for row in rows]

    async def any_until(self, position: int) -> bool:
        """Tell whether anything up to a position waits here."""
        sql = "SELECT 1 FROM maydan_parked WHERE subscriber = ? AND position <= ? LIMIT 1"
        return await self._store.fetch_one(sql, self._subscriber, position) is not None

    def begin(self, head: Head, wait_ms: int) -> Statement:
        """Return the statement that counts a try before it is made: a worker that dies of it has counted it."""
        return Statement(_BEGIN, (wait_ms, self._subscriber, head.position), expect=1)

    async def fail(self, head: Head, error: str, wait_ms: int) -> None:
        """Save why a try failed, and when the next one is."""
        await self._store.commit([Statement(_FAIL, (error, wait_ms, self._subscriber, head.position))])

    async def hold(self, head: Head, error: str) -> None:
        """Save that the subscriber could take nothing: what was counted before the try does not count."""
        await self._store.commit([Statement(_HOLD, (head.attempts, error, self._subscriber, head.position))])

    async def take(self, head: Head) -> None:
        """Save that an event was taken at last."""
        await self._store.commit([Statement(_TAKE, (self._subscriber, head.position))])

    async def bury(self, event: LoggedEvent, attempts: int, error: str) -> None:
        """Make an event a dead letter; what waited behind it comes next."""
        letter = letter_statement(self._subscriber, event, attempts, error)
        await self._store.commit([letter, Statement(_TAKE, (self._subscriber, event.position))])


async def count_parked(store: Reader) -> dict[str, tuple[int, int, str]]:
    """Return by subscriber how many events are parked, how often the worst was tried, and its last error."""
    rows = await store.fetch_all(
        "SELECT p.subscriber, count(*), max(p.attempts), max(p.error) FROM maydan_parked AS p GROUP BY p.subscriber"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
