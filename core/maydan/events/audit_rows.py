"""The audit's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, fields

from maydan.events.audit import FIRST, AuditRow, Broken, check_row
from maydan.storage import Reader, Row, Statement, Store
from maydan.storage.dialects import Dialect

_NAMES: Final = tuple(each.name for each in fields(AuditRow))
_COLUMNS: Final = ", ".join(_NAMES)
_READ: Final = _COLUMNS.replace(
    " at,", " CASE WHEN at BETWEEN '0001-01-02T00:00:00Z' AND '9999-12-30T00:00:00Z' THEN at END AS at,"
)
"""PostgreSQL has moments of which there is no ``datetime``; its driver fails at a row that holds one."""
_MARKS: Final = f"({', '.join('?' * len(_NAMES))})"
_TYPES: Final = get_type_hints(AuditRow)
_UNREADABLE: Final = {
    **dict.fromkeys(_NAMES, ""), **dict.fromkeys(("chain", "seq", "position", "version"), 0),
    "at": datetime(1970, 1, 1, tzinfo=UTC),
}  # fmt: skip
_PAGE: Final = 500
_NEW_HEAD: Final = "INSERT INTO maydan_audit_heads (chain, seq, hash) VALUES (?, ?, ?)"
_MOVE_HEAD: Final = "UPDATE maydan_audit_heads SET seq = ?, hash = ? WHERE chain = ? AND seq = ? AND hash = ?"


class Head(Struct, frozen=True):
    """The end of a chain."""

    seq: int = 0
    hash: str = FIRST


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which rows are wanted; ``None`` is all."""

    actor: str | None = None
    subject: str | None = None
    type: str | None = None
    since: datetime | None = None


class Checked(Struct, frozen=True, kw_only=True):
    """What checking a chain found."""

    is_whole: bool
    rows: int
    """Rows that hold, from the first on."""
    head: Head
    """The last of them. Who notes it elsewhere notices also when a chain is written anew from some row on."""
    broken: Broken | None = None


async def find_head(store: Reader, chain: int) -> Head:
    """Return the end of a chain; that of an empty one where there is none."""
    row = await store.fetch_one("SELECT seq, hash FROM maydan_audit_heads WHERE chain = ?", chain)
    return Head() if row is None else Head(row[0], row[1])


async def known_positions(store: Reader, positions: Sequence[int]) -> set[int]:
    """Return those of the positions that are in the audit."""
    marks = ",".join("?" * len(positions))
    rows = await store.fetch_all(f"SELECT position FROM maydan_audit WHERE position IN ({marks})", *positions)
    return {row[0] for row in rows}


def append_statements(before: Head, rows: Sequence[AuditRow]) -> list[Statement]:
    """Return the part of a batch that adds rows of one chain after its head; refused where another one moved it."""
    last = rows[-1]
    if before.seq == 0:
        head = Statement(_NEW_HEAD, (last.chain, last.seq, last.hash), expect=1)
    else:
        head = Statement(_MOVE_HEAD, (last.seq, last.hash, last.chain, before.seq, before.hash), expect=1)
    args = tuple(value for row in rows for value in astuple(row))
    sql = f"INSERT INTO maydan_audit ({_COLUMNS}) VALUES {', '.join([_MARKS] * len(rows))}"
    return [head, Statement(sql, args, expect=len(rows))]


async def list_rows(
    store: Reader, chain: int, wanted: AuditFilter, *, limit: int, after: str | None = None, offset: int = 0
) -> list[AuditRow]:
    """Return rows of a chain, the newest first.

    Args:
        store: Where to read.
        chain: Which.
        wanted: Which of its rows.
        limit: How many at most.
        after: ``seq`` of the last row of the page before.
        offset: How many to leave out.
    """
    where, args = _where(chain, wanted)
    if after is not None:
        where, args = f"{where} AND seq < ?", [*args, int(after)]
    sql = f"SELECT {_READ} FROM maydan_audit WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?"
    return [_row(row) for row in await store.fetch_all(sql, *args, limit, offset)]


async def find_row(store: Store, chain: int, position: int) -> AuditRow | None:
    """Return the row of an event, or ``None`` where the chain has none."""
    row = await store.fetch_point(f"SELECT {_READ} FROM maydan_audit WHERE position = ? AND chain = ?", position, chain)
    return None if row is None else _row(row)


async def count_rows(store: Reader, chain: int, wanted: AuditFilter) -> int:
    """Return how many rows :func:`list_rows` would list."""
    where, args = _where(chain, wanted)
    row = await store.fetch_one(f"SELECT count(*) FROM maydan_audit WHERE {where}", *args)
    return 0 if row is None else int(row[0])


async def check_chain(store: Store, chain: int) -> Checked:
    """Read a chain from its beginning and check each link, in pages."""
    # The end first: rows that are added meanwhile come after it.
    end, last = await find_head(store, chain), Head()
    sql = f"SELECT {_READ} FROM maydan_audit WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?"
    while rows := [_row(row) for row in await store.fetch_all(sql, chain, last.seq, _PAGE)]:
        for row in rows:
            broken = check_row(row, seq=last.seq + 1, previous=last.hash)
            if broken is not None:
                return Checked(is_whole=False, rows=last.seq, head=last, broken=broken)
            if row.seq == end.seq and row.hash != end.hash:
                reason = "It is not the end that was noted."
                broken = Broken(seq=row.seq, position=row.position, reason=reason)
                return Checked(is_whole=False, rows=last.seq, head=last, broken=broken)
            last = Head(row.seq, row.hash)
    if last.seq < end.seq:
        missing = Broken(seq=last.seq + 1, position=None, reason="A row is missing.")
        return Checked(is_whole=False, rows=last.seq, head=last, broken=missing)
    return Checked(is_whole=True, rows=last.seq, head=last)


async def list_chains(store: Reader) -> list[int]:
    """Return the chains that have rows."""
    return [row[0] for row in await store.fetch_all("SELECT chain FROM maydan_audit_heads ORDER BY chain")]


def _where(chain: int, wanted: AuditFilter) -> tuple[str, list[Any]]:
    parts, args = ["chain = ?"], list[Any]([chain])
    for column, value in (
        ("actor_id = ?", wanted.actor), ("subject_id = ?", wanted.subject), ("type = ?", wanted.type),
        ("at >= ?", wanted.since),
    ):  # fmt: skip
        if value is not None:
            parts.append(column)
            args.append(value)
    return " AND ".join(parts), args


def _row(row: Row) -> AuditRow:
    values = {name: _readable(name, value) for name, value in zip(_NAMES, row, strict=True)}
    return AuditRow(**values)


def _readable(name: str, value: Any) -> Any:
    """Return a value, or where somebody wrote by hand what is none, one that the row's hash or digest does not fit."""
    try:
        read = Dialect.read_time(value).astimezone(UTC) if name == "at" else value
        return msgspec.convert(read, _TYPES[name])
    except (TypeError, ValueError, OverflowError):
        return _UNREADABLE[name]
