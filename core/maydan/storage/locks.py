"""Edit locks: rows with an expiry, and the part of a statement that stops a write by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from maydan.storage.ports import Reader, Row, Store

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"

_COLUMNS: Final = (
    "SELECT l.entry_id, l.holder_id, a.name, l.taken_at, l.expires_at FROM maydan_locks AS l"
    " LEFT JOIN maydan_accounts AS a ON a.id = l.holder_id"
)

_TAKE: Final = (
    "INSERT INTO maydan_locks (space_key, entry_id, holder_id, taken_at, expires_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (space_key, entry_id) DO UPDATE SET holder_id = excluded.holder_id,"
    " taken_at = CASE WHEN maydan_locks.holder_id = excluded.holder_id AND maydan_locks.expires_at > excluded.taken_at"
    " THEN maydan_locks.taken_at ELSE excluded.taken_at END, expires_at = excluded.expires_at"
)

_UNLOCKED: Final = (
    " AND NOT EXISTS (SELECT 1 FROM maydan_locks AS l WHERE l.space_key = maydan_entries.space_key"
    " AND l.entry_id = maydan_entries.id AND l.holder_id <> ? AND l.expires_at > ?)"
)


class Lock(Struct, frozen=True, kw_only=True):
    """Who alone may change an entry, until when."""

    entry_id: str
    holder_id: str
    holder_name: str
    taken_at: datetime
    expires_at: datetime


class Writer(Struct, frozen=True, kw_only=True):
    """Who writes at which moment, as locks ask."""

    account_id: str | None
    """``None`` is somebody without an account, who holds no lock."""
    at: datetime

    @property
    def holder(self) -> str:
        """The id to compare holders with."""
        return self.account_id or _NOBODY


def unlocked(writer: Writer | None) -> tuple[str, tuple[Any, ...]]:
    """Return what to add to the ``WHERE`` of a statement on ``maydan_entries``, with its values.

    Args:
        writer: ``None`` is the system, which no lock stops.
    """
    return ("", ()) if writer is None else (_UNLOCKED, (writer.holder, writer.at))


def hold(space_key: int, entry_id: str, revision: int, writer: Writer | None) -> Statement:
    """Return what stops a batch that changes nothing else of the entry's row, where that is not as it was read.

    The entry's revision grows, so that of two such batches at the same moment the second is stopped.
    """
    clause, args = unlocked(writer)
    sql = f"UPDATE maydan_entries SET revision = revision + 1 WHERE space_key = ? AND id = ? AND revision = ?{clause}"
    return Statement(sql, (space_key, entry_id, revision, *args), expect=1)


def take(space_key: int, entry_id: str, writer: Writer, expires_at: datetime, *, by_force: bool) -> list[Statement]:
    """Return what gives the lock to a writer; guarded, unless by force, against one that somebody else holds.

    The entry's revision grows, so that a write which began before it and is stored after it is stopped.
    """
    touch = Statement(
        "UPDATE maydan_entries SET revision = revision + 1 WHERE space_key = ? AND id = ? AND trashed_at IS NULL",
        (space_key, entry_id),
        expect=1,
    )
    args = (space_key, entry_id, writer.holder, writer.at, expires_at)
    if by_force:
        return [touch, Statement(_TAKE, args, expect=1)]
    free = " WHERE maydan_locks.holder_id = excluded.holder_id OR maydan_locks.expires_at <= excluded.taken_at"
    return [touch, Statement(_TAKE + free, args, expect=1)]


def release(space_key: int, entry_id: str, *, holder_id: str | None = None) -> Statement:
    """Return what frees an entry, whoever holds it or only if that is the holder."""
    sql, args = "DELETE FROM maydan_locks WHERE space_key = ? AND entry_id = ?", (space_key, entry_id)
    return Statement(sql, args) if holder_id is None else Statement(f"{sql} AND holder_id = ?", (*args, holder_id))


async def find_locks(reader: Reader, store: Store, space_key: int, ids: Sequence[str], *, at: datetime) -> list[Lock]:
    """Read the locks that hold some of these entries at a moment."""
    if not ids:
        return []
    marks = ",".join("?" * len(ids))
    sql = f"{_COLUMNS} WHERE l.space_key = ? AND l.expires_at > ? AND l.entry_id IN ({marks}) ORDER BY l.entry_id"
    return [_lock(store, row) for row in await reader.fetch_all(sql, space_key, at, *ids)]


def _lock(store: Store, row: Row) -> Lock:
    moment = store.dialect.read_time
    return Lock(
        entry_id=str(row[0]), holder_id=str(row[1]), holder_name=row[2] or "", taken_at=moment(row[3]),
        expires_at=moment(row[4]),
    )  # fmt: skip
