"""Indexes of a type that changes: entries whose texts are too long for one that is new are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.content.index_limits import fits, most_bytes, place_of_index
from maydan.content.stored import locales_of
from maydan.errors import Conflict, InputError
from maydan.operations.losses import MOST_NAMED, named
from maydan.operations.rebuilding import BATCH, FIRST_ID
from maydan.storage.entries import list_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.types import ContentType, Field
    from maydan.storage.entries import EntryRow
    from maydan.storage.ports import Store, Transaction


async def require_short(
    store: Store, transaction: Transaction, before: ContentType, after: ContentType, space_key: int
) -> None:
    """Refuse an index over texts that it cannot hold; what was indexed before fits already.

    Raises:
        Conflict: The message names entries.
    """
    old, new = most_bytes(before), most_bytes(after)
    had = {field.id for field in before.fields}
    for field in after.fields:
        most = new.get(field.id)
        if most is None or field.id not in had or old.get(field.id, most + 1) <= most:
            continue
        if ids := await _with_longer(store, transaction, after, space_key, field, most):
            message = (
                f"An index holds {most} bytes of {field.name}, and entries have more ({named(ids)}); shorten it first."
            )
            place = InputError(place_of_index(after, field.name), "too_long_for_index", message)
            raise Conflict(message, errors=(place,))


async def _with_longer(
    store: Store, transaction: Transaction, type: ContentType, space_key: int, field: Field, most: int
) -> Sequence[str]:
    """Return the ids of entries, the trash counted, in which the field is longer: some of them where there are many."""
    last, found = FIRST_ID, list[str]()
    while len(found) <= MOST_NAMED:
        page = await list_entries(transaction, store, space_key, type.key, after=last, limit=BATCH)
        found += [entry.id for entry in page if _is_longer(entry, field, most)]
        if len(page) < BATCH:
            break
        last = page[-1].id
    return found


def _is_longer(entry: EntryRow, field: Field, most: int) -> bool:
    values = [entry.body.get(field.id)]
    if entry.published is not None:
        values.append(entry.published.body.get(field.id))
    if field.localized:
        values = [one for value in values for one in locales_of(value).values()]
    return not all(fits(value, most) for value in values)
