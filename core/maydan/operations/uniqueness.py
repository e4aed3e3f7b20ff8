"""Unique fields of a type that changes: what its entries hold is claimed, or given up, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from maydan.errors import InputError, UniqueViolation
from maydan.operations.rebuilding import BATCH
from maydan.operations.writing import unique_claims
from maydan.storage import names
from maydan.storage.entries import list_entries
from maydan.storage.ports import GuardFailed, Statement

if TYPE_CHECKING:
    from maydan.content.types import ContentType
    from maydan.storage.ports import Store, Transaction

_FORGET = "DELETE FROM maydan_unique_values WHERE space_key = ? AND type_key = ? AND field_id = ?"


async def follow_unique(
    store: Store, transaction: Transaction, before: ContentType, after: ContentType, space_key: int
) -> None:
    """Claim the values of fields that became unique, and forget those of fields that no longer are.

    Raises:
        UniqueViolation: Two entries of the space have the same value.
    """
    old, new = ({field.id for field in each.fields if field.unique} for each in (before, after))
    for field_id in sorted(old - new):
        await transaction.apply([Statement(_FORGET, (space_key, after.key, field_id))])
    for field in after.fields:
        if field.id not in new - old:
            continue
        try:
            await _claim(store, transaction, structs.replace(after, fields=(field,)), space_key)
        except GuardFailed as error:
            message = f"Entries have the same {field.name}; give them different values first."
            place = InputError(f"/fields/{after.fields.index(field)}/unique", "taken", message)
            raise UniqueViolation(message, errors=(place,)) from error


async def _claim(store: Store, transaction: Transaction, only: ContentType, space_key: int) -> None:
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        page = await list_entries(transaction, store, space_key, only.key, after=last, limit=BATCH)
        for entry in page:
            claims = unique_claims(only, entry)
            await transaction.apply(names.unique_statements(space_key, only.key, entry.id, names.NOTHING, claims))
        if len(page) < BATCH:
            return
        last = page[-1].id
