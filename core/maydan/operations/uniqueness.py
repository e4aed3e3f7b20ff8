"""Unique fields of a type that changes: what its entries hold is claimed, or given up, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from maydan.errors import InputError, UniqueViolation
from maydan.operations.losses import MOST_NAMED, named
from maydan.operations.rebuilding import BATCH, FIRST_ID
from maydan.operations.writing import THE_ONLY, unique_claims
from maydan.storage import names
from maydan.storage.entries import list_entries
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from maydan.content.types import ContentType
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Store, Transaction

_FORGET = "DELETE FROM maydan_unique_values WHERE space_key = ? AND type_key = ? AND field_id = ?"


class _Taken(Exception):
    """An entry has a value that another one was found to have before."""

    def __init__(self, entry_id: str, keys: frozenset[tuple[str, ...]]) -> None:
        super().__init__()
        self.entry_id = entry_id
        self.keys = keys


async def follow_unique(
    store: Store, transaction: Transaction, before: ContentType, after: ContentType, space_key: int
) -> None:
    """Claim the values of fields that became unique, and forget those of fields that no longer are.

    The one entry of a type that becomes ``single`` claims its place in the same way.

    Raises:
        UniqueViolation: Two entries of the space have the same value, or a type that becomes ``single`` has several;
            the message names them.
    """
    if before.single != after.single:
        await _follow_single(store, transaction, after, space_key)
    old, new = ({field.id for field in each.fields if field.unique} for each in (before, after))
    for field_id in sorted(old - new):
        await transaction.apply([Statement(_FORGET, (space_key, after.key, field_id))])
    for index, field in enumerate(after.fields):
        if field.id not in new - old:
            continue
        only = structs.replace(after, fields=(field,), single=False)
        try:
            async with transaction.savepoint():
                await _claim(store, transaction, only, space_key)
        except _Taken as taken:
            other = await _first_holder(store, transaction, only, space_key, taken.keys)
            message = (
                f"Entries have the same {field.name} ({other} and {taken.entry_id}); give them different values first."
            )
            place = InputError(f"/fields/{index}/unique", "taken", message)
            raise UniqueViolation(message, errors=(place,)) from taken


async def _follow_single(store: Store, transaction: Transaction, after: ContentType, space_key: int) -> None:
    if not after.single:
        await transaction.apply([Statement(_FORGET, (space_key, after.key, THE_ONLY[0]))])
        return
    rows = await transaction.fetch_all(
        "SELECT id FROM maydan_entries WHERE space_key = ? AND type_key = ? AND trashed_at IS NULL ORDER BY id"
        f" LIMIT {MOST_NAMED + 1:d}",
        space_key, after.key,
    )  # fmt: skip
    if len(rows) > 1:
        ids = [str(row[0]) for row in rows]
        message = f"There is more than one entry ({named(ids)}); delete all but one first."
        raise UniqueViolation(message, errors=(InputError("/single", "taken", message),))
    await _claim(store, transaction, structs.replace(after, fields=()), space_key)


async def _claim(store: Store, transaction: Transaction, only: ContentType, space_key: int) -> None:
    async for entry in _entries(store, transaction, only, space_key):
        claims = unique_claims(only, entry)
        try:
            await transaction.apply(names.unique_statements(space_key, only.key, entry.id, names.NOTHING, claims))
        except GuardFailed as error:
            raise _Taken(entry.id, claims.draft | claims.published) from error


async def _first_holder(
    store: Store, transaction: Transaction, only: ContentType, space_key: int, keys: frozenset[tuple[str, ...]]
) -> str:
    async for entry in _entries(store, transaction, only, space_key):
        claims = unique_claims(only, entry)
        if keys & (claims.draft | claims.published):
            return entry.id
    return "another one"


async def _entries(
    store: Store, transaction: Transaction, only: ContentType, space_key: int
) -> AsyncIterator[EntryRow]:
    last = FIRST_ID
    while True:
        page = await list_entries(transaction, store, space_key, only.key, after=last, limit=BATCH)
        for entry in page:
            yield entry
        if len(page) < BATCH:
            return
        last = page[-1].id
