"""Where a page ended, read again: a cursor does not hold long sort keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from maydan.content.conditions import Compare, Target
from maydan.content.types import Kind
from maydan.storage.document_queries import PageRequest, Statements, cursor_values, list_documents

if TYPE_CHECKING:
    from maydan.storage.ports import Store


async def find_cursor_values(store: Store, request: PageRequest, entry_id: str) -> list[Any] | None:
    """Return what :func:`~maydan.storage.document_queries.cursor_values` does of an entry, on the page or not."""
    only = Compare(("id",), "eq", entry_id, Target(Kind.STRING, system=True))
    one = structs.replace(request, condition=only, limit=1, offset=0, lookup=None)
    listed = await list_documents(store, Statements(store.dialect.name, one))
    return cursor_values(one, listed[0]) if listed else None
