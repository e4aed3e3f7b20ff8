"""List entries: one statement with the caller's condition in it, and documents passed on as they are stored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct

from maydan.access.actions import Action
from maydan.access.fields import field_sets
from maydan.content.checking import check_query
from maydan.content.conditions import And, Compare, Condition, Target, compares
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.render import project, with_private
from maydan.content.types import Kind
from maydan.operations.entries.including import branch_of, include, opened
from maydan.operations.entries.locales import reading_locale
from maydan.operations.entries.reaching import Perspective, Reaching
from maydan.operations.entries.reading import Reading, maps_of, where_of
from maydan.operations.entries.views import MAPS, decode, encode, whole_document
from maydan.storage.document_queries import (
    PageRequest,
    count_documents,
    count_sql,
    cursor_values,
    list_documents,
    page_statements,
)
from maydan.storage.documents import TRASH, table_of
from maydan.storage.keysets import SortKey
from maydan.storage.trigrams import find_lookup, helps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.decisions import Decision
    from maydan.content.orders import Sort
    from maydan.content.query import Query
    from maydan.operations.entries.including import Branch
    from maydan.operations.scopes import Scope
    from maydan.storage.document_queries import Listed, Where
    from maydan.storage.fragments import Sql
    from maydan.storage.ports import Store
    from maydan.storage.trigrams import Lookup


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


class _Prepared(Struct, frozen=True):
    """A list as far as it can be worked out before anything is read."""

    query: Query
    """Checked."""
    perspective: Perspective
    request: PageRequest
    """Without a cursor."""
    statements: tuple[Sql, ...]
    count: Sql
    lookup: Lookup | None
    """The index of texts, where one serves the query."""
    fingerprint: bytes
    """Binds cursors to the query, the type and what the caller may see."""


async def list_entries(scope: Scope, query: Query) -> Page:
    """Return a page of a type's entries.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller may not read the type under this perspective.
        BadParameter: The query names what does not exist, or what the caller may not read: the same words.
        BadCursor: The cursor is not one of this query.
    """
    decision = scope.require(_action(scope, query))
    locale = reading_locale(scope.space, scope.caller, query.locale)
    prepared = _KEPT.find(scope, query, decision, locale) or await _prepare(scope, query, decision, locale)
    checked, store = prepared.query, scope.core.store
    request, statements, count = await _by_index(store, prepared)
    if query.cursor is None:
        listed = await list_documents(store, request, statements)
    else:
        after = tuple(decode_cursor(scope.core.secret, prepared.fingerprint, query.cursor))
        listed = await list_documents(store, msgspec.structs.replace(request, after=after))
    total = await count_documents(store, count) if checked.count else None
    shown, last = listed[: checked.limit], None
    if len(listed) > checked.limit:
        last = encode_cursor(scope.core.secret, prepared.fingerprint, cursor_values(request, shown[-1]))
    items = await _items(scope, decision, checked, shown, prepared.perspective)
    draft = scope.type.drafts and prepared.perspective.draft
    return Page(items=items, next=last, total=total, locale=locale, draft=draft)


async def _by_index(store: Store, prepared: _Prepared) -> tuple[PageRequest, Sequence[Sql] | None, Sql]:
    """Begin with the index of texts where there is one for the query, and it leads to few documents."""
    request, lookup = prepared.request, prepared.lookup
    if lookup is None or not await helps(store, lookup):
        return request, prepared.statements, prepared.count
    count = count_sql(store.dialect.name, request.where, request.condition, lookup)
    return msgspec.structs.replace(request, lookup=lookup), None, count


async def _prepare(scope: Scope, query: Query, decision: Decision, locale: str) -> _Prepared:
    """Check a query and compile its statements."""
    perspective = Perspective(
        draft=query.perspective == "draft" or query.status == "trashed",
        locale=locale,
        translated_only=not query.fallback,
    )
    reach = Reaching(scope, draft=perspective.draft)
    readable = frozenset(field_sets(decision, scope.type).filterable)
    checked = await reach.checked(lambda: check_query(query, scope.type, scope.space, readable, reach))
    where = _where(scope, checked, perspective, reach)
    condition = _with_rights(decision, checked)
    request = PageRequest(
        where=where,
        condition=condition,
        sort=tuple(
            SortKey(path=key.path, target=key.target, descending=key.descending) for key in checked.sort if key.target
        ),
        after=None,
        limit=checked.limit + 1,
        offset=checked.offset,
        whole=checked.fields is None and whole_document(decision) and locale != MAPS,
    )
    dialect = scope.core.store.dialect.name
    prepared = _Prepared(
        checked,
        perspective,
        request,
        tuple(page_statements(dialect, request)),
        count_sql(dialect, where, condition),
        find_lookup(dialect, scope.type, table_of(scope.type), condition),
        _fingerprint(scope, query, checked, where),
    )
    _KEPT.keep(scope, query, decision, locale, prepared)
    return prepared


class _KeptLists:
    """Remembers lists that depend on nothing but the query, the type and a decision without conditions.

    Frontends ask the same few lists again and again. Everything is compared by identity, and kept alive beside its
    list, so that no ``id()`` is given away again: a changed type, space or policy makes new objects.
    """

    def __init__(self) -> None:
        self._lists: dict[tuple[int, ...], tuple[tuple[object, ...], str, _Prepared]] = {}

    def find(self, scope: Scope, query: Query, decision: Decision, locale: str) -> _Prepared | None:
        found = self._lists.get((id(query), id(scope.type), id(scope.space), id(decision)))
        return found[2] if found is not None and found[1] == locale else None

    def keep(self, scope: Scope, query: Query, decision: Decision, locale: str, prepared: _Prepared) -> None:
        reaches = any(compare.target is None or compare.target.hops for compare in _compares(prepared.query))
        if query.cursor or query.include or reaches or not decision.unconditional:
            return
        if len(self._lists) >= _MOST_KEPT:
            self._lists.clear()
        parts = (query, scope.type, scope.space, decision)
        self._lists[id(query), id(scope.type), id(scope.space), id(decision)] = (parts, locale, prepared)


_MOST_KEPT: Final = 512
_KEPT: Final = _KeptLists()


def _compares(query: Query) -> list[Compare | Sort]:
    return [*(compares(query.filter) if query.filter else ()), *query.sort]


def _action(scope: Scope, query: Query) -> str:
    """``read`` governs what is published, ``read_draft`` everything else; the trash is always something else."""
    if query.status == "trashed" or (query.perspective == "draft" and scope.type.drafts):
        return Action.READ_DRAFT
    return Action.READ


def _where(scope: Scope, query: Query, perspective: Perspective, reach: Reaching) -> Where:
    locale = scope.space.default_locale if perspective.locale == MAPS else perspective.locale
    where = where_of(scope, locale, draft=perspective.draft, translated_only=perspective.translated_only)
    kind = TRASH if query.status == "trashed" else where.perspective
    return msgspec.structs.replace(where, perspective=kind, draft=perspective.draft, types=reach.types)


def _with_rights(decision: Decision, query: Query) -> Condition | None:
    """Add the caller's condition, and that of every field that the query names and that is theirs on some rows only."""
    conditions = decision.filterable
    named = {compare.path[0] for compare in compares(query.filter)} if query.filter else set[str]()
    named |= {key.path[0] for key in query.sort}
    parts = [decision.row, *(conditions[name] for name in sorted(named)), query.filter]
    kept: list[Condition] = []
    for part in parts:
        if part is not None and part not in kept:
            kept.append(part)
    if query.status not in (None, "trashed"):
        kept.append(_status_is(query.status))
    return None if not kept else kept[0] if len(kept) == 1 else And(tuple(kept))


def _status_is(status: str | None) -> Condition:
    return Compare(("status",), "eq", status, Target(Kind.STRING, system=True))


def _fingerprint(scope: Scope, query: Query, checked: Query, where: Where) -> bytes:
    """Bind cursors to the query as it was asked, to the type, and to what is sorted by.

    Not to the caller's rights: a condition may depend on the moment, and a page shows what its own caller may read.
    """
    kinds = [key.target.kind for key in checked.sort if key.target]
    facts = (query.fingerprint(), kinds, scope.space.key, scope.type.key, where.locale)
    return hashlib.blake2b(msgspec.msgpack.encode(facts), digest_size=16).digest()


async def _items(
    scope: Scope, decision: Decision, query: Query, listed: list[Listed], perspective: Perspective
) -> list[Raw]:
    whole = query.fields is None and whole_document(decision)
    if whole and not query.include and perspective.locale != MAPS:
        return [Raw(document.body.encode()) for document in listed]
    branch = branch_of(query.include, query.fields, query.portions)
    if perspective.locale == MAPS:
        documents = await _maps(scope, decision, query, branch, listed)
    elif whole:
        documents = [opened(document.body) for document in listed]
    else:
        full = [with_private(decode(one.body), decode(one.private or "{}")) for one in listed]
        await scope.foresee(full)
        documents = [project(document, branch.shown(decision.fields_for(document))) for document in full]
    if query.include:
        await include(scope, documents, branch, perspective)
    return [Raw(encode(document)) for document in documents]


async def _maps(
    scope: Scope, decision: Decision, query: Query, branch: Branch, listed: list[Listed]
) -> list[dict[str, Any]]:
    fields = None if query.fields is None else (*(branch.fields or ()), *branch.names)
    draft = query.perspective == "draft" or query.status == "trashed"
    ids: list[str] = [decode(document.body)["id"] for document in listed]
    reading = Reading(draft=draft, locale=MAPS, fields=fields)
    shown = await maps_of(scope, decision, ids, reading, trashed=query.status == "trashed")
    return [opened(shown[entry_id].decode()) for entry_id in ids if entry_id in shown]
