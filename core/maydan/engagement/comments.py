"""Comments: rows, threads, statuses."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

from maydan.storage.log import padded
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.storage.ports import Reader, Row, Store

MAX_TEXT: Final = 10_000
"""Characters of one comment."""

CommentKind: TypeAlias = Literal["comment", "pingback", "trackback"]


class CommentStatus(StrEnum):
    """Where a comment stands with the moderators; readers get only approved ones."""

    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    WAITING = "waiting"


class Comment(Struct, frozen=True, kw_only=True):
    """One comment on an entry, or on another comment."""

    id: str
    space_key: int
    type_key: int
    entry_id: str
    parent_id: str | None
    kind: str
    status: CommentStatus
    text: str
    """Plain text; whoever shows it escapes it."""
    author_id: str | None
    author_name: str
    author_email: str
    """Kept for moderators, never in an answer to readers."""
    author_url: str
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS: Final = (
    "id, space_key, type_key, entry_id, parent_id, kind, status, text, author_id, author_name, author_email,"
    " author_url, version, created_at, updated_at"
)


def _comment(store: Store, row: Row) -> Comment:
    return Comment(
        id=str(row[0]),
        space_key=row[1],
        type_key=row[2],
        entry_id=str(row[3]),
        parent_id=str(row[4]) if row[4] else None,
        kind=row[5],
        status=CommentStatus(row[6]),
        text=row[7],
        author_id=row[8],
        author_name=row[9],
        author_email=row[10],
        author_url=row[11],
        version=row[12],
        created_at=store.dialect.read_time(row[13]),
        updated_at=store.dialect.read_time(row[14]),
    )


async def find_comment(store: Store, space_key: int, comment_id: str) -> Comment | None:
    """Return a comment of the space, or ``None``."""
    row = await store.fetch_point(
        f"SELECT {_COLUMNS} FROM maydan_comments WHERE space_key = ? AND id = ?", space_key, comment_id
    )
    return _comment(store, row) if row else None


class CommentVisibility(Struct, frozen=True):
    """By what it is judged who may see a comment, besides its entry."""

    status: CommentStatus
    author_id: str | None


async def find_states(reader: Reader, space_key: int, ids: Sequence[str]) -> dict[str, CommentVisibility]:
    """Return how the comments with these ids stand, by id, in one statement; missing ones are left out."""
    if not ids:
        return {}
    listed = padded(ids)
    marks = ",".join("?" * len(listed))
    rows = await reader.fetch_all(
        f"SELECT id, status, author_id FROM maydan_comments WHERE space_key = ? AND id IN ({marks})", space_key, *listed
    )
    return {str(row[0]): CommentVisibility(CommentStatus(row[1]), row[2]) for row in rows}


async def list_comments(
    store: Store,
    space_key: int,
    entry_id: str,
    statuses: Sequence[CommentStatus],
    *,
    after: tuple[datetime, str] | None,
    limit: int,
    offset: int = 0,
) -> list[Comment]:
    """Return comments of an entry, oldest first, so that every answer follows what it answers.

    Args:
        store: Where they are kept.
        space_key: The entry's space.
        entry_id: The entry.
        statuses: Which the reader may see.
        after: Moment and id of the last one of the page before.
        limit: The most that are returned.
        offset: How many to leave out first.
    """
    keyset = " AND (created_at > ? OR (created_at = ? AND id > ?))" if after else ""
    rows = await store.fetch_all(
        f"SELECT {_COLUMNS} FROM maydan_comments WHERE space_key = ? AND entry_id = ?"
        f" AND status IN ({','.join('?' * len(statuses))}){keyset}"
        f" ORDER BY created_at, id LIMIT {limit:d} OFFSET {offset:d}",
        space_key,
        entry_id,
        *statuses,
        *((after[0], after[0], after[1]) if after else ()),
    )
    return [_comment(store, row) for row in rows]


async def count_comments(reader: Reader, space_key: int, entry_id: str, statuses: Sequence[CommentStatus]) -> int:
    """Return how many comments of these statuses an entry has."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM maydan_comments WHERE space_key = ? AND entry_id = ?"
        f" AND status IN ({','.join('?' * len(statuses))})",
        space_key,
        entry_id,
        *statuses,
    )
    return int(row[0]) if row else 0


def insert(comment: Comment) -> Statement:
    """Return the statement that stores a new comment."""
    return Statement(
        f"INSERT INTO maydan_comments ({_COLUMNS}) VALUES ({','.join('?' * 15)})",
        (
            comment.id, comment.space_key, comment.type_key, comment.entry_id, comment.parent_id, comment.kind,
            comment.status, comment.text, comment.author_id, comment.author_name, comment.author_email,
            comment.author_url, comment.version, comment.created_at, comment.updated_at,
        ),
    )  # fmt: skip


def update(comment: Comment) -> Statement:
    """Return the guarded statement that stores a comment's new text, status and version."""
    return Statement(
        "UPDATE maydan_comments SET text = ?, status = ?, version = ?, updated_at = ?"
        " WHERE space_key = ? AND id = ? AND version = ?",
        (
            comment.text, comment.status, comment.version, comment.updated_at, comment.space_key, comment.id,
            comment.version - 1,
        ),
        expect=1,
    )  # fmt: skip


def parent_guard(space_key: int, parent_id: str | None) -> list[Statement]:
    """Return what stops a batch when the comment that is answered is not there, or is being deleted at this moment."""
    if parent_id is None:
        return []
    sql = "SELECT 1 FROM maydan_comments WHERE space_key = ? AND id = ? {for_share}"
    return [Statement(sql, (space_key, parent_id), expect=1)]


def delete(comment: Comment) -> Statement:
    """Return the guarded statement that removes a comment; it waits for answers that are being stored."""
    sql = "DELETE FROM maydan_comments WHERE space_key = ? AND id = ? AND version = ?"
    return Statement(sql, (comment.space_key, comment.id, comment.version), expect=1)


def move_answers_up(comment: Comment) -> Statement:
    """Return the statement that follows :func:`delete`, in a batch of its own: what answered it answers its parent."""
    sql = "UPDATE maydan_comments SET parent_id = ? WHERE space_key = ? AND parent_id = ?"
    return Statement(sql, (comment.parent_id, comment.space_key, comment.id))


def removal(space_key: int, comment_id: str) -> list[Statement]:
    """Return what removes a comment whatever its version, one after the other; answers to it move up."""
    move = (
        "UPDATE maydan_comments SET parent_id ="
        " (SELECT p.parent_id FROM maydan_comments AS p WHERE p.space_key = ? AND p.id = ?)"
        " WHERE space_key = ? AND parent_id = ?"
    )
    return [
        Statement(move, (space_key, comment_id, space_key, comment_id)),
        Statement("DELETE FROM maydan_comments WHERE space_key = ? AND id = ?", (space_key, comment_id)),
    ]
