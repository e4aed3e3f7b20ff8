"""Versions as they are kept: one row for each, found by entry and number, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from maydan.storage.ports import Reader, Row, Store


class VersionRow(Struct, frozen=True, kw_only=True):
    """One version of an entry."""

    version: int
    created_at: datetime
    created_by: str | None
    body: dict[str, Any] = {}
    """The stored form; empty in lists."""


_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


async def find_version(store: Store, space_key: int, entry_id: str, number: int) -> VersionRow | None:
    """Read one version."""
    row = await store.fetch_point(
        "SELECT version, created_at, created_by, body FROM maydan_versions"
        " WHERE entry_id = ? AND version = ? AND space_key = ?",
        entry_id, number, space_key,
    )  # fmt: skip
    return _row(store, row, _decode(row[3])) if row else None


async def list_versions(store: Store, space_key: int, entry_id: str, *, below: int, limit: int) -> list[VersionRow]:
    """Return the versions under a number, newest first, without their bodies."""
    rows = await store.fetch_all(
        "SELECT version, created_at, created_by FROM maydan_versions"
        f" WHERE entry_id = ? AND version < ? AND space_key = ? ORDER BY version DESC LIMIT {limit:d}",
        entry_id, below, space_key,
    )  # fmt: skip
    return [_row(store, row, {}) for row in rows]


def _row(store: Store, row: Row, body: dict[str, Any]) -> VersionRow:
    return VersionRow(version=row[0], created_at=store.dialect.read_time(row[1]), created_by=row[2], body=body)


async def find_bodies(
    store: Reader, spaces: Collection[int], wanted: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the stored forms of those of the versions (entry and number) that are still there, in one statement.

    Args:
        store: Where to read.
        spaces: The keys of the spaces that the entries are of.
        wanted: Which versions of which entries.
    """
    if not wanted:
        return {}
    ids, numbers = sorted({entry for entry, _ in wanted}), sorted({number for _, number in wanted})
    rows = await store.fetch_all(
        f"SELECT entry_id, version, body FROM maydan_versions WHERE entry_id IN ({', '.join('?' * len(ids))})"
        f" AND version IN ({', '.join('?' * len(numbers))}) AND space_key IN ({', '.join('?' * len(spaces))})",
        *ids, *numbers, *sorted(spaces),
    )  # fmt: skip
    return {(str(row[0]), row[1]): _decode(row[2]) for row in rows}
