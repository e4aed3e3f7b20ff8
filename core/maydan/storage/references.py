"""Which entries link to an entry, and the locks that keep new links from slipping in while it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.storage.documents import DRAFT, PUBLISHED
from maydan.storage.entries import SELECT_ENTRY, entry_row
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Reader, Row, Store

_MOST_IDS: Final = 500
"""Ids of one statement."""


class LinkRow(Struct, frozen=True, kw_only=True):
    """One field of one entry that links to another entry; sources in the trash do not count."""

    target_id: str
    source_id: str
    type_key: int
    """Of the source."""
    field_id: str
    in_draft: bool
    """Whether the newest version of the source has the link."""
    in_published: bool
    """Whether readers of the source have it."""


_SELECT: Final = (
    "SELECT l.target_id, l.source_id, min(e.type_key), l.field_id,"
    f" max(CASE WHEN l.perspective = {DRAFT} THEN 1 ELSE 0 END),"
    f" max(CASE WHEN l.perspective = {PUBLISHED} THEN 1 ELSE 0 END)"
    " FROM maydan_links AS l JOIN maydan_entries AS e ON e.id = l.source_id AND e.space_key = l.space_key"
    " WHERE e.trashed_at IS NULL AND l.space_key = ?"
)


async def page_of_links(
    reader: Reader, space_key: int, target_id: str, *, after: tuple[str, str] | None, limit: int
) -> list[LinkRow]:
    """Return fields that link to an entry, the newest source first.

    Args:
        reader: Where to read.
        space_key: Of the target, and so of every source.
        target_id: What is linked to.
        after: Source and field id of the last row of the page before.
        limit: Rows at most.
    """
    rows = await reader.fetch_all(page_sql(limit, is_first=after is None), space_key, target_id, *(after or ()))
    return [_row(row) for row in rows]


def page_sql(limit: int, *, is_first: bool) -> str:
    """Write the statement of a page; also what tests explain to see that an index gives the order."""
    since = "" if is_first else " AND (l.source_id, l.field_id) < (?, ?)"
    return (
        f"{_SELECT} AND l.target_id = ?{since} GROUP BY l.target_id, l.source_id, l.field_id"
        f" ORDER BY l.target_id DESC, l.source_id DESC, l.field_id DESC LIMIT {limit:d}"
    )


async def links_to(reader: Reader, space_key: int, target_ids: Sequence[str], *, limit: int) -> list[LinkRow]:
    """Return fields that link to any of the entries, in a fixed order, up to a number of rows."""
    found: list[LinkRow] = []
    for ids in _portions(target_ids):
        rows = await reader.fetch_all(
            f"{_SELECT} AND l.target_id IN ({','.join('?' * len(ids))}) "
            " GROUP BY l.target_id, l.source_id, l.field_id"
            f" ORDER BY l.target_id, l.source_id, l.field_id LIMIT {limit:d}",
            space_key, *ids,
        )  # fmt: skip
        found += [_row(row) for row in rows]
    return found[:limit]


async def rows_by_id(store: Store, space_key: int, ids: Collection[str]) -> dict[str, EntryRow]:
    """Read entries of any type by their ids; inside a write transaction with what that wrote."""
    found: dict[str, EntryRow] = {}
    for part in _portions(sorted(ids)):
        sql = f"{SELECT_ENTRY} WHERE e.space_key = ? AND e.id IN ({','.join('?' * len(part))})"
        found |= {str(row[0]): entry_row(store, row) for row in await store.fetch_all(sql, space_key, *part)}
    return found


async def lock_rows(reader: Reader, space_key: int, ids: Collection[str]) -> dict[str, int]:
    """Lock entries until the end of the transaction, and return their revisions.

    Who stores a link to one of them (:func:`target_guard`) now waits; who has stored one is seen by the next read.
    """
    found: dict[str, int] = {}
    for part in _portions(sorted(ids)):
        rows = await reader.fetch_all(
            "SELECT id, revision FROM maydan_entries WHERE space_key = ?"
            f" AND id IN ({','.join('?' * len(part))}) ORDER BY id {{for_update}}",
            space_key, *part,
        )  # fmt: skip
        found |= {str(row[0]): row[1] for row in rows}
    return found


def target_guard(space_key: int, ids: Collection[str]) -> list[Statement]:
    """Return what stops a batch when an entry that it links to is not there, or is being deleted at this moment."""
    if not ids:
        return []
    marks = ",".join("?" * len(ids))
    sql = (
        f"SELECT 1 FROM maydan_entries WHERE space_key = ? AND id IN ({marks}) AND trashed_at IS NULL"
        " ORDER BY id {for_share}"
    )
    return [Statement(sql, (space_key, *sorted(ids)), expect=len(ids))]


def revision_guard(space_key: int, revisions: Mapping[str, int]) -> list[Statement]:
    """Return what stops a batch when one of these entries has another revision than the one that is named for it."""
    guards: list[Statement] = []
    for part in _portions(sorted(revisions)):
        known = " OR ".join(["id = ? AND revision = ?"] * len(part))
        sql = f"SELECT 1 FROM maydan_entries WHERE space_key = ? AND ({known}) ORDER BY id {{for_share}}"
        values = (value for one in part for value in (one, revisions[one]))
        guards.append(Statement(sql, (space_key, *values), expect=len(part)))
    return guards


def _portions(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _MOST_IDS] for start in range(0, len(ids), _MOST_IDS)]


def _row(row: Row) -> LinkRow:
    return LinkRow(
        target_id=str(row[0]),
        source_id=str(row[1]),
        type_key=row[2],
        field_id=row[3],
        in_draft=bool(row[4]),
        in_published=bool(row[5]),
    )
