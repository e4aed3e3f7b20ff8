"""Where an entry is used: the entries that link to it, as far as the caller may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.access.decisions import DENIED
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.unlinking import relations_of
from maydan.operations.entries.loading import load_visible
from maydan.operations.entries.reading import where_of
from maydan.operations.entries.views import decode
from maydan.storage.document_queries import find_documents
from maydan.storage.references import LinkRow, page_of_links

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from maydan.content.types import ContentType
    from maydan.operations.scopes import Scope

_BATCH: Final = 200
"""Links that are read at a time."""


class Reference(Struct, frozen=True, kw_only=True):
    """One field of one entry that links to another."""

    type: str
    id: str
    field: str
    """By its present name; inside a component or block dotted, ``opening.host``."""


class ReferencePage(Struct, frozen=True, kw_only=True):
    """One page of references, the newest entry first."""

    items: list[Reference]
    next: str | None
    total: int | None


async def list_references(
    scope: Scope, id_or_slug: str, *, limit: int, cursor: str | None, offset: int, count: bool
) -> ReferencePage:
    """Return the fields that link to an entry.

    One counts where the caller may read the field: with ``read`` where what is published links, with ``read_draft``
    where the newest version does. Entries in the trash do not count.

    Raises:
        NotFound: There is no such entry that the caller may read.
        BadCursor: The cursor is not one of this list.
    """
    core = scope.core
    entry = await load_visible(scope, id_or_slug)
    fingerprint = f"references:{scope.space.key}:{entry.id}".encode()
    after: tuple[str, str] | None = None
    if cursor is not None:
        source, field = decode_cursor(core.secret, fingerprint, cursor)
        after = (source, field)
    found: list[tuple[LinkRow, Reference]] = []
    async for one in _visible_links(scope, entry.id, after):
        found.append(one)
        if len(found) > offset + limit:
            break
    shown = found[offset : offset + limit]
    last = shown[-1][0] if len(found) > offset + limit else None
    total = sum([1 async for _ in _visible_links(scope, entry.id, None)]) if count else None
    return ReferencePage(
        items=[reference for _, reference in shown],
        next=encode_cursor(core.secret, fingerprint, [last.source_id, last.field_id]) if last else None,
        total=total,
    )


async def _visible_links(
    scope: Scope, target_id: str, after: tuple[str, str] | None
) -> AsyncIterator[tuple[LinkRow, Reference]]:
    while True:
        rows = await page_of_links(scope.core.store, scope.space.key, target_id, after=after, limit=_BATCH)
        visible = await visible_references(scope, rows)
        for row in rows:
            reference = visible.get((row.source_id, row.field_id))
            if reference is not None:
                yield row, reference
        if len(rows) < _BATCH:
            return
        after = (rows[-1].source_id, rows[-1].field_id)


async def visible_references(scope: Scope, rows: Sequence[LinkRow]) -> dict[tuple[str, str], Reference]:
    """Return, by source and field id, those of the links that the caller may read."""
    by_field: dict[tuple[int, str], list[LinkRow]] = {}
    for row in rows:
        by_field.setdefault((row.type_key, row.field_id), []).append(row)
    visible: dict[tuple[str, str], Reference] = {}
    for (type_key, field_id), some in by_field.items():
        content_type = scope.core.registry.type_by_key(type_key)
        relation = relations_of(content_type).get(field_id) if content_type else None
        if content_type is None or relation is None or not _is_active(scope, content_type):
            continue
        for source_id in await _readable_sources(scope.beside(content_type), some, relation.top):
            reference = Reference(type=content_type.name, id=source_id, field=relation.path)
            visible[source_id, field_id] = reference
    return visible


def _is_active(scope: Scope, content_type: ContentType) -> bool:
    """Tell whether the type is there for the space: that of a plugin which is not active has no entries to see."""
    return scope.core.registry.cached_type(scope.space, content_type.name) is not None


async def _readable_sources(scope: Scope, rows: Sequence[LinkRow], field: str) -> set[str]:
    """Return the ids of the entries of one type whose link in the field the caller may read."""
    if not scope.type.drafts:
        return await _readable(scope, [row.source_id for row in rows], field, draft=False)
    published = [row.source_id for row in rows if row.in_published]
    drafts = [row.source_id for row in rows if row.in_draft]
    return await _readable(scope, published, field, draft=False) | await _readable(scope, drafts, field, draft=True)


async def _readable(scope: Scope, ids: Sequence[str], field: str, *, draft: bool) -> set[str]:
    decision = scope.decide(Action.READ_DRAFT if draft else Action.READ)
    condition = decision.condition_for(field)
    if condition is DENIED or not ids:
        return set()
    if decision.row is None and condition is None:
        return set(ids)
    found: set[str] = set()
    for locale in scope.space.locales:
        left = [one for one in ids if one not in found]
        if not left:
            break
        where = where_of(scope, locale, draft=draft)
        rows = await find_documents(scope.core.store, where, left)
        documents = {entry_id: {**decode(body), **decode(private)} for entry_id, body, private in rows}
        await scope.foresee(list(documents.values()))
        found |= {one for one, document in documents.items() if field in decision.fields_for(document)}
    return found
