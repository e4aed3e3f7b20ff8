"""The log: everything that happened, in the order in which it became visible.

Events are written in the transaction of what they tell. On SQLite a position counts up; there is one writer, so it
is the order of commits. On PostgreSQL it is made of the transaction's id and the event's ordinal in it, and readers
stay below the oldest transaction that is still running: an id that commits late is waited for and never skipped.
A long transaction that writes, of anybody in the cluster, holds the readers of the log up for as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from maydan.storage.dialects import Dialect
from maydan.storage.ports import Reader, Row, Statement
from maydan.storage.signals import LOG

_INSERT: Final = (
    "INSERT INTO maydan_log (space_key, type, subject_type, subject_id, version, actor_id, at, request_id, data,"
    " witness, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {log_position})"
)
_COLUMNS: Final = "position, space_key, type, subject_type, subject_id, version, actor_id, at, request_id, data"
_READ: Final = (
    f"SELECT {_COLUMNS} FROM maydan_log WHERE position > ? AND position < {{log_end}} ORDER BY position LIMIT ?"
)
_READ_SPACE: Final = (
    f"SELECT {_COLUMNS} FROM maydan_log WHERE space_key = ? AND position > ? AND position < {{log_end}}"
    " ORDER BY position LIMIT ?"
)
T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened."""

    type: str
    """Thing and what happened to it, such as ``entry.created``."""
    space_key: int | None
    """None for what concerns the whole instance."""
    subject_type: str
    """What kind of thing, such as a content type's name."""
    subject_id: str
    version: int | None = None
    """The subject's version that the event led to."""
    actor_id: str | None = None
    at: datetime
    request_id: str | None = None
    data: dict[str, Any] = {}


class LoggedEvent(Event, frozen=True, kw_only=True):
    """An event with its place in the log, by which it is known to the outside."""

    position: int


def event_statement(event: Event) -> Statement:
    """Return the part of a batch that writes the event."""
    return witnessed_statement(event, None)


def witnessed_statement(event: Event, witness: str | None) -> Statement:
    """Return the part of a batch that writes the event with its witness.

    Args:
        event: What happened.
        witness: JSON text by which it is judged later who may learn of the event; it is in no answer, and is not
            handed to subscribers.
    """
    return Statement(
        _INSERT,
        (
            event.space_key,
            event.type,
            event.subject_type,
            event.subject_id,
            event.version,
            event.actor_id,
            event.at,
            event.request_id,
            _encode(event.data).decode(),
            witness,
        ),
        signal=LOG,
        numbered=True,
    )


async def read_after(store: Reader, position: int, limit: int, space_key: int | None = None) -> list[LoggedEvent]:
    """Return the events after a position, oldest first, as far as their order is final.

    Args:
        store: Where to read; not a write transaction, in which the newest events are not final.
        position: 0 for the start.
        limit: How many at most.
        space_key: Only those of a space.
    """
    if space_key is None:
        rows = await store.fetch_all(_READ, position, limit)
    else:
        rows = await store.fetch_all(_READ_SPACE, space_key, position, limit)
    return [_event(row) for row in rows]


async def find_event(store: Reader, position: int) -> LoggedEvent | None:
    """Return the event at a position, or None."""
    row = await store.fetch_one(f"SELECT {_COLUMNS} FROM maydan_log WHERE position = ?", position)
    return None if row is None else _event(row)


def padded(values: Sequence[T]) -> list[T]:
    """Return the values, the last one repeated up to a power of two: so there are few texts of a statement to plan."""
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]


async def find_events(store: Reader, positions: Sequence[int]) -> dict[int, LoggedEvent]:
    """Return the events at these positions, oldest first; missing ones are left out."""
    if not positions:
        return {}
    listed = padded(positions)
    sql = f"SELECT {_COLUMNS} FROM maydan_log WHERE position IN ({','.join('?' * len(listed))}) ORDER BY position"
    return {row[0]: _event(row) for row in await store.fetch_all(sql, *listed)}


async def read_witnesses(store: Reader, positions: Sequence[int]) -> dict[int, str]:
    """Return the witnesses of those of the events that have one, in one statement."""
    if not positions:
        return {}
    listed = padded(positions)
    marks = ",".join("?" * len(listed))
    rows = await store.fetch_all(
        f"SELECT position, witness FROM maydan_log WHERE position IN ({marks}) AND witness IS NOT NULL", *listed
    )
    return {row[0]: row[1] for row in rows}


async def last_position(store: Reader) -> int:
    """Return the position of the newest event whose order is final, 0 when there is none."""
    row = await store.fetch_one("SELECT max(position) FROM maydan_log WHERE position < {log_end}")
    return row[0] if row is not None and row[0] is not None else 0


async def newest_position(store: Reader) -> int:
    """Return the position of the newest event, whether its order is final or not; 0 when there is none."""
    row = await store.fetch_one("SELECT max(position) FROM maydan_log")
    return row[0] if row is not None and row[0] is not None else 0


def _event(row: Row) -> LoggedEvent:
    return LoggedEvent(
        position=row[0],
        space_key=row[1],
        type=row[2],
        subject_type=row[3],
        subject_id=row[4],
        version=row[5],
        actor_id=row[6],
        at=Dialect.read_time(row[7]),
        request_id=row[8],
        data=_decode(row[9]),
    )
