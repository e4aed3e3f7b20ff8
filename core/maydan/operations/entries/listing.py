"""List entries: one statement with the caller's condition in it, and documents passed on as they are stored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from maydan.access.actions import Action
from maydan.content.checking import check_query
from maydan.content.conditions import And, Compare, Condition, Target, compares
from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.content.render import project
from maydan.content.types import Kind
from maydan.errors import BadParameter
from maydan.operations.entries.locales import reading_locale
from maydan.operations.entries.reading import Reading, maps_of, selected, where_of
from maydan.operations.entries.views import MAPS, decode, encode, whole_document
from maydan.storage.document_queries import PageRequest, SortKey, count_documents, list_documents
from maydan.storage.documents import TRASH

if TYPE_CHECKING:
    from maydan.access.decisions import Decision
    from maydan.content.query import Query
    from maydan.operations.scopes import Scope
    from maydan.storage.document_queries import Listed, Where


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


async def list_entries(scope: Scope, query: Query) -> Page:
    """Return a page of a type's entries.

    Raises:
        Unauthenticated, Forbidden, NotFound: The caller may not read the type under this perspective.
        BadParameter: The query names what does not exist, or what the caller may not read: the same words.
        BadCursor: The cursor is not one of this query.
    """
    draft = scope.type.drafts and (query.perspective == "draft" or query.status == "trashed")
    decision = scope.require(_action(scope, query))
    locale = reading_locale(scope.space, scope.caller, query.locale)
    checked = check_query(query, scope.type, scope.space, frozenset(decision.filterable))
    if checked.include:
        raise BadParameter("include is not available on lists yet.", code="unknown_parameter")
    where = _where(scope, checked, scope.space.default_locale if locale == MAPS else locale, draft=draft)
    condition = _with_rights(decision, checked)
    fingerprint = _fingerprint(scope, checked, where, condition)
    request = PageRequest(
        where=where,
        condition=condition,
        sort=tuple(
            SortKey(path=key.path, target=key.target, descending=key.descending) for key in checked.sort if key.target
        ),
        after=_after(scope, checked, fingerprint),
        limit=checked.limit + 1,
        offset=checked.offset,
        whole=checked.fields is None and whole_document(decision) and locale != MAPS,
    )
    listed = await list_documents(scope.core.store, request)
    total = await count_documents(scope.core.store, where, condition) if checked.count else None
    shown = listed[: checked.limit]
    last = encode_cursor(scope.core.secret, fingerprint, shown[-1].keys) if len(listed) > checked.limit else None
    items = await _items(scope, decision, checked, shown, locale, whole=request.whole)
    return Page(items=items, next=last, total=total, locale=locale, draft=draft)


def _action(scope: Scope, query: Query) -> str:
    """``read`` governs what is published, ``read_draft`` everything else; the trash is always something else."""
    if query.status == "trashed" or (query.perspective == "draft" and scope.type.drafts):
        return Action.READ_DRAFT
    return Action.READ


def _where(scope: Scope, query: Query, locale: str, *, draft: bool) -> Where:
    where = where_of(scope, locale, draft=draft, translated_only=not query.fallback)
    return msgspec.structs.replace(where, perspective=TRASH) if query.status == "trashed" else where


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


def _fingerprint(scope: Scope, query: Query, where: Where, condition: Condition | None) -> bytes:
    """Bind cursors to the query, the type and what the caller may see."""
    facts = (query.fingerprint(), scope.space.key, scope.type.key, where.locale, condition)
    return hashlib.blake2b(msgspec.msgpack.encode(facts), digest_size=16).digest()


def _after(scope: Scope, query: Query, fingerprint: bytes) -> tuple[Any, ...] | None:
    if query.cursor is None:
        return None
    return tuple(decode_cursor(scope.core.secret, fingerprint, query.cursor))


async def _items(
    scope: Scope, decision: Decision, query: Query, listed: list[Listed], locale: str, *, whole: bool
) -> list[Raw]:
    if whole:
        return [Raw(document.body.encode()) for document in listed]
    if locale == MAPS:
        return await _maps(scope, decision, query, listed)
    return [Raw(_shown(decision, query, document)) for document in listed]


def _shown(decision: Decision, query: Query, listed: Listed) -> bytes:
    document = {**decode(listed.body), **decode(listed.private or "{}")}
    return encode(project(document, selected(decision.fields_for(document), query.fields)))


async def _maps(scope: Scope, decision: Decision, query: Query, listed: list[Listed]) -> list[Raw]:
    reading = Reading(draft=query.perspective == "draft", locale=MAPS, fields=query.fields)
    ids = [document.keys[-1] for document in listed]
    shown = await maps_of(scope, decision, ids, reading)
    return [Raw(shown[entry_id]) for entry_id in ids if entry_id in shown]
