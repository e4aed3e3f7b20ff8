"""Rendering documents anew, where a type or a space has changed under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.operations.rendering import document_keys, document_rows
from maydan.storage import documents
from maydan.storage.entries import list_entries
from maydan.storage.registry import list_types

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Core
    from maydan.storage.ports import Store, Transaction

BATCH: Final = 200
"""Entries rendered at a time; memory stays flat however many there are."""

FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"
"""Before every id."""


async def rebuild_space(core: Core, transaction: Transaction, before: Space, after: Space) -> None:
    """Render every document of a space, after its locales or fallbacks changed."""
    types = await list_types(transaction, after)
    for content_type in types:
        await documents.lock(transaction, content_type, core.store.dialect.name)
    for content_type in types:
        await rebuild_type(core.store, transaction, content_type, before, after)


async def rebuild_type(
    store: Store, transaction: Transaction, content_type: ContentType, before: Space, after: Space
) -> None:
    """Render every document of a type in a space, in the transaction that changes what they are made from."""
    last = FIRST_ID
    while True:
        page = await list_entries(transaction, store, after.key, content_type.key, after=last, limit=BATCH)
        for entry in page:
            rows = document_rows(content_type, after, entry)
            stale = document_keys(content_type, before, entry) - document_keys(content_type, after, entry)
            await transaction.apply(
                [
                    *documents.put(content_type, after.key, entry.id, rows),
                    *documents.drop(content_type, after.key, entry.id, stale),
                ]
            )
        if len(page) < BATCH:
            return
        last = page[-1].id
