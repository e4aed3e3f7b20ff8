"""Erase what a person wrote as comments, and take their address out of what others wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from maydan.engagement import comments
from maydan.operations.erasing_addresses import candidates
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from maydan.operations.core import Core
    from maydan.operations.erasing_addresses import Sought
    from maydan.storage.ports import Transaction

CommentRule = Literal["blank", "delete"]
"""Whether comments stay without their text, so that answers to them keep their place, or go."""

_THEIRS: Final = "comments"
_OTHERS: Final = "comments by others"
_BATCH: Final = 200
_TEXTS: Final[tuple[str, ...]] = ("text", "author_name", "author_email", "author_url")
_BLANK: Final[dict[str, str]] = dict.fromkeys(_TEXTS, "")
_SAYS_SOMETHING: Final = " OR ".join(f"{column} <> ''" for column in _TEXTS)
_BY_THEM: Final = f"maydan_comments WHERE author_id = ? AND ({_SAYS_SOMETHING})"
_BY_OTHERS: Final = "author_id IS NULL OR author_id <> ?"
_SELECT: Final = (
    f"SELECT space_key, entry_id, type_key, status, version, author_id, {', '.join(_TEXTS)} FROM maydan_comments"
    " WHERE id = ? {for_update}"
)


async def count_comments(core: Core, account_id: str, sought: Sought | None) -> dict[str, int]:
    """Return how many comments are the person's and say something, and how many others hold the address."""
    row = await core.store.fetch_one(f"SELECT count(*) FROM {_BY_THEM}", account_id)
    counts = {_THEIRS: row[0] if row else 0, _OTHERS: 0}
    async for _, whose in _by_others(core, account_id, sought):
        counts[whose] += 1
    return counts


async def erase_comments(core: Core, account_id: str, sought: Sought | None, rule: CommentRule) -> dict[str, int]:
    """Blank or delete the person's comments, and take the address out of others'."""
    counts = {_THEIRS: 0, _OTHERS: 0}
    while rows := await core.store.fetch_all(f"SELECT id FROM {_BY_THEM} ORDER BY id LIMIT {_BATCH}", account_id):
        for row in rows:
            await _erase(core, str(row[0]), account_id, sought, rule)
        counts[_THEIRS] += len(rows)
    async for comment_id, whose in _by_others(core, account_id, sought):
        await _erase(core, comment_id, account_id, sought, rule)
        counts[whose] += 1
    return counts


async def _by_others(core: Core, account_id: str, sought: Sought | None) -> AsyncIterator[tuple[str, str]]:
    """Yield the comments of other accounts, and of guests, that hold the address; a guest's may be the person's."""
    if sought is None:
        return
    async for comment_id, *texts in candidates(
        core.store, "maydan_comments", ("id",), _TEXTS, _BY_OTHERS, (account_id,)
    ):
        held = {name: text or "" for name, text in zip(_TEXTS, texts, strict=True)}
        if _changes(held, sought):
            yield comment_id, _THEIRS if sought.is_in(held["author_email"]) else _OTHERS


def _changes(held: dict[str, str], sought: Sought) -> dict[str, str]:
    """Return what becomes of the texts of a comment that is not by the account."""
    if sought.is_in(held["author_email"]):
        return _BLANK
    return {name: sought.replaced(text, "").strip() for name, text in held.items() if sought.is_in(text)}


async def _erase(core: Core, comment_id: str, account_id: str, sought: Sought | None, rule: CommentRule) -> None:
    """Change the comment as it is now, whatever somebody has made of it since it was found."""
    async with core.store.write_transaction() as transaction:
        row = await transaction.fetch_one(_SELECT, comment_id)
        if row is None:
            return
        space_key, entry_id, type_key, status, version, author_id, *texts = row
        held: dict[str, str] = dict(zip(_TEXTS, texts, strict=True))
        changes = _BLANK if author_id == account_id else {} if sought is None else _changes(held, sought)
        if not changes:
            return
        goes = rule == "delete" and changes is _BLANK
        await _store(core, transaction, space_key, comment_id, {} if goes else changes)
        content_type = core.registry.type_by_key(type_key)
        data = {
            "entry": str(entry_id), "type": content_type.name if content_type else "", "status": status, "was": status,
        }  # fmt: skip
        event = Event(
            type="comment.deleted" if goes else "comment.updated", space_key=space_key, subject_type="comment",
            subject_id=comment_id, version=version + (not goes), at=core.clock.now(), data=data,
        )  # fmt: skip
        await transaction.apply([event_statement(event)])


async def _store(
    core: Core, transaction: Transaction, space_key: int, comment_id: str, changes: dict[str, str]
) -> None:
    """Give the comment other texts; without any it goes."""
    if not changes:
        for statement in comments.removal(space_key, comment_id):
            await transaction.apply([statement])
        return
    sets = "".join(f"{column} = ?, " for column in changes)
    sql = f"UPDATE maydan_comments SET {sets}version = version + 1, updated_at = ? WHERE space_key = ? AND id = ?"
    await transaction.apply([Statement(sql, (*changes.values(), core.clock.now(), space_key, comment_id))])
