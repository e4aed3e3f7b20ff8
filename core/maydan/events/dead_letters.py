"""Events that a subscriber could not take, kept until somebody tries again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from maydan import ids
from maydan.errors import NotFound
from maydan.storage import Reader, Row, Statement
from maydan.storage.dialects import Dialect
from maydan.storage.log import LoggedEvent

_COLUMNS: Final = "id, subscriber, position, space_key, attempts, error, created_at"
_INSERT: Final = (
    f"INSERT INTO maydan_dead_letters ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (subscriber, position) DO UPDATE SET attempts = maydan_dead_letters.attempts + excluded.attempts,"
    " error = excluded.error"
)


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One event that one subscriber could not take."""

    id: str
    subscriber: str
    position: int
    """Of the event in the log."""
    space_key: int | None
    attempts: int
    error: str
    """The last error, as text."""
    created_at: datetime


def letter_statement(subscriber: str, event: LoggedEvent, attempts: int, error: str) -> Statement:
    """Return the part of a batch that keeps the event as a dead letter."""
    now = datetime.now(UTC)
    return Statement(
        _INSERT, (ids.new_id(), subscriber, event.position, event.space_key, attempts, error, now), expect=1
    )


async def list_dead_letters(
    store: Reader, *, space_key: int | None = None, before: str | None = None, limit: int = 25, offset: int = 0
) -> list[DeadLetter]:
    """Return dead letters, newest first.

    Args:
        store: Where to read.
        space_key: Only those of a space.
        before: The id of the last one of the page before.
        limit: How many at most.
        offset: How many to leave out first.
    """
    conditions: list[str] = []
    args: list[object] = []
    if space_key is not None:
        conditions.append("space_key = ?")
        args.append(space_key)
    if before is not None:
        conditions.append("id < ?")
        args.append(before)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {_COLUMNS} FROM maydan_dead_letters{where} ORDER BY id DESC LIMIT ? OFFSET ?"
    return [_letter(row) for row in await store.fetch_all(sql, *args, limit, offset)]


async def count_dead_letters(store: Reader, space_key: int) -> int:
    """Return how many dead letters a space has."""
    row = await store.fetch_one("SELECT count(*) FROM maydan_dead_letters WHERE space_key = ?", space_key)
    return 0 if row is None else int(row[0])


async def get_dead_letter(store: Reader, letter_id: str, *, space_key: int | None = None) -> DeadLetter:
    """Return one dead letter; whoever asks for somebody names the space that it must be of.

    Raises:
        NotFound: There is none with this id.
    """
    where, args = ("", ()) if space_key is None else (" AND space_key = ?", (space_key,))
    row = await store.fetch_one(f"SELECT {_COLUMNS} FROM maydan_dead_letters WHERE id = ?{where}", letter_id, *args)
    if row is None:
        raise NotFound
    return _letter(row)


def deleted_statement(letter: DeadLetter) -> Statement:
    """Return the guarded part of a batch that forgets a dead letter."""
    sql = "DELETE FROM maydan_dead_letters WHERE id = ? AND space_key IS NOT DISTINCT FROM ?"
    return Statement(sql, (letter.id, letter.space_key), expect=1)


def _letter(row: Row) -> DeadLetter:
    return DeadLetter(
        id=str(row[0]),
        subscriber=row[1],
        position=row[2],
        space_key=row[3],
        attempts=row[4],
        error=row[5],
        created_at=Dialect.read_time(row[6]),
    )
