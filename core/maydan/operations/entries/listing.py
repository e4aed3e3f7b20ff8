"""List entries: one statement with the caller's condition in it, and documents passed on as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from maydan.access.actions import Action
from maydan.content.cursors import decode_cursor, encode_cursor, gone, is_shortened, shortened
from maydan.content.render import project, with_private
from maydan.operations.entries.composed import COMPOSED
from maydan.operations.entries.including import include
from maydan.operations.entries.locales import reading_locale
from maydan.operations.entries.planning import plan
from maydan.operations.entries.reading import Reading, maps_of
from maydan.operations.entries.shared import shares
from maydan.operations.entries.views import MAPS, decode, encode, whole_document
from maydan.storage.document_cursors import find_cursor_values
from maydan.storage.document_queries import count_documents, cursor_values, list_documents

if TYPE_CHECKING:
    from maydan.access.decisions import Decision
    from maydan.content.query import Query
    from maydan.operations.entries.branches import Branch
    from maydan.operations.entries.planning import Plan
    from maydan.operations.scopes import Scope
    from maydan.storage.document_queries import Listed, Statements


class Page(Struct, frozen=True, kw_only=True):
    """One page of a list."""

    items: list[Raw]
    next: str | None
    """The cursor of the next page."""
    total: int | None
    """How many there are; only where it was asked for."""
    locale: str
    draft: bool
    """Whether the answer shows what not everybody may read."""
    tags: tuple[str, ...] = ()
    """All that it depends on, where a shared cache may keep it (:mod:`~maydan.operations.entries.shared`)."""


async def list_entries(scope: Scope, query: Query) -> Page:
    """Return a page of a type's entries.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller may not read the type under this perspective.
        BadParameter: The query names what does not exist, or what the caller may not read: the same words.
        BadCursor: The cursor is not one of this query.
    """
    decision = scope.require(_action(scope, query))
    locale = reading_locale(scope.space, scope.caller, query.locale)
    planned = await plan(scope, query, decision, locale)
    checked, store = planned.query, scope.core.store
    statements = await planned.statements(store)
    after = None
    if query.cursor is not None:
        place = decode_cursor(scope.core.secret, planned.fingerprint, query.cursor)
        after = tuple(await _place(scope, statements, place) if is_shortened(place) else place)
    listed = await list_documents(store, statements, after)
    total = await count_documents(store, statements.count) if checked.count else None
    shown, last = listed[: checked.limit], None
    if len(listed) > checked.limit:
        place = shortened(cursor_values(statements.request, shown[-1]))
        last = encode_cursor(scope.core.secret, planned.fingerprint, place)
    items = await _items(scope, decision, planned, shown)
    draft = scope.type.drafts and planned.perspective.draft
    tags = planned.tags if shares(scope) else ()
    return Page(items=items, next=last, total=total, locale=locale, draft=draft, tags=tags)


async def _place(scope: Scope, statements: Statements, known: list[Any]) -> list[Any]:
    """Read the sort keys that a cursor knows only by their digest."""
    found = await find_cursor_values(scope.core.store, statements.request, known[-1])
    if found is None or shortened(found) != known:
        raise gone()
    return found


def _action(scope: Scope, query: Query) -> str:
    """``read`` governs what is published, ``read_draft`` everything else; the trash is always something else."""
    if query.status == "trashed" or (query.perspective == "draft" and scope.type.drafts):
        return Action.READ_DRAFT
    return Action.READ


async def _items(scope: Scope, decision: Decision, planned: Plan, listed: list[Listed]) -> list[Raw]:
    query, branch = planned.query, planned.branch
    if planned.perspective.locale == MAPS:
        texts = await _maps(scope, decision, query, branch, listed)
    elif query.fields is None and whole_document(decision):
        texts = [document.body for document in listed]
    else:
        full = [with_private(decode(one.body), decode(one.private or "{}")) for one in listed]
        await scope.foresee(full)
        shown = (project(document, branch.shown(decision.fields_for(document))) for document in full)
        texts = [encode(document).decode() for document in shown]
    if not query.include:
        return [Raw(text.encode()) for text in texts]
    known = await COMPOSED.find(scope, planned, texts)
    if known is not None:
        return known
    included = await include(scope, texts, branch, planned.perspective)
    items = [Raw(text.encode()) for text in included.texts]
    COMPOSED.keep(planned, texts, included, items)
    return items


async def _maps(scope: Scope, decision: Decision, query: Query, branch: Branch, listed: list[Listed]) -> list[str]:
    fields = None if query.fields is None else (*(branch.fields or ()), *branch.names)
    draft = query.perspective == "draft" or query.status == "trashed"
    ids: list[str] = [decode(document.body)["id"] for document in listed]
    reading = Reading(draft=draft, locale=MAPS, fields=fields)
    shown = await maps_of(scope, decision, ids, reading, trashed=query.status == "trashed")
    return [shown[entry_id].decode() for entry_id in ids if entry_id in shown]
